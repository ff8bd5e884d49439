"""Which families predict on packed crops; apart from what predicts, so that reports may ask."""

CROP_FAMILIES = ("learned", "mean_shape")  # which are shown labelled faces; all others look at whole frames

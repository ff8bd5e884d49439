"""What a regression gate must notice: damage done to the code that makes the results."""

# name -> module below src/thermark, a text in it, and what stands there afterwards; {} is that text.
DAMAGE = {
    "all points 1 px off": ("models/learned.py", "geometry.apply(to_source[rows], in_crop)", "{} + 1"),
    "swapped flip indices": ("train/codecs/simcc.py", "outputs[0][:, partner].flip(-1)", "outputs[0].flip(-1)"),
    "half a pixel in the decoder": ("train/codecs/simcc.py", "dim=-1).float() / self.split", "{} + 0.5"),
    "one contestant silently failing": (
        "models/learned.py",
        "xy, score = self.codec.decode(outputs)",
        "{}; xy = xy * (torch.nan if len(self.trained_on) > 1 else 1)",
    ),
    "a doubled subject": ("report/results/collect.py", "stored[key][..., known]", "{}.repeat(2, -1)"),
}


def damaged(old: str, new: str) -> str:
    """Return the text that takes the place of `old`."""
    return new.replace("{}", old)

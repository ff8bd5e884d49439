"""Training of the face detector on frames with labelled boxes."""

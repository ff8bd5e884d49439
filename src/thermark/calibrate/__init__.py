"""A trained head for a user's own camera: labels in, a measured predictor out, and predictions from it."""

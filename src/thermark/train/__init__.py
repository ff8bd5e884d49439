"""Training of pose networks."""

"""Contestants that have never seen our data, on whole frames: their contract, and how they are run."""

"""Tiny heads on frozen backbones: crops, their features, training on a few labels, and scores."""

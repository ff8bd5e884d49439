"""Frozen backbones, one module a family."""

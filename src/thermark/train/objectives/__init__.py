"""Losses of outputs against targets, one module a loss."""

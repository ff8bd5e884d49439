"""Landmark models: one module a family, and in inference/ what they share and how they are run."""

"""Recipes of training, one module a recipe."""

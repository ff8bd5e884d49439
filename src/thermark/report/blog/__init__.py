"""Exports for a blog post."""

"""Readers of label and picture formats."""

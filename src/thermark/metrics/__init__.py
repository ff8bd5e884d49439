"""Metrics of predictions against labels, and their doubt."""

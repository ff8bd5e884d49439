"""Figures as Vega-Lite specifications, each with its sentence and its numbers: pure functions of records."""

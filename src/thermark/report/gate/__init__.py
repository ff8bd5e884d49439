"""The gate: whether results are worse than others, by a margin and beyond doubt."""

"""The gate: whether results are worse than others, by more than a margin and significantly."""

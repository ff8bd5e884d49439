"""Rendered people, and writers of the data sets' on-disk layouts."""

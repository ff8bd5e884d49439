"""Checks of a data set's files and labels."""

"""Types and files that everything shares."""

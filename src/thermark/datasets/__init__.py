"""Real data sets, one module a set: from its files on disk to labelled faces."""

"""Real data sets: from cache, mirrors, by hand or from the network to a verified folder of raw files."""

"""Weights and data from elsewhere: cache, mirrors, downloads, archives, manifests."""

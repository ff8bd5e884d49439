"""TEMPORARY stand-in until the statistics arrive."""

from thermark.metrics.bootstrap import interval


def rate_interval(hits, subjects, replicates, seed):
    return interval(hits.astype(float), subjects, replicates, seed, within=(0.0, 1.0))

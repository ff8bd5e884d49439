"""Of how many seeds a training method may be spoken at all."""

from thermark.metrics.paired import TOO_FEW


def withheld(seeds: int) -> str:
    """Return why there is no verdict on a run of so few seeds, nothing where there are enough."""
    return TOO_FEW.get(seeds, "")


def undecided(verdict: str) -> bool:
    """Return whether a verdict is that there is none."""
    return verdict in TOO_FEW.values()

"""With how many seeds a training method has a verdict."""

from thermark.metrics.paired import TOO_FEW

# Against a constant, which no seed changes, the run's own spread decides alone, and three seeds estimate it
# poorly: such a verdict changed when the default was computed in another arithmetic.
FEW = {3: "three seeds: no verdict against a constant", 4: "four seeds: no verdict against a constant"}


def withheld(seeds: int) -> str:
    """Return why there is no verdict on a run of so few seeds, nothing where there are enough."""
    return TOO_FEW.get(seeds, "")


def withheld_alone(seeds: int) -> str:
    """Return why there is no verdict on a run of so few seeds against an answer that no seed moves, or nothing."""
    return withheld(seeds) or FEW.get(seeds, "")


def undecided(verdict: str) -> bool:
    """Return whether a verdict is that there is none."""
    return verdict in TOO_FEW.values() or verdict in FEW.values()

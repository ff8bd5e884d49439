"""The section of a run of ours in params.yaml; apart from its network, so that reading it needs no PyTorch."""

from typing import Literal

from thermark.core.config import Section

# How the mirror image is averaged in: `aligned` shifts its distribution by the bin that mirroring moves it, half a
# pixel of the input; `published` does not, as MMPose; `none` leaves it out, at half the time.
Flip = Literal["aligned", "published", "none"]


class LearnedConfig(Section):
    """`run`: the run, each of whose seeds is predicted; `flip`: how the mirror image is averaged in."""

    family: str
    run: str
    flip: Flip = "aligned"

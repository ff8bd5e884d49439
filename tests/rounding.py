"""What may differ where the same numbers are added in another order: by another CPU, batch or memory order."""

import torch

# Of the largest magnitude. Networks of a dozen layers in float32 agree to a tenth of it, whatever adds them up.
PART = 1e-5


def same(said: torch.Tensor, wanted: torch.Tensor, part: float = PART) -> None:
    """Fail unless two tensors are equal up to `part` of the largest magnitude that is wanted."""
    torch.testing.assert_close(said, wanted, rtol=0, atol=part * float(wanted.detach().abs().max()))

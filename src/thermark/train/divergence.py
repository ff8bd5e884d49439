"""How far a distribution over the bins of an axis is from the one it should be."""

from torch import Tensor
from torch.nn import functional as F

BETA = 10.0


def by_bin(target: Tensor, logits: Tensor, beta: float = BETA) -> Tensor:
    """Return q (log q - p) of each bin, whose sum over bins is the Kullback-Leibler divergence.

    p is the log-softmax of beta x `logits` and q the softmax of beta x `target`, both (..., L); float32 also under
    autocast. No gradient reaches `target`.
    """
    log_p = F.log_softmax(logits.float() * beta, dim=-1)
    log_q = F.log_softmax(target.detach().float() * beta, dim=-1)
    return F.kl_div(log_p, log_q, reduction="none", log_target=True)

"""How far the weights of several networks of one architecture are apart."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def l2(stacked: Tensor) -> Tensor:
    """The squared distance of K tensors from their mean, of (K, ...): a scalar.

    Duong et al. (ACL 2015, section 3) pull two networks together by the squared distance between
    them, which is twice this.
    """
    centred: Tensor = stacked - stacked.mean(dim=0)
    return centred.square().sum()


def trace_norm(stacked: Tensor) -> Tensor:
    """The sum of the singular values of K tensors as the rows of a matrix, of (K, ...): a scalar.

    The task unfolding of Yang and Hospedales (ICLR workshop 2017, equation 2, "last axis
    flattening"): the lower it is, the more the tasks' weights are multiples of each other.
    """
    values: Tensor = torch.linalg.svdvals(stacked.flatten(1))
    return values.sum()


PENALTIES: dict[str, Callable[[Tensor], Tensor]] = {"l2": l2, "trace_norm": trace_norm}

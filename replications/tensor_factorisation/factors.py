"""The kernels of several tasks from factors (Yang and Hospedales, ICLR 2017, section 3).

A layer's kernels, (C', C, h, w) of each of K tasks, are one tensor of four modes: (C', C, h w, K).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from replications.tensor_factorisation.options import Form

Kept = Callable[[Tensor], int]
"""How many of a mode's singular values, (n,) falling, are kept."""


class Factors(nn.Module):
    """The factors of one layer, and the kernels that they make."""

    def __init__(self, form: Form, kernels: Tensor, kept: Kept) -> None:
        """`kernels`: those to begin with, (K, C', C, h, w), met as well as what is kept allows."""
        super().__init__()
        self.form, self.shape = form, kernels.shape
        whole = kernels.flatten(3).permute(1, 2, 3, 0)
        self.parts = nn.ParameterList(_DECOMPOSED[form](whole, kept))

    def kernels(self) -> Tensor:
        """(K, C', C, h, w)."""
        whole = _COMPOSED[self.form](list(self.parts))
        return whole.permute(3, 0, 1, 2).reshape(self.shape)


def share(rank: float) -> Kept:
    """Of every mode the same share."""
    return lambda values: max(1, math.ceil(rank * len(values)))


def within(error: float, form: Form) -> Kept:
    """As few as leave the kernels within a relative error, in the Frobenius norm.

    What is left out of the modes adds up to at most the sum of its squares (De Lathauwer et al.,
    2000; Oseledets, 2011, theorem 2.2), so each of them may leave out an equal part.
    """
    budget = error**2 / _CUTS[form]

    def kept(values: Tensor) -> int:
        energy = values.square()
        left_out = energy.flip(0).cumsum(0).flip(0)  # of each value and those behind it
        return max(1, int((left_out > budget * energy.sum()).sum()))

    return kept


def ranks_of(form: Form, kernels: Tensor, kept: Kept) -> list[int]:
    """What is kept of each mode of the kernels, one after the other."""
    found: list[int] = []

    def noted(values: Tensor) -> int:
        found.append(kept(values))
        return found[-1]

    Factors(form, kernels, noted)
    return found


def fixed(ranks: Sequence[int]) -> Kept:
    """Of the modes these, one after the other; for one decomposition."""
    rest = iter(ranks)
    return lambda values: next(rest)


def laf(whole: Tensor, kept: Kept) -> list[Tensor]:
    """Two matrices, (C' C h w, R) and (R, K): the tasks' kernels are mixtures of R (equation 3)."""
    flat = whole.flatten(0, 2)
    u, s, v = torch.linalg.svd(flat, full_matrices=False)
    count = kept(s)
    root = s[:count].sqrt()
    return [u[:, :count] * root, root[:, None] * v[:count]]


def from_laf(parts: Sequence[Tensor]) -> Tensor:
    """The tensor of `laf`, its first mode the three of a kernel together."""
    left, right = parts
    return (left @ right)[:, None, None]


def tucker(whole: Tensor, kept: Kept) -> list[Tensor]:
    """A core and a matrix for each mode, by singular vectors of the unfoldings (equation 4; De
    Lathauwer et al., 2000)."""
    bases = []
    for mode in range(whole.dim()):
        unfolded = whole.movedim(mode, 0).flatten(1)
        u, s, _ = torch.linalg.svd(unfolded, full_matrices=False)
        bases.append(u[:, : kept(s)])
    core = torch.einsum("abcd,ai,bj,ck,dl->ijkl", whole, *bases)
    return [core, *bases]


def from_tucker(parts: Sequence[Tensor]) -> Tensor:
    """The tensor of `tucker`."""
    core, *bases = parts
    for mode, basis in enumerate(bases):
        core = torch.tensordot(basis, core, dims=([1], [mode])).movedim(0, mode)
    return core


def tensor_train(whole: Tensor, kept: Kept) -> list[Tensor]:
    """A train of cores, (1, C', r), (r, C, r'), ..., by one singular value decomposition after
    another (equation 5; Oseledets, 2011, algorithm 1)."""
    cores, rest, before = [], whole, 1
    sizes = whole.shape
    for size in sizes[:-1]:
        u, s, v = torch.linalg.svd(rest.reshape(before * size, -1), full_matrices=False)
        count = kept(s)
        cores.append(u[:, :count].reshape(before, size, count))
        rest, before = s[:count, None] * v[:count], count
    return [*cores, rest.reshape(before, sizes[-1], 1)]


def from_tensor_train(parts: Sequence[Tensor]) -> Tensor:
    """The tensor of `tensor_train`."""
    whole, *others = parts
    for core in others:
        whole = torch.tensordot(whole, core, dims=([-1], [0]))
    return whole[0, ..., 0]


_CUTS: dict[Form, int] = {"laf": 1, "tucker": 4, "tt": 3}
"""How often a decomposition leaves something out."""
_DECOMPOSED = {"laf": laf, "tucker": tucker, "tt": tensor_train}
_COMPOSED = {"laf": from_laf, "tucker": from_tucker, "tt": from_tensor_train}

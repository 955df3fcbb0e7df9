"""The kernels of several tasks from factors (Yang and Hospedales, ICLR 2017, section 3).

A layer's kernels, (C', C, h, w) of each of K tasks, are one tensor of four modes: (C', C, h w, K).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from replications.tensor_factorisation.options import Form


class Factors(nn.Module):
    """The factors of one layer, and the kernels that they make."""

    def __init__(self, form: Form, kernels: Tensor, rank: float) -> None:
        """`kernels`: those to begin with, (K, C', C, h, w), met as well as the rank allows."""
        super().__init__()
        self.form, self.shape = form, kernels.shape
        whole = kernels.flatten(3).permute(1, 2, 3, 0)
        self.parts = nn.ParameterList(_DECOMPOSED[form](whole, rank))

    def kernels(self) -> Tensor:
        """(K, C', C, h, w)."""
        whole = _COMPOSED[self.form](list(self.parts))
        return whole.permute(3, 0, 1, 2).reshape(self.shape)


def laf(whole: Tensor, rank: float) -> list[Tensor]:
    """Two matrices, (C' C h w, R) and (R, K): the tasks' kernels are mixtures of R (equation 3)."""
    flat = whole.flatten(0, 2)
    u, s, v = torch.linalg.svd(flat, full_matrices=False)
    kept = _kept(len(s), rank)
    root = s[:kept].sqrt()
    return [u[:, :kept] * root, root[:, None] * v[:kept]]


def from_laf(parts: Sequence[Tensor]) -> Tensor:
    """The tensor of `laf`, its first mode the three of a kernel together."""
    left, right = parts
    return (left @ right)[:, None, None]


def tucker(whole: Tensor, rank: float) -> list[Tensor]:
    """A core and a matrix for each mode, by singular vectors of the unfoldings (equation 4; De
    Lathauwer et al., 2000)."""
    bases = []
    for mode, size in enumerate(whole.shape):
        unfolded = whole.movedim(mode, 0).flatten(1)
        u = torch.linalg.svd(unfolded, full_matrices=False)[0]
        bases.append(u[:, : _kept(size, rank)])
    core = torch.einsum("abcd,ai,bj,ck,dl->ijkl", whole, *bases)
    return [core, *bases]


def from_tucker(parts: Sequence[Tensor]) -> Tensor:
    """The tensor of `tucker`."""
    core, *bases = parts
    for mode, basis in enumerate(bases):
        core = torch.tensordot(basis, core, dims=([1], [mode])).movedim(0, mode)
    return core


def tensor_train(whole: Tensor, rank: float) -> list[Tensor]:
    """A train of cores, (1, C', r), (r, C, r'), ..., by one singular value decomposition after
    another (equation 5; Oseledets, 2011, algorithm 1)."""
    cores, rest, before = [], whole, 1
    sizes = whole.shape
    for size in sizes[:-1]:
        u, s, v = torch.linalg.svd(rest.reshape(before * size, -1), full_matrices=False)
        kept = _kept(len(s), rank)
        cores.append(u[:, :kept].reshape(before, size, kept))
        rest, before = s[:kept, None] * v[:kept], kept
    return [*cores, rest.reshape(before, sizes[-1], 1)]


def from_tensor_train(parts: Sequence[Tensor]) -> Tensor:
    """The tensor of `tensor_train`."""
    whole, *others = parts
    for core in others:
        whole = torch.tensordot(whole, core, dims=([-1], [0]))
    return whole[0, ..., 0]


def _kept(full: int, rank: float) -> int:
    return max(1, math.ceil(rank * full))


_DECOMPOSED = {"laf": laf, "tucker": tucker, "tt": tensor_train}
_COMPOSED = {"laf": from_laf, "tucker": from_tucker, "tt": from_tensor_train}

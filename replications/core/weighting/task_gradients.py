"""Each task's own gradient: one backward pass per head, and at most one per task through the trunk.

The graph is cut at the shared representation z. A pass through the head of task k gives dL_k/dz and
the gradients behind the cut; a pass through the trunk carries dL_k/dz on to the trunk's parameters.
The update combines the stored gradients, so no weighted backward follows.

Memory: K + 2 copies of the shared parameters (K stored, one on its way, one for the update), K of
the representation, one of each head.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor
from torch.autograd.graph import get_gradient_edge

from replications.core.nets.learner import Features
from replications.core.weighting.base import Shared


class TaskGradients:
    """The gradients of K losses; taken up to the representation when made, further on request."""

    def __init__(self, losses: Mapping[str, Tensor], features: Features, model: Shared) -> None:
        """`features`: what the heads were fed with, as `cuttable` returns it.

        Raises:
            ValueError: a map of the representation is made from another one, or a parameter is
                used on both sides of it.
        """
        self.tasks = tuple(losses)
        maps = (features,) if isinstance(features, Tensor) else features
        self.features = tuple(f for f in maps if f.requires_grad)
        self.trunk = _leaves(self.features, stop=())
        behind = _leaves(losses.values(), stop=self.features)
        if tied := set(self.trunk) & set(behind):
            shapes = [tuple(parameter.shape) for parameter in tied]
            raise ValueError(
                f"parameters of shape {shapes} are used both before and behind the shared "
                "representation; per-task gradients need every parameter on one side of it"
            )
        shared = set(model.shared_parameters())
        self._behind = behind
        self._direct = [p for p in behind if p in shared]
        self.shared = [*self.trunk, *self._direct]
        """What the tasks share: the trunk, and shared parameters that the heads use."""
        sources = [*self.features, *behind]
        gradients = [
            torch.autograd.grad(loss, sources, retain_graph=True, allow_unused=True)
            for loss in losses.values()
        ]
        cut = len(self.features)
        self._at_features = [found[:cut] for found in gradients]
        self._behind_cut = [dict(zip(behind, found[cut:], strict=True)) for found in gradients]

    def at_features(self) -> Tensor:
        """(K, m): each task's gradient of the shared representation, all maps in a row."""
        rows = [
            torch.cat([_flat(d, f) for d, f in zip(found, self.features, strict=True)])
            for found in self._at_features
        ]
        return torch.stack(rows)

    def at_parameters(self, workspace: Tensor | None = None) -> Tensor:
        """(K, n): each task's gradient of `shared`; K backward passes through the trunk.

        `workspace` is filled and returned where it has the right shape, which saves allocating.
        """
        first = self.shared[0]
        shape = (len(self.tasks), sum(p.numel() for p in self.shared))
        if workspace is None or workspace.shape != shape:
            workspace = torch.empty(shape, dtype=first.dtype, device=first.device)
        for k, (row, found, behind) in enumerate(
            zip(workspace, self._at_features, self._behind_cut, strict=True)
        ):
            gradients = self._through_trunk(found, keep=k + 1 < len(self.tasks))
            gradients += [behind[p] for p in self._direct]
            for part, p, g in zip(self._parts(row), self.shared, gradients, strict=True):
                _write(part, p, g)
        return workspace

    def combine_at_features(self, weights: Tensor) -> None:
        """Leave sum_k weights_k dL_k on `shared`, by one backward pass through the trunk."""
        combined = [
            _combined(weights, [found[i] for found in self._at_features])
            for i in range(len(self.features))
        ]
        for p, g in zip(self.trunk, self._through_trunk(combined, keep=False), strict=True):
            p.grad = g
        self.combine_direct(weights)

    def combine_direct(self, weights: Tensor) -> None:
        """Leave sum_k weights_k dL_k on the shared parameters that the heads use."""
        self._combine_behind(weights, self._direct)

    def combine_behind(self, weights: Tensor) -> None:
        """Leave sum_k weights_k dL_k on everything behind the cut that is not shared: the heads."""
        direct = set(self._direct)
        self._combine_behind(weights, [p for p in self._behind if p not in direct])

    def assign(self, gradient: Tensor) -> None:
        """Leave `gradient`, (n,), in the order of `at_parameters`, on `shared`."""
        for part, p in zip(self._parts(gradient), self.shared, strict=True):
            p.grad = part.as_strided(p.shape, p.stride())

    def _parts(self, row: Tensor) -> Iterable[Tensor]:
        parts: Iterable[Tensor] = row.split([p.numel() for p in self.shared])
        return parts

    def _combine_behind(self, weights: Tensor, parameters: Iterable[Tensor]) -> None:
        for p in parameters:
            p.grad = _combined(weights, [behind[p] for behind in self._behind_cut])

    def _through_trunk(self, found: Sequence[Tensor | None], keep: bool) -> list[Tensor | None]:
        pairs = [(f, d) for f, d in zip(self.features, found, strict=True) if d is not None]
        if not pairs:
            return [None] * len(self.trunk)
        outputs, gradients = zip(*pairs, strict=True)
        return list(
            torch.autograd.grad(
                outputs, self.trunk, gradients, retain_graph=keep, allow_unused=True
            )
        )


def _leaves(roots: Iterable[Tensor], stop: Iterable[Tensor]) -> list[Tensor]:
    """Leaves of the graph of `roots`, in a fixed order; not those behind `stop` alone."""
    seen = {get_gradient_edge(tensor).node for tensor in stop}
    ahead = [get_gradient_edge(root).node for root in roots if root.requires_grad]
    found = []
    while ahead:
        node = ahead.pop()
        if node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.append(node.variable)
        ahead += [following for following, _ in node.next_functions if following is not None]
    return found


def _flat(gradient: Tensor | None, like: Tensor) -> Tensor:
    return like.new_zeros(like.numel()) if gradient is None else gradient.reshape(-1)


def _write(part: Tensor, parameter: Tensor, gradient: Tensor | None) -> None:
    """Lay a gradient into its part of a row, in the order in which its parameter is stored."""
    if gradient is None:
        part.zero_()
    else:
        part.as_strided(parameter.shape, parameter.stride()).copy_(gradient)


def _combined(weights: Tensor, gradients: Sequence[Tensor | None]) -> Tensor | None:
    """Sum over the tasks of weight times gradient; None where no task has one."""
    total: Tensor | None = None
    for weight, gradient in zip(weights.tolist(), gradients, strict=True):
        if gradient is not None:
            total = weight * gradient if total is None else total.add_(gradient, alpha=weight)
    return total

"""Weightings of LibMTL 1.1.5 (Lin and Zhang, JMLR 2023), computed by the library's own classes."""

from __future__ import annotations

import importlib
import itertools
import math
import random
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from replications.core.nets.shared_trunk import Features
from replications.core.weighting.bargaining import gram_matrix, rounded_gram_matrix
from replications.core.weighting.base import GradientError, Losses, Shared, Weighting
from replications.core.weighting.cagrad import combination, simplex_weights
from replications.core.weighting.task_gradients import TaskGradients

_SHUFFLING = ("PCGrad", "GradVac")
"""Methods that draw an order of the tasks from Python's generator."""
_BY_EPOCH = ("DWA", "GradNorm")
"""Methods that look at the mean losses of past epochs."""
_CAGRAD_TASKS = 3
"""The number of tasks that LibMTL 1.1.5's CAGrad is written for."""


def libmtl_class(method: str) -> Any:
    """LibMTL's class for `method`, such as `UW`.

    LibMTL imports `torchvision.models.utils`, which torchvision dropped after 0.12; the one
    function it wants from there lives on in torch.hub, so the module is supplied.
    """
    missing = "torchvision.models.utils"
    if missing not in sys.modules:
        module: Any = types.ModuleType(missing)
        module.load_state_dict_from_url = torch.hub.load_state_dict_from_url
        sys.modules[missing] = module
    return getattr(importlib.import_module("LibMTL.weighting"), method)


class LibMTL(Weighting):
    """A LibMTL weighting as one of ours: the library decides, this class carries gradients.

    The library sees the losses as plain numbers. A method that weights losses leaves its weights as
    their gradient, and one backward pass follows. A method that combines gradients asks for those
    of each task and hands the combination back; the heads keep the unweighted gradient of their
    loss, as in the library.
    """

    epoch_losses: Tensor
    """(K, epochs), the mean loss of every task in every epoch; the current one as far as it is."""
    steps: Tensor

    def __init__(
        self,
        method: str,
        parameters: Mapping[str, Any],
        tasks: Sequence[str],
        device: torch.device,
        steps: int,
        epoch: int,
    ) -> None:
        """
        Arguments:
            parameters: the method's, by the library's names.
            steps: of the whole training.
            epoch: steps of an epoch, for the methods that look at past epochs.
        """
        super().__init__()
        self.name, self.parameters_of_method = method, dict(parameters)
        self.tasks = tuple(tasks)
        self.epoch = epoch
        self.workspace: Tensor | None = None
        self.method: Any
        needs_own = method == "CAGrad" and len(tasks) != _CAGRAD_TASKS
        self.method = (_cagrad_of_any_size() if needs_own else libmtl_class(method))()
        self.method.task_name = list(tasks)
        self.method.task_num = len(tasks)
        self.method.device = device
        self.method.rep_grad = method == "GradDrop"
        self.method.init_param()
        if method == "GradVac":  # created at the first step by the library; checkpoints need it
            size = (len(tasks), len(tasks))
            self.method.register_buffer("rho_T", torch.zeros(size, device=device))
        epochs = math.ceil(steps / epoch) if method in _BY_EPOCH else 0
        self.register_buffer("epoch_losses", torch.zeros(len(tasks), epochs, dtype=torch.float64))
        self.register_buffer("steps", torch.tensor(0))

    def backward(self, losses: Losses, features: Features, model: Shared) -> dict[str, Tensor]:
        """Gradients as the library wants them, and the weights of the tasks in the update.

        GradDrop keeps or drops single numbers of the representation's gradient; its weights are
        those of the heads, 1.

        Raises:
            ValueError: the batch lacks a task (LibMTL weights a fixed set), or the tasks of
                GradDrop have batches of their own.
        """
        if tuple(losses) != self.tasks:
            raise ValueError(f"LibMTL weights {self.tasks}, the batch has {tuple(losses)}")
        values = torch.stack([loss.detach() for loss in losses.values()]).requires_grad_()
        record = {}
        if hasattr(self.method, "loss_scale"):
            scales = self.method.loss_scale.detach().clone()
            kind = "log_variance" if self.name == "UW" else "log_scale"
            record = {f"{kind}_{t}": s for t, s in zip(self.tasks, scales, strict=True)}
        if self.name in _SHUFFLING:
            # Python's generator is in no checkpoint; torch's is.
            random.seed(int(torch.randint(2**62, ())))
        if self.name in _BY_EPOCH:
            self._look_back(values)
        by_unit = self.name == "CAGrad"
        carrier = _Carrier(losses, features, model, values, self.workspace, by_unit)
        self.method._compute_grad_dim = lambda: None
        self.method._compute_grad = carrier.gradients
        self.method._reset_grad = carrier.assign
        if self.name == "GradDrop":
            self.method.rep = carrier.representation()
        returned = self.method.backward(values, **self.parameters_of_method)
        self.workspace = carrier.matrix
        for name in ("_compute_grad", "_reset_grad", "rep"):
            vars(self.method).pop(name, None)  # the graph of a step must not outlive it
        if carrier.factors is None:
            assert values.grad is not None
            weights = values.grad
            (weights @ torch.stack(list(losses.values()))).backward()
        else:
            weights = carrier.factors.double().cpu() * self._weights(returned, carrier)
            record |= carrier.cosines()
        return record | {f"weight_{t}": w for t, w in zip(self.tasks, weights, strict=True)}

    def _weights(self, returned: Any, carrier: _Carrier) -> Tensor:
        """(K,), what each task's gradient is multiplied with in the update of the trunk."""
        if self.name == "GradDrop":
            return torch.ones(len(self.tasks), dtype=torch.float64)
        weights = torch.as_tensor(returned).double().cpu()
        if self.name == "CAGrad":
            p = self.parameters_of_method
            gram = carrier.gram.cpu() / carrier.unit**2
            return combination(gram, weights, p["calpha"], p["rescale"])
        return weights

    def _look_back(self, values: Tensor) -> None:
        """Tell the method the epoch and the mean losses of past ones, and add this step's."""
        epoch = int(self.steps) // self.epoch
        self.epoch_losses[:, epoch] += values.detach().cpu() / self.epoch
        self.steps += 1
        self.method.epoch = epoch
        self.method.train_loss_buffer = self.epoch_losses.numpy()


class _Carrier:
    """The gradients of one step, in the form in which LibMTL's methods ask for them."""

    def __init__(
        self,
        losses: Losses,
        features: Features,
        model: Shared,
        values: Tensor,
        workspace: Tensor | None,
        by_unit: bool,
    ) -> None:
        """`by_unit`: the method sees gradients of length about 1. The tolerance of its solver is
        absolute, and short gradients would leave it where it starts, at equal weights."""
        self.losses, self.features, self.model = losses, features, model
        self.values, self.matrix = values, workspace
        self.factors: Tensor | None = None
        """(K,), by which the method scaled the losses; None until it asks for gradients."""
        self.by_unit, self.unit = by_unit, 1.0
        self.gram: Tensor

    def gradients(self, losses: Tensor, mode: str, rep_grad: bool = False) -> Tensor:
        """(K, n) of the shared parameters; with `rep_grad` (K, B, m) of the representation."""
        losses.sum().backward()
        assert self.values.grad is not None
        self.factors = self.values.grad.clone()
        self.found = TaskGradients(self.losses, self.features, self.model)
        self.found.combine_behind(self.factors)
        if rep_grad:
            rows = self.found.at_features()
            self._look_at(rows)
            # Shared parameters that the heads use get the sum, as the heads do.
            self.found.combine_direct(self.factors)
            return self._by_sample(rows)
        self.matrix = self.found.at_parameters(self.matrix)
        self._look_at(self.matrix)
        if self.by_unit:
            self.unit = max(float(self.gram.diagonal().mean().sqrt()), 1e-30)
        factors = self.factors.to(self.matrix) / self.unit
        return self.matrix if bool((factors == 1).all()) else self.matrix * factors[:, None]

    def assign(self, gradient: Tensor) -> None:
        """Leave the method's combination, (n,), on the shared parameters."""
        self.found.assign(gradient * self.unit if self.by_unit else gradient)

    def representation(self) -> Tensor:
        """(B, m), all maps of the representation in a row."""
        maps = (self.features,) if isinstance(self.features, Tensor) else self.features
        if len({len(each) for each in maps}) != 1:
            raise ValueError("GradDrop needs one batch for all tasks; use labels: shared")
        return torch.cat([each.flatten(1) for each in maps], 1)

    def cosines(self) -> dict[str, Tensor]:
        """Cosines between the gradients of the tasks, by column of the history."""
        lengths = self.gram.diagonal().sqrt()
        found = (self.gram / lengths.outer(lengths)).cpu()
        pairs = itertools.combinations(enumerate(self.losses), 2)
        return {f"cosine_{a}_{b}": found[i, j] for (i, a), (j, b) in pairs}

    def _by_sample(self, rows: Tensor) -> Tensor:
        maps = rows.split([f.numel() for f in self.found.features], 1)
        batch = len(self.found.features[0])
        return torch.cat([part.reshape(len(rows), batch, -1) for part in maps], 2)

    def _look_at(self, rows: Tensor) -> None:
        self.gram = rounded_gram_matrix(rows)
        for task, square in zip(self.losses, self.gram.diagonal().cpu(), strict=True):
            if not square.isfinite():
                raise GradientError(task)


def _cagrad_of_any_size() -> type[nn.Module]:
    """LibMTL's CAGrad for any number of tasks; 1.1.5 has three built into its inner problem."""
    base: Any = libmtl_class("CAGrad")

    class CAGrad(base):  # type: ignore[misc]
        def backward(self, losses: Tensor, calpha: float, rescale: int) -> Tensor:
            """As in the library, with the inner problem solved for any number of tasks."""
            grads = self._compute_grad(losses, mode="backward")
            gram = gram_matrix(grads).cpu()
            weights = simplex_weights(gram, calpha)
            update = combination(gram, weights, calpha, rescale)
            self._reset_grad(update.to(grads) @ grads)
            return weights

    return CAGrad

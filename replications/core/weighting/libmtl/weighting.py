"""Weightings of LibMTL 1.1.5 (Lin and Zhang, JMLR 2023), computed by the library's own classes."""

from __future__ import annotations

import itertools
import math
import random
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from replications.core.nets.learner import Features
from replications.core.weighting.base import Context, GradientError, Losses, Shared, Weighting
from replications.core.weighting.gram import gram_matrix, rounded_gram_matrix
from replications.core.weighting.libmtl.cagrad import combination, simplex_weights
from replications.core.weighting.libmtl.options import LIBMTL_PARAMETERS, LibMTLOptions
from replications.core.weighting.task_gradients import TaskGradients

_CAGRAD_TASKS = 3
"""The number of tasks that LibMTL 1.1.5's CAGrad is written for."""


def build(options: LibMTLOptions, context: Context) -> LibMTL:
    """The weighting its options describe."""
    parameters = LIBMTL_PARAMETERS[options.method] | options.parameters
    epoch = options.epoch or context.epoch
    tasks = list(context.tasks)
    return LibMTL(options.method, parameters, tasks, context.device, context.steps, epoch)


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
    from LibMTL import weighting

    return getattr(weighting, method)


def _as_in_the_library(method: str, tasks: int) -> Any:
    return libmtl_class(method)()


def _with_its_buffer(method: str, tasks: int) -> Any:
    """GradVac; the library creates its state at the first step, but checkpoints need it."""
    made = libmtl_class(method)()
    made.register_buffer("rho_T", torch.zeros(tasks, tasks))
    return made


def _of_any_size(method: str, tasks: int) -> Any:
    """CAGrad; 1.1.5 has three tasks built into its inner problem."""
    base: Any = libmtl_class(method)

    class CAGrad(base):  # type: ignore[misc]
        def backward(self, losses: Tensor, calpha: float, rescale: int) -> Tensor:
            """As in the library, with the inner problem solved for any number of tasks."""
            grads = self._compute_grad(losses, mode="backward")
            gram = gram_matrix(grads).cpu()
            weights = simplex_weights(gram, calpha)
            update = combination(gram, weights, calpha, rescale)
            self._reset_grad(update.to(grads) @ grads)
            return weights

    return (base if tasks == _CAGRAD_TASKS else CAGrad)()


def _as_returned(returned: Any, carrier: _Carrier, parameters: Mapping[str, Any]) -> Tensor:
    return torch.as_tensor(returned).double().cpu()


def _all_one(returned: Any, carrier: _Carrier, parameters: Mapping[str, Any]) -> Tensor:
    """GradDrop keeps or drops single numbers; its weights are those of the heads."""
    return torch.ones(len(carrier.losses), dtype=torch.float64)


def _of_the_update(returned: Any, carrier: _Carrier, parameters: Mapping[str, Any]) -> Tensor:
    """CAGrad returns the solution of its inner problem, which the update is made from."""
    gram = carrier.gram.cpu() / carrier.unit**2
    weights = _as_returned(returned, carrier, parameters)
    return combination(gram, weights, parameters["calpha"], parameters["rescale"])


@dataclass(frozen=True)
class _Method:
    """What is particular to a method of the library.

    Attributes:
        made: makes it, of its name and the number of tasks.
        weights: of the tasks in the update of the trunk, (K,), from what its `backward` returns.
        scales: what its learned scales are called in the history, if it has some.
        representation: it combines gradients of the representation.
        shuffles: it draws an order of the tasks from Python's generator.
        looks_back: it looks at the mean losses of past epochs.
        by_unit: it needs gradients of length about 1. The tolerance of its solver is absolute,
            and short gradients would leave it where it starts, at equal weights.
    """

    made: Callable[[str, int], Any] = _as_in_the_library
    weights: Callable[[Any, _Carrier, Mapping[str, Any]], Tensor] = _as_returned
    scales: str = "log_scale"
    representation: bool = False
    shuffles: bool = False
    looks_back: bool = False
    by_unit: bool = False


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
        self.about, self.parameters_of_method = _METHODS.get(method, _Method()), dict(parameters)
        self.tasks = tuple(tasks)
        self.epoch = epoch
        self.workspace: Tensor | None = None
        self.method: Any = self.about.made(method, len(tasks)).to(device)
        self.method.task_name = list(tasks)
        self.method.task_num = len(tasks)
        self.method.device = device
        self.method.rep_grad = self.about.representation
        self.method.init_param()
        epochs = math.ceil(steps / epoch) if self.about.looks_back else 0
        self.register_buffer("epoch_losses", torch.zeros(len(tasks), epochs, dtype=torch.float64))
        self.register_buffer("steps", torch.tensor(0))

    def backward(self, losses: Losses, features: Features, model: Shared) -> dict[str, Tensor]:
        """Gradients as the library wants them, and the weights of the tasks in the update.

        Raises:
            ValueError: the batch lacks a task (LibMTL weights a fixed set), or the tasks of
                GradDrop have batches of their own.
        """
        if tuple(losses) != self.tasks:
            raise ValueError(f"LibMTL weights {self.tasks}, the batch has {tuple(losses)}")
        values = torch.stack([loss.detach() for loss in losses.values()]).requires_grad_()
        record = self._scales()
        if self.about.shuffles:
            # Python's generator is in no checkpoint; torch's is.
            random.seed(int(torch.randint(2**62, ())))
        if self.about.looks_back:
            self._look_back(values)
        carrier = _Carrier(losses, features, model, values, self.workspace, self.about.by_unit)
        returned = self._let_it_weight(carrier, values)
        self.workspace = carrier.matrix
        if carrier.factors is None:
            assert values.grad is not None
            weights = values.grad
            (weights @ torch.stack(list(losses.values()))).backward()
        else:
            found = self.about.weights(returned, carrier, self.parameters_of_method)
            weights = carrier.factors.double().cpu() * found
            record |= carrier.cosines()
        return record | {f"weight_{t}": w for t, w in zip(self.tasks, weights, strict=True)}

    def _let_it_weight(self, carrier: _Carrier, values: Tensor) -> Any:
        """What the library's own `backward` returns, its gradients being those of the carrier."""
        method = self.method
        method._compute_grad_dim = lambda: None
        method._compute_grad = carrier.gradients
        method._reset_grad = carrier.assign
        if self.about.representation:
            method.rep = carrier.representation()
        returned = method.backward(values, **self.parameters_of_method)
        for name in ("_compute_grad", "_reset_grad", "rep"):
            vars(method).pop(name, None)  # the graph of a step must not outlive it
        return returned

    def _scales(self) -> dict[str, Tensor]:
        """The learned scales of a method that has some, by column of the history."""
        if not hasattr(self.method, "loss_scale"):
            return {}
        scales = self.method.loss_scale.detach().clone()
        return {f"{self.about.scales}_{t}": s for t, s in zip(self.tasks, scales, strict=True)}

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


_METHODS = {
    "UW": _Method(scales="log_variance"),
    "DWA": _Method(looks_back=True),
    "GradNorm": _Method(looks_back=True),
    "PCGrad": _Method(shuffles=True),
    "GradVac": _Method(shuffles=True, made=_with_its_buffer),
    "GradDrop": _Method(representation=True, weights=_all_one),
    "CAGrad": _Method(by_unit=True, made=_of_any_size, weights=_of_the_update),
}
"""The methods of which there is something to say."""

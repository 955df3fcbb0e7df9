"""Weightings of LibMTL 1.1.5 (Lin and Zhang, JMLR 2023), computed by the library's own classes."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.nets.shared_trunk import Features
from replications.core.weighting.base import Losses, Shared, Weighting


def libmtl_class(method: str) -> type[nn.Module]:
    """LibMTL's class for `method`, such as `UW`.

    LibMTL imports `torchvision.models.utils`, which torchvision dropped after 0.12; the one
    function it wants from there lives on in torch.hub, so the module is supplied.
    """
    missing = "torchvision.models.utils"
    if missing not in sys.modules:
        module: Any = types.ModuleType(missing)
        module.load_state_dict_from_url = torch.hub.load_state_dict_from_url
        sys.modules[missing] = module
    found: type[nn.Module] = getattr(importlib.import_module("LibMTL.weighting"), method)
    return found


class LibMTL(Weighting):
    """A LibMTL weighting as one of ours: gives the library's mix-in the attributes it expects."""

    def __init__(self, method: str, tasks: Sequence[str], device: torch.device) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.method: Any
        self.method = libmtl_class(method)()
        self.method.task_name = list(tasks)
        self.method.task_num = len(tasks)
        self.method.device = device
        self.method.rep_grad = False
        self.method.init_param()

    def backward(self, losses: Losses, features: Features, model: Shared) -> dict[str, Tensor]:
        """Gradients as the library leaves them; the weights it reports.

        LibMTL weights a fixed set of tasks: a batch must carry all of them.
        """
        if tuple(losses) != self.tasks:
            raise ValueError(f"LibMTL weights {self.tasks}, the batch has {tuple(losses)}")
        shared = list(model.shared_parameters())
        self.method.get_share_params = lambda: shared
        self.method.zero_grad_share_params = lambda: _clear(shared)
        record = {}
        if hasattr(self.method, "loss_scale"):
            scales = self.method.loss_scale.detach().clone()
            record = {f"log_variance_{t}": s for t, s in zip(self.tasks, scales, strict=True)}
        weights = torch.as_tensor(self.method.backward(torch.stack(list(losses.values()))))
        return record | {f"weight_{t}": w for t, w in zip(self.tasks, weights, strict=True)}


def _clear(parameters: Sequence[Parameter]) -> None:
    for parameter in parameters:
        parameter.grad = None

"""Which weights of an encoder a task uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.nets.recurrent import LSTM

Masks = dict[str, Tensor]
"""By the name of a weight 1 where it is used, 0 elsewhere."""
_PRUNED: dict[type[nn.Module], tuple[str, ...]] = {
    nn.Conv2d: ("weight",),
    LSTM: ("weight_ih", "weight_hh"),
}


def kernels(network: nn.Module) -> dict[str, Parameter]:
    """The weights of convolutions and LSTMs of a network by name."""
    return {
        f"{name}.{weight}": module.get_parameter(weight)
        for name, module in network.named_modules()
        for kind, weights in _PRUNED.items()
        if isinstance(module, kind)
        for weight in weights
    }


def pruned(weights: Mapping[str, Tensor], masks: Masks, left: float) -> Masks:
    """The masks without the smallest of the weights that they had, so that of all weights the share
    `left` is used: by absolute value, over all layers together (Frankle and Carbin, ICLR 2019)."""
    sizes = torch.cat([(weights[name].abs() * mask).flatten() for name, mask in masks.items()])
    count = round(left * sizes.numel())
    kept = torch.zeros_like(sizes)
    kept[sizes.topk(count).indices] = 1.0
    parts = kept.split([mask.numel() for mask in masks.values()])
    return {
        name: part.view_as(mask) * mask
        for (name, mask), part in zip(masks.items(), parts, strict=True)
    }


def drawn(weights: Mapping[str, Tensor], left: float) -> Masks:
    """Masks that use the share `left` of every weight tensor, drawn by torch's own generator."""
    found = {}
    for name, weight in weights.items():
        order = torch.randperm(weight.numel())
        mask = torch.zeros(weight.numel())
        mask[order[: round(left * weight.numel())]] = 1.0
        found[name] = mask.view_as(weight)
    return found


def moved(masks: Masks) -> Masks:
    """Masks that use as much of every weight tensor, but what is drawn by torch's own generator."""
    return {
        name: mask.flatten()[torch.randperm(mask.numel()).to(mask.device)].view_as(mask)
        for name, mask in masks.items()
    }


def stored(masks: Iterable[Masks]) -> int:
    """Numbers of 32 bits that the weights used by any task take, with a bit for each weight and
    task that says whether it is used."""
    all_masks = list(masks)
    union = sum(
        int(torch.stack([own[name] for own in all_masks]).amax(dim=0).sum())
        for name in all_masks[0]
    )
    bits = len(all_masks) * sum(mask.numel() for mask in all_masks[0].values())
    return union + -(-bits // 32)


def overlap(one: Masks, other: Masks) -> float:
    """Weights that two tasks both use, of those that either uses."""
    both = sum(float((one[name] * other[name]).sum()) for name in one)
    either = sum(float(torch.maximum(one[name], other[name]).sum()) for name in one)
    return both / either

"""Encoder and decoders for grey pictures of a few pixels: a quarter of their sides between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from replications.core.nets.shared_trunk import seeded

RECOVERY = "reconstruction"
Norm = Callable[[int], nn.Module]
"""A normalisation of so many channels."""


def encoder(width: int, features: int, norm: Norm = nn.BatchNorm2d) -> nn.Sequential:
    """Pictures (B, 1, H, W) to features (B, F, H / 4, W / 4), linear at the end."""
    return nn.Sequential(
        *(nn.Conv2d(1, width, 3, stride=2, padding=1), norm(width), nn.ReLU()),
        *(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), norm(2 * width), nn.ReLU()),
        nn.Conv2d(2 * width, features, 3, padding=1),
    )


def recovery(width: int, features: int, norm: Norm = nn.BatchNorm2d) -> nn.Sequential:
    """Features (B, F, H / 4, W / 4) to pictures (B, 1, H, W) from 0 to 1."""
    return nn.Sequential(
        *(nn.Conv2d(features, 2 * width, 3, padding=1), norm(2 * width), nn.ReLU()),
        *(nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1), norm(width), nn.ReLU()),
        *(nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1), nn.Sigmoid()),
    )


def classifier(
    width: int, features: int, classes: int, norm: Norm = nn.BatchNorm2d
) -> nn.Sequential:
    """Features (B, F, H / 4, W / 4) to scores (B, C)."""
    return nn.Sequential(
        *(nn.Conv2d(features, 2 * width, 3, padding=1), norm(2 * width), nn.ReLU()),
        *(nn.Conv2d(2 * width, 2 * width, 3, 2, padding=1), norm(2 * width), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8 * width, classes)),
    )


def heads(
    channels: Mapping[str, int],
    seed: int,
    recover: Callable[[], nn.Module],
    classify: Callable[[int], nn.Module],
) -> nn.ModuleDict:
    """A decoder of every task: of the picture, or of as many classes as its channels; it starts
    alike whatever other tasks there are."""
    found = nn.ModuleDict()
    for task, classes in channels.items():
        with seeded(seed, f"head/{task}"):
            found[task] = recover() if task == RECOVERY else classify(classes)
    return found

"""Encoder and decoders of Swin blocks for pictures of 28x28 (Liu et al., ICCV 2021; timm's)."""

from __future__ import annotations

from timm.models.swin_transformer import SwinTransformerBlock
from torch import Tensor, nn

_WINDOW = 7
"""The side of a window; 28 pixels are 14 places, then 7."""


class Blocks(nn.Module):
    """Two blocks on maps (B, C, S, S), the second with shifted windows where there are several."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        shifts = (0, _WINDOW // 2 if side > _WINDOW else 0)
        self.blocks = nn.Sequential(
            *(
                SwinTransformerBlock(
                    *(channels, (side, side), max(1, channels // 8)), None, _WINDOW, shift
                )
                for shift in shifts
            )
        )

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, S, S) to the same."""
        found: Tensor = self.blocks(maps.permute(0, 2, 3, 1))
        return found.permute(0, 3, 1, 2)


def encoder(width: int, features: int) -> nn.Sequential:
    """Pictures (B, 1, 28, 28) to features (B, F, 7, 7)."""
    return nn.Sequential(
        *(nn.Conv2d(1, width, 2, stride=2), Blocks(width, 14)),
        *(nn.Conv2d(width, 2 * width, 2, stride=2), Blocks(2 * width, 7)),
        nn.Conv2d(2 * width, features, 1),
    )


def recovery(width: int, features: int) -> nn.Sequential:
    """Features (B, F, 7, 7) to pictures (B, 1, 28, 28) from 0 to 1."""
    return nn.Sequential(
        *(nn.Conv2d(features, 2 * width, 1), Blocks(2 * width, 7)),
        *(nn.ConvTranspose2d(2 * width, width, 2, stride=2), Blocks(width, 14)),
        *(nn.ConvTranspose2d(width, 1, 2, stride=2), nn.Sigmoid()),
    )


def classifier(width: int, features: int, classes: int) -> nn.Sequential:
    """Features (B, F, 7, 7) to scores (B, C)."""
    return nn.Sequential(
        *(nn.Conv2d(features, 2 * width, 1), Blocks(2 * width, 7)),
        *(nn.Flatten(), nn.Linear(2 * width * _WINDOW**2, classes)),
    )

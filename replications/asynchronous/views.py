"""Other views of a picture: turned, scaled, sheared, moved, lighter or darker."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_TURN, _SCALE, _SHEAR, _MOVE = math.radians(20), 0.2, 0.2, 0.2
"""How far at most; moves in halves of the picture's side."""


def view(pictures: Tensor, share: float = 1.0) -> Tensor:
    """One of each of the pictures, (B, 1, H, W) from 0 to 1, changed by a share of what is usual;
    what comes in from outside is 0."""
    count, device = len(pictures), pictures.device
    changes = share * (2 * torch.rand(5, count, device=device) - 1)
    turn, scale, shear, across, down = changes.unbind()
    cos, sin = (_TURN * turn).cos(), (_TURN * turn).sin()
    size = 1 + _SCALE * scale
    matrix = torch.stack(
        [
            torch.stack([size * cos, size * (_SHEAR * shear - sin), _MOVE * across], dim=1),
            torch.stack([size * sin, size * cos, _MOVE * down], dim=1),
        ],
        dim=1,
    )
    grid = F.affine_grid(matrix, list(pictures.shape), align_corners=False)
    light = 1 - 0.4 * share * torch.rand(count, 1, 1, 1, device=device)
    return F.grid_sample(pictures, grid, align_corners=False) * light

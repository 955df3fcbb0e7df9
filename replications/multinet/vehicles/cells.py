"""Boxes on a grid of cells: which cell predicts which box, and in which numbers.

Every cell predicts at most one box, by (x, y, w, h): the offset of the box's centre from the
cell's, and the box's size, in units of the cell (Teichmann et al., 2018, section III.C). There are
no anchors and no proposals.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FOCUS = 1.8
"""A cell predicts boxes whose centre is less than this many cells away, in x and in y (authors'
code, `focus_size`)."""


@dataclass(frozen=True)
class Grid:
    """Cells over an image: how many rows and columns, each of how many pixels."""

    rows: int
    columns: int
    cell_height: float
    cell_width: float

    @classmethod
    def over(cls, image: tuple[int, int], cells: tuple[int, int]) -> Grid:
        """The grid of `cells` (rows, columns) that covers an image of (H, W) pixels."""
        return cls(*cells, image[0] / cells[0], image[1] / cells[1])

    def centres(self, device: torch.device) -> Tensor:
        """(N, 2) x, y in pixels of the cells' centres, row by row."""
        x = (torch.arange(self.columns, device=device) + 0.5) * self.cell_width
        y = (torch.arange(self.rows, device=device) + 0.5) * self.cell_height
        return torch.cartesian_prod(y, x).flip(-1)

    def cell(self, device: torch.device) -> Tensor:
        """(2,) width and height of a cell in pixels."""
        return torch.tensor([self.cell_width, self.cell_height], device=device)

    def meets(self, corners: Tensor) -> Tensor:
        """(B, M, N) bool: whether box m (corners x1, y1, x2, y2, (B, M, 4)) and cell n overlap.

        False for padding rows of -1.
        """
        centres, half = self.centres(corners.device), self.cell(corners.device) / 2
        starts_before = corners[:, :, None, :2] < centres + half
        ends_after = corners[:, :, None, 2:] > centres - half
        return (starts_before & ends_after).all(dim=-1)


def assigned(grid: Grid, corners: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Which box each cell predicts.

    Of the boxes that overlap the cell and whose centre is near it, the one with the closest
    centre. One box may be predicted by several cells.

    Arguments:
        grid: the cells.
        corners: (B, M, 4) x1, y1, x2, y2 in pixels.
        valid: (B, M) bool, which of them are objects.

    Returns:
        target (B, N, 4), the box in units of the cell, 0 where there is none; positive (B, N) bool.
    """
    if corners.shape[1] == 0:
        shape = (len(corners), grid.rows * grid.columns)
        return corners.new_zeros(*shape, 4), corners.new_zeros(shape, dtype=torch.bool)
    cell = grid.cell(corners.device)
    centre = (corners[..., :2] + corners[..., 2:]) / 2
    offset = (centre[:, :, None] - grid.centres(corners.device)) / cell
    near = (offset.abs() < FOCUS).all(dim=-1) & grid.meets(corners) & valid[..., None]
    distance = torch.where(near, offset.square().sum(dim=-1), torch.inf)
    nearest = distance.argmin(dim=1)
    index = nearest[:, None, :, None].expand(-1, 1, -1, 2)
    positive = near.any(dim=1)
    size = ((corners[..., 2:] - corners[..., :2]) / cell)[:, :, None].expand_as(offset)
    target = torch.cat([offset.gather(1, index), size.gather(1, index)], dim=-1)[:, 0]
    return torch.where(positive[..., None], target, 0.0), positive


def corners_of(grid: Grid, numbers: Tensor) -> Tensor:
    """(B, N, 4) corners x1, y1, x2, y2 in pixels of (B, N, 4) numbers; sizes below 0 become 0."""
    cell = grid.cell(numbers.device)
    centre = grid.centres(numbers.device) + numbers[..., :2] * cell
    half = numbers[..., 2:].clamp(min=0) * cell / 2
    return torch.cat([centre - half, centre + half], dim=-1)

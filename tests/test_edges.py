"""The task edges: labels, loss and ODS-F on hand-made cases and against other implementations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from replications.core.data.batches import Batch
from replications.core.data.labels import VOID
from replications.core.data.pictures.augment import flipped
from replications.core.tasks.edges.options import EdgesOptions
from replications.core.tasks.edges.task import Edges, matched, semantic_boundaries, thinned

maps = arrays(np.bool_, (2, 5, 6))


def task(reach: float, size: tuple[int, int]) -> Edges:
    """The task with a tolerance of `reach` pixels."""
    # A hair more: the product of share and diagonal is rounded.
    return Edges(EdgesOptions(tolerance=(reach + 1e-6) / math.hypot(*size)))


def halves(size: tuple[int, int], column: int) -> torch.Tensor:
    """Class 0 left of `column`, class 1 from there on: one vertical boundary at column - 1."""
    semseg = torch.zeros(1, *size, dtype=torch.int64)
    semseg[..., column:] = 1
    return semseg


def line(size: tuple[int, int], *columns: int, value: float = 9.0) -> torch.Tensor:
    """Logits that are certain of boundaries at `columns`."""
    logits = torch.full((1, 1, *size), -9.0)
    logits[..., list(columns)] = value
    return logits


def ods_f(own: Edges, prediction: torch.Tensor, semseg: torch.Tensor) -> float:
    metrics = own.accumulator(complete=True)
    metrics.update(prediction, {"semseg": semseg})
    return metrics.compute()["ods_f"].value


# Labels


def test_boundaries_by_hand() -> None:
    semseg = torch.tensor([[[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 2, VOID]]])
    boundary, known = semantic_boundaries(semseg)
    expected = [[0, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]]
    assert boundary.int().tolist() == [expected]
    assert known.int().tolist() == [[[1] * 4, [1] * 4, [1, 1, 1, 0]]]


@settings(max_examples=30, deadline=None)
@given(arrays(np.int64, (1, 6, 7), elements=st.integers(0, 3)))
def test_boundaries_are_where_neighbours_differ(semseg: Any) -> None:
    found = semantic_boundaries(torch.from_numpy(semseg))[0].numpy()[0]
    for y, x in np.ndindex(found.shape):
        near = [(y + 1, x), (y, x + 1)]
        differs = [semseg[0, y, x] != semseg[0, j, i] for j, i in near if j < 6 and i < 7]
        assert found[y, x] == any(differs)


def test_boundaries_follow_a_flip() -> None:
    """Up to the pixel by which the side of a boundary that is marked changes."""
    semseg = halves((4, 10), 3)
    batch = Batch(torch.zeros(1, 3, 4, 10), {"semseg": semseg})
    mirrored = flipped(batch, torch.tensor([True])).labels["semseg"]
    assert semantic_boundaries(semseg)[0][0, 0].nonzero().tolist() == [[2]]
    assert semantic_boundaries(mirrored)[0][0, 0].nonzero().tolist() == [[6]]


# Loss


def test_loss_is_balanced_cross_entropy() -> None:
    semseg = torch.randint(0, 3, (2, 6, 7))
    semseg[0, :2] = VOID
    logits = torch.randn(2, 1, 6, 7)
    boundary, known = semantic_boundaries(semseg)
    weight = torch.where(boundary, 0.95, 0.05)
    expected = F.binary_cross_entropy_with_logits(
        logits[:, 0][known], boundary[known].float(), weight[known]
    )
    assert torch.allclose(Edges(EdgesOptions()).loss(logits, {"semseg": semseg}), expected)


def test_loss_without_a_known_pixel_is_zero() -> None:
    logits = torch.randn(1, 1, 2, 2, requires_grad=True)
    loss = Edges(EdgesOptions()).loss(logits, {"semseg": torch.full((1, 2, 2), VOID)})
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


# Metric


@pytest.mark.parametrize(("shift", "expected"), [(0, 100), (1, 100), (2, 0)])
def test_a_line_counts_within_the_tolerance(shift: int, expected: float) -> None:
    size = (12, 20)
    found = ods_f(task(1, size), line(size, 8 + shift), halves(size, 9))
    assert found == pytest.approx(expected)


def test_of_two_lines_near_one_boundary_only_one_counts() -> None:
    """One to one: precision 1/2, recall 1."""
    size = (12, 20)
    found = ods_f(task(1, size), line(size, 7, 9), halves(size, 9))
    assert found == pytest.approx(100 * 2 * 12 / (24 + 12))


def test_a_thick_band_is_thinned_to_its_middle() -> None:
    size = (40, 20)
    band = line(size, *range(4, 13))
    lines = thinned(band[0].numpy() > 0)[0]
    assert lines[20].nonzero()[0].tolist() == [8]
    # The line falls short of the ends of the band by up to half its width.
    assert 32 <= lines.sum() < 40
    expected = 100 * 2 * lines.sum() / (lines.sum() + 40)
    assert ods_f(task(1, size), band, halves(size, 9)) == pytest.approx(expected)


def test_the_threshold_is_one_for_the_whole_split() -> None:
    """Image A is right at 0.6 and up, image B below 0.3 alone: not both at one threshold."""
    size = (12, 20)
    own = task(1, size)
    right, clutter = math.log(0.7 / 0.3), math.log(0.45 / 0.55)
    a = torch.maximum(line(size, 8, value=right), line(size, 1, 15, value=clutter))
    b = line(size, 8, value=math.log(0.28 / 0.72))
    metrics = own.accumulator(complete=True)
    metrics.update(torch.cat([a, b]), {"semseg": halves(size, 9).repeat(2, 1, 1)})
    # Low threshold: 24 matches of 48 found and 24 true; high: 12 of 12 and 24. Both give 2/3.
    assert metrics.compute()["ods_f"].value == pytest.approx(100 * 2 / 3)
    assert ods_f(own, a, halves(size, 9)) == pytest.approx(100)
    assert ods_f(own, b, halves(size, 9)) == pytest.approx(100)


def test_pixels_without_a_class_count_for_nothing() -> None:
    size = (12, 20)
    semseg = halves(size, 9)
    semseg[..., 14:] = VOID
    assert ods_f(task(1, size), line(size, 8, 16), semseg) == pytest.approx(100)


def test_the_truth_itself_scores_100_whatever_its_shape() -> None:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randint(0, 4, (2, 1, 5, 8), generator=generator).float()
    semseg = F.interpolate(coarse, (30, 56))[:, 0].long()
    logits = torch.where(semantic_boundaries(semseg)[0], 9.0, -9.0)[:, None]
    assert ods_f(task(1, (30, 56)), logits, semseg) == pytest.approx(100)


def test_without_a_boundary_there_is_no_metric() -> None:
    metrics = Edges(EdgesOptions()).accumulator(complete=True)
    metrics.update(torch.zeros(1, 1, 4, 4), {"semseg": torch.zeros(1, 4, 4, dtype=torch.int64)})
    assert metrics.compute() == {}


@settings(max_examples=60, deadline=None)
@given(maps, maps, st.floats(0, 3))
def test_matches_are_those_of_an_assignment(found: Any, true: Any, reach: float) -> None:
    """The Hungarian method on all pairs, image by image; pairs out of reach cost 1, others 0."""
    expected = 0
    for own, other in zip(found, true, strict=True):
        here, there = np.argwhere(own), np.argwhere(other)
        far = np.linalg.norm(here[:, None] - there[None], axis=-1) > reach
        rows, columns = linear_sum_assignment(far)
        expected += int((~far[rows, columns]).sum())
    assert matched(found, true, reach) == expected


@settings(max_examples=40, deadline=None)
@given(arrays(np.bool_, (2, 8, 9)))
def test_thinning_keeps_within_the_region_and_every_part_of_it(region: Any) -> None:
    """Eight-connected parts neither vanish nor split, and images do not touch each other."""
    from skimage.measure import label

    lines = thinned(region)
    assert not (lines & ~region).any()
    for before, after in zip(region, lines, strict=True):
        assert label(before, connectivity=2).max() == label(after, connectivity=2).max()
    assert np.array_equal(thinned(region[:1])[0], lines[0])

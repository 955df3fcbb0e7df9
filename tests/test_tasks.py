"""Tasks: losses and metrics against hand-computed cases and independent implementations."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex
from torchmetrics.detection import MeanAveragePrecision
from torchmetrics.regression import CosineSimilarity, MeanAbsoluteError

from replications.core.data.labels import VOID
from replications.core.tasks.average_precision import Detections, average_precision
from replications.core.tasks.depth.options import DepthOptions
from replications.core.tasks.depth.task import Depth
from replications.core.tasks.normals.options import NormalsOptions
from replications.core.tasks.normals.task import Normals
from replications.core.tasks.reconstruction.task import Reconstruction
from replications.core.tasks.semseg.task import Semseg
from replications.uncertainty.instances.options import InstancesOptions
from replications.uncertainty.instances.task import Instances, centroid_vectors, clustered

INSTANCES = Instances(InstancesOptions(radius=2.0, min_pixels=4), things=(9, 10))


# Semantic segmentation


def test_miou_by_hand() -> None:
    """Classes 0 and 1 occur, class 2 is absent and left out, one pixel is void."""
    truth = torch.tensor([[[0, 0, 1, 1, VOID]]])
    predicted = torch.tensor([[[0, 1, 1, 1, 0]]])
    metrics = Semseg(3).accumulator(complete=True)
    metrics.update(F.one_hot(predicted, 3).permute(0, 3, 1, 2).float(), {"semseg": truth})
    found = metrics.compute()
    # IoU of class 0: 1 / 2, of class 1: 2 / 3.
    assert found["miou"].value == pytest.approx(100 * (1 / 2 + 2 / 3) / 2)
    assert found["pixel_accuracy"].value == pytest.approx(75)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_semseg_metrics_are_those_of_torchmetrics(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    iou = MulticlassJaccardIndex(5, average=None, ignore_index=VOID)
    accuracy = MulticlassAccuracy(5, average="micro", ignore_index=VOID)
    ours = Semseg(5).accumulator(complete=True)
    for _ in range(3):
        logits = torch.randn(2, 5, 8, 8, generator=generator)
        truth = torch.randint(0, 5, (2, 8, 8), generator=generator)
        truth[torch.rand(truth.shape, generator=generator) < 0.2] = VOID
        ours.update(logits, {"semseg": truth})
        iou.update(logits, truth)
        accuracy.update(logits, truth)
    found = ours.compute()
    assert found["miou"].value == pytest.approx(100 * float(iou.compute().mean()), rel=1e-5)
    assert found["pixel_accuracy"].value == pytest.approx(100 * float(accuracy.compute()), rel=1e-5)


def test_semseg_loss_is_cross_entropy_over_labelled_pixels() -> None:
    logits = torch.randn(2, 4, 5, 6, requires_grad=True)
    truth = torch.randint(0, 4, (2, 5, 6))
    truth[0, :2] = VOID
    expected = F.cross_entropy(logits, truth, ignore_index=VOID)
    assert torch.allclose(Semseg(4).loss(logits, {"semseg": truth}), expected)


def test_semseg_loss_without_a_labelled_pixel_is_zero() -> None:
    logits = torch.randn(1, 4, 2, 2, requires_grad=True)
    loss = Semseg(4).loss(logits, {"semseg": torch.full((1, 2, 2), VOID)})
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


# Depth


def test_inverse_depth_by_hand() -> None:
    """Disparity = 0.22 m * 100 px / depth; the sky counts as 0."""
    task = Depth(DepthOptions(form="inverse"), focal=100)
    depth = torch.tensor([[[2.2, 11.0, 0.0]]])
    prediction = torch.tensor([[[[10.5, 1.0, 0.25]]]])
    # Truth 10, 2, 0; errors 0.5, 1, 0.25.
    assert float(task.loss(prediction, {"depth": depth})) == pytest.approx(1.75 / 3)
    metrics = task.accumulator(complete=True)
    metrics.update(prediction, {"depth": depth})
    assert metrics.compute()["inverse_depth_l1"].value == pytest.approx(1.75 / 3)


def test_metric_depth_ignores_invalid_pixels_and_is_torchmetrics() -> None:
    task = Depth(DepthOptions(form="metric"), focal=100)
    depth = torch.rand(3, 8, 8) * 50 + 1
    depth[torch.rand(depth.shape) < 0.3] = 0
    prediction = torch.rand(3, 1, 8, 8) * 50
    reference = MeanAbsoluteError()
    metrics = task.accumulator(complete=True)
    for index in range(3):
        labels = {"depth": depth[index : index + 1]}
        metrics.update(prediction[index : index + 1], labels)
        valid = labels["depth"] > 0
        reference.update(prediction[index : index + 1, 0][valid], labels["depth"][valid])
    found = metrics.compute()
    error = (prediction[:, 0] - depth)[depth > 0].double()
    assert found["abs_err"].value == pytest.approx(float(reference.compute()), rel=1e-5)
    assert found["rmse"].value == pytest.approx(float((error**2).mean().sqrt()), rel=1e-5)
    relative = (error.abs() / depth[depth > 0]).mean()
    assert found["rel_err"].value == pytest.approx(float(relative), rel=1e-5)


# Surface normals


def _turned(*degrees: float) -> torch.Tensor:
    """A row of unit vectors turned from the z axis by the given angles, (1, 3, 1, W)."""
    angle = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    vectors = torch.stack([angle.sin(), torch.zeros_like(angle), angle.cos()])
    return vectors[None, :, None, :].float()


def test_angles_by_hand() -> None:
    """Errors of 0, 10, 20, 25, 60 degrees in two batches; the length of a prediction is nothing."""
    metrics = Normals(NormalsOptions()).accumulator(complete=True)
    metrics.update(7 * _turned(0, 10), {"normals": _turned(0, 0)})
    truth = _turned(0, 0, 0, 0)
    truth[..., 3] = 0  # no normal there
    metrics.update(0.1 * _turned(20, 25, 60, 90), {"normals": truth})
    found = {name: metric.value for name, metric in metrics.compute().items()}
    assert found["angle_mean"] == pytest.approx(23, abs=1e-4)
    assert found["angle_median"] == pytest.approx(20, abs=0.01)
    root_mean_square = ((10**2 + 20**2 + 25**2 + 60**2) / 5) ** 0.5
    assert found["rmse"] == pytest.approx(root_mean_square, abs=1e-4)
    assert root_mean_square > found["angle_mean"] + 1  # a mean under the name of rmse would fail
    assert found["within_11.25"] == pytest.approx(40)
    assert found["within_22.5"] == pytest.approx(60)
    assert found["within_30"] == pytest.approx(80)


def test_cosine_loss_is_that_of_torchmetrics() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = F.normalize(torch.randn(2, 3, 4, 5, generator=generator), dim=1)
    prediction = torch.randn(2, 3, 4, 5, generator=generator)
    similarity = CosineSimilarity(reduction="mean")
    expected = 1 - similarity(
        prediction.movedim(1, -1).flatten(0, 2), truth.movedim(1, -1).flatten(0, 2)
    )
    assert Normals(NormalsOptions()).loss(prediction, {"normals": truth}) == pytest.approx(
        float(expected), abs=1e-6
    )


def test_l1_loss_of_normals_by_hand() -> None:
    """(1, 0, 0) for (0, 0, 1) is 2 / 3 per component, averaged with a perfect pixel: 1 / 3."""
    truth = _turned(0, 0, 0)
    truth[..., 2] = 0  # no normal there
    loss = Normals(NormalsOptions(loss="l1")).loss(5 * _turned(90, 0, 45), {"normals": truth})
    assert float(loss) == pytest.approx(1 / 3, abs=1e-6)


@pytest.mark.parametrize("task", [Normals(NormalsOptions()), Depth(DepthOptions(), focal=200.0)])
def test_an_evaluation_starts_from_nothing(task: Any) -> None:
    """What one accumulator has seen is not in the next."""
    shape = (1, task.channels, 2, 2)
    truth = {
        "normals": _turned(0, 0)[..., None, 0].expand(1, 3, 1, 1),
        "depth": torch.ones(1, 1, 1),
    }
    generator = torch.Generator().manual_seed(0)
    found = []
    for _ in range(2):
        metrics = task.accumulator(complete=True)
        prediction = torch.rand(shape, generator=generator)[..., :1, :1]
        metrics.update(prediction, truth)
        alone = task.accumulator(complete=True)
        alone.update(prediction, truth)
        found.append((metrics.compute(), alone.compute()))
    assert found[0][0] != found[1][0]
    assert all(first == second for first, second in found)


# Instances


def test_centroid_vectors_by_hand() -> None:
    ids = torch.tensor([[[1, 1, 0], [1, 1, 2]]])
    vectors = centroid_vectors(ids)
    # Instance 1 is the square around (0.5, 0.5); instance 2 a single pixel.
    assert vectors[0, :, 0, 0].tolist() == [0.5, 0.5]
    assert vectors[0, :, 1, 1].tolist() == [-0.5, -0.5]
    assert vectors[0, :, 1, 2].tolist() == [0, 0]
    assert vectors[0, :, 0, 2].tolist() == [0, 0]


@settings(max_examples=30, deadline=None)
@given(arrays(np.int64, (2, 6, 7), elements=st.integers(0, 3)))
def test_vectors_end_in_one_point_per_instance_and_sum_to_zero(ids: Any) -> None:
    vectors = centroid_vectors(torch.from_numpy(ids)).numpy()
    for image, field in zip(ids, vectors, strict=True):
        for instance in set(np.unique(image)) - {0}:
            inside = field[:, image == instance]
            assert np.abs(inside.sum(axis=1)).max() < 1e-4
            ends = inside + np.stack(np.nonzero(image == instance)[::-1])
            assert np.ptp(ends, axis=1).max() < 1e-4


def labels_of(ids: torch.Tensor, thing: int = 10) -> dict[str, torch.Tensor]:
    return {"instances": ids, "semseg": torch.where(ids > 0, thing, 0)}


def test_instances_loss_is_the_l1_norm_over_instance_pixels() -> None:
    ids = torch.zeros(1, 4, 4, dtype=torch.int64)
    ids[0, 1, 1] = 1
    prediction = torch.full((1, 2, 4, 4), 3.0)
    # One instance pixel, true vector (0, 0), predicted (3, 3).
    assert float(INSTANCES.loss(prediction, labels_of(ids))) == pytest.approx(6)


def two_blocks() -> torch.Tensor:
    ids = torch.zeros(1, 12, 24, dtype=torch.int64)
    ids[0, 2:8, 2:9] = 1
    ids[0, 3:10, 12:22] = 2
    return ids


def test_perfect_vectors_give_ap_100_and_none_gives_less() -> None:
    ids = two_blocks()
    perfect, blind = INSTANCES.accumulator(True), INSTANCES.accumulator(True)
    perfect.update(centroid_vectors(ids), labels_of(ids))
    # Without vectors every pixel votes for itself: the pixels of both blocks chain together.
    joined = two_blocks()
    joined[0, 3:8, 9:12] = 1
    blind.update(torch.zeros(1, 2, 12, 24), labels_of(joined))
    assert perfect.compute()["ap50"].value == pytest.approx(100)
    assert perfect.compute()["centroid_l1"].value == pytest.approx(0, abs=1e-6)
    assert blind.compute()["ap50"].value < 60


def test_clusters_are_the_instances_whatever_the_noise() -> None:
    ids = two_blocks()
    noise = 0.3 * torch.randn(1, 2, 12, 24, generator=torch.Generator().manual_seed(0))
    found, scores = clustered(
        (centroid_vectors(ids) + noise)[0].numpy(), ids[0].numpy() > 0, INSTANCES.options
    )
    assert len(scores) == 2
    assert (found > 0).sum() == (ids > 0).sum()


def test_no_instance_in_the_split_gives_no_metric() -> None:
    metrics = INSTANCES.accumulator(True)
    metrics.update(torch.zeros(1, 2, 4, 4), labels_of(torch.zeros(1, 4, 4, dtype=torch.int64)))
    assert metrics.compute() == {}


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_is_that_of_coco(seed: int) -> None:
    """Random boxes as masks, compared with pycocotools at IoU 0.5."""
    rng = np.random.default_rng(seed)
    ours = Detections()
    # torchmetrics' own recall points are float32, off COCO's by rounding.
    recalls = np.linspace(0, 1, 101).tolist()
    reference = MeanAveragePrecision(
        "xyxy", ("segm",), iou_thresholds=[0.5], rec_thresholds=recalls
    )
    for _ in range(6):
        truth = _random_ids(rng, 5)
        found = np.roll(truth, rng.integers(-2, 3, 2), axis=(0, 1))
        found[rng.random() * np.ones_like(found) < 0.3] = 0
        extra = _random_ids(rng, 3)
        found = np.where(found > 0, found, np.where(extra > 0, extra + 10, 0))
        _, compact = np.unique(found, return_inverse=True)
        found = compact.reshape(found.shape)
        scores = rng.random(int(found.max())).tolist()
        ours.add(found, scores, truth, min_pixels=1)
        reference.update([_as_masks(found, scores)], [_as_masks(truth)])
    expected = float(reference.compute()["map_50"])
    assert average_precision(ours) == pytest.approx(expected, abs=1e-6)


def _random_ids(rng: np.random.Generator, most: int) -> Any:
    ids = np.zeros((24, 40), np.int64)
    for number in range(1, rng.integers(1, most + 1) + 1):
        y, x, h, w = rng.integers(0, 18), rng.integers(0, 30), *rng.integers(3, 9, 2)
        ids[y : y + h, x : x + w] = number
    _, compact = np.unique(ids, return_inverse=True)
    return compact.reshape(ids.shape)


def _as_masks(ids: Any, scores: list[float] | None = None) -> dict[str, torch.Tensor]:
    count = int(ids.max())
    masks = torch.from_numpy(np.stack([ids == k + 1 for k in range(count)]))
    entry = {"masks": masks, "labels": torch.zeros(count, dtype=torch.int64)}
    return entry if scores is None else entry | {"scores": torch.tensor(scores)}


scored = st.lists(st.tuples(st.floats(0.01, 1), st.booleans()), max_size=20)


@given(scored, st.integers(20, 30))
def test_a_false_positive_of_lowest_score_never_raises_ap(
    detections: list[tuple[float, bool]], n_truths: int
) -> None:
    scores, correct = [s for s, _ in detections], [c for _, c in detections]
    before = average_precision(Detections(scores, correct, n_truths))
    after = average_precision(Detections([*scores, 0.0], [*correct, False], n_truths))
    assert after <= before + 1e-12


def test_small_true_instances_count_neither_for_nor_against() -> None:
    truth = np.zeros((8, 8), np.int64)
    truth[:4, :4], truth[6, 6] = 1, 2
    detections = Detections()
    detections.add(truth, [0.5, 0.9], truth, min_pixels=4)
    assert detections.n_truths == 1
    assert average_precision(detections) == 1


# Reconstruction


def pictures(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth pictures, and the same disturbed."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(2, 1, 7, 7, generator=generator)
    truth = F.interpolate(coarse, size=shape, mode="bilinear")
    noise = 0.05 * torch.randn(truth.shape, generator=generator)
    return (truth + noise).clamp(0, 1), truth


def halved(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of two by two pixels."""
    half = len(picture) // 2
    means: NDArray[np.float64] = (
        picture[: 2 * half, : 2 * half].reshape(half, 2, half, 2).mean(axis=(1, 3))
    )
    return means


def test_psnr_is_the_mean_over_pictures() -> None:
    truth = torch.full((2, 1, 8, 8), 0.5)
    found = torch.stack([truth[0] + 0.1, truth[1] + 0.01])
    metrics = Reconstruction(1).accumulator(complete=True)
    metrics.update(found, {"picture": truth})
    # 20 and 40 dB.
    assert metrics.compute()["psnr"].value == pytest.approx(30, abs=1e-4)
    assert metrics.compute()["mse"].value == pytest.approx((0.01 + 0.0001) / 2)


@pytest.mark.parametrize(("side", "scales"), [(28, 2), (64, 3), (90, 3), (176, 5)])
def test_structural_similarity_is_that_of_its_definition(side: int, scales: int) -> None:
    """Means of contrast and structure at every scale, and of luminance at the coarsest with its
    borders, each to the power of its weight; as many scales as have a window of 11 pixels."""
    found, truth = pictures(side, side)
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[:scales]
    expected = []
    for one, other in zip(found[:, 0].double().numpy(), truth[:, 0].double().numpy(), strict=True):
        parts = []
        for _ in range(scales):
            local = partial(gaussian_filter, sigma=1.5, radius=5, mode="mirror")
            inner = (slice(5, -5), slice(5, -5))
            mean, mean_other = local(one), local(other)
            both = local(one * other) - mean * mean_other
            spread = local(one * one) + local(other * other) - mean**2 - mean_other**2
            contrast = (2 * both + 0.03**2) / (spread + 0.03**2)
            light = (2 * mean * mean_other + 0.01**2) / (mean**2 + mean_other**2 + 0.01**2)
            parts.append((contrast[inner].mean(), (light * contrast).mean()))
            one, other = halved(one), halved(other)
        values = [contrast for contrast, _ in parts[:-1]] + [parts[-1][1]]
        expected.append(np.prod(np.array(values) ** (weights / weights.sum())))
    metrics = Reconstruction(1).accumulator(complete=True)
    metrics.update(found, {"picture": truth})
    assert metrics.compute()["ms_ssim"].value == pytest.approx(np.mean(expected), abs=1e-4)


def test_small_pictures_and_curves_have_no_structural_similarity() -> None:
    for size, complete in ((8, True), (28, False)):
        found, truth = pictures(size, size)
        metrics = Reconstruction(1).accumulator(complete)
        metrics.update(found, {"picture": truth})
        assert set(metrics.compute()) == {"psnr", "mse"}

"""MTI-Net: each module against its equation, the networks compared, training with auxiliaries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from replications.core.data.batches import indices_of_step, read_description
from replications.core.engine.cost import inference_cost
from replications.core.engine.evaluate import evaluate, examples
from replications.core.engine.loop import train
from replications.core.engine.train import Arguments, prepare_job
from replications.core.errors import StudyError
from replications.core.evidence.claims import claims_table
from replications.core.evidence.values import Values
from replications.core.nets.multiscale import FeaturePyramid, thin
from replications.core.nets.registry.multiscale import MULTISCALE
from replications.core.nets.shared_trunk import SharedTrunk
from replications.core.spec import Plan, Run, Saving, load_plan
from replications.core.tasks.depth.options import DepthOptions
from replications.core.tasks.depth.task import Depth
from replications.core.tasks.edges.task import semantic_boundaries
from replications.core.tasks.normals.options import NormalsOptions
from replications.core.tasks.normals.task import Normals
from replications.mti_net.aggregation import AggregationHead, aggregated
from replications.mti_net.costs import build, measure
from replications.mti_net.distillation import Distillation
from replications.mti_net.initial_prediction import InitialTaskPrediction
from replications.mti_net.interaction import InteractingTasks, TaskInteraction
from replications.mti_net.model import build_model
from replications.mti_net.options import ModelOptions
from replications.mti_net.propagation import FeaturePropagation, SqueezeExcitation

PLAN = load_plan("mti_net", "micro")
FULL = load_plan("mti_net", "full_variants")
TASKS = {"semseg": 11, "depth": 1}
ALL = TASKS | {"edges": 1, "normals": 3}


def options(**changes: Any) -> ModelOptions:
    small = {"encoder": "thin", "width": 8, "pyramid_channels": 4, "pad_net_channels": 6}
    return ModelOptions.model_validate(small | changes)


def images(n: int = 2, size: tuple[int, int] = (32, 64)) -> torch.Tensor:
    return torch.randn(n, 3, *size, generator=torch.Generator().manual_seed(1))


def task_features(*tasks: str, channels: int = 5, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {task: torch.randn(2, channels, 6, 8, generator=generator) for task in tasks}


# Backbones


@pytest.mark.parametrize("name", ["thin", "resnet18", "hrnet_w18", "hrnet_w18_small_v2"])
def test_backbones_have_four_scales(name: Any) -> None:
    backbone = MULTISCALE[name].build(8, 12, False).eval()
    with torch.no_grad():
        maps = backbone(images(1, (64, 128)))
    expected = [
        (1, channels, 64 // s, 128 // s)
        for channels, s in zip(MULTISCALE[name].channels(12), (4, 8, 16, 32), strict=True)
    ]
    assert [tuple(feature.shape) for feature in maps] == expected


def test_the_pyramid_is_that_of_torchvision() -> None:
    from torchvision.ops import FeaturePyramidNetwork

    ours = FeaturePyramid(thin(4), [4, 8, 16, 32], 6).eval()
    theirs = FeaturePyramidNetwork([4, 8, 16, 32], 6).eval()
    for index in range(4):
        theirs.inner_blocks[index][0].load_state_dict(ours.lateral[index].state_dict())
        theirs.layer_blocks[index][0].load_state_dict(ours.smooth[index].state_dict())
    with torch.no_grad():
        encoded = ours.encoder(images())
        expected = theirs({str(index): feature for index, feature in enumerate(encoded)})
        for mine, other in zip(ours(images()), expected.values(), strict=True):
            assert torch.allclose(mine, other, atol=1e-5)


# Initial task predictions


def test_initial_predictions_take_the_coarser_scale_in() -> None:
    module = InitialTaskPrediction(TASKS, inputs=9, channels=5).eval()
    backbone = torch.randn(2, 4, 6, 8)
    coarser = task_features("semseg", "depth")
    with torch.no_grad():
        found = module(backbone, coarser)
        for task in TASKS:
            joined = torch.cat([backbone, coarser[task]], dim=1)
            assert torch.equal(found[task], module.refine[task](joined))
            assert found[task].shape == (2, 5, 6, 8)
        prediction = module.prediction("semseg", found["semseg"], (24, 32))
    assert prediction.shape == (2, 11, 24, 32)


# Distillation


def test_distillation_is_its_equation() -> None:
    """F_k + sum of sigmoid(A_kl F_l) * (W_kl F_l), written out with functional convolutions."""
    features = task_features("semseg", "depth", "edges")
    unit = Distillation(list(features), ["semseg", "depth"], 5)
    state = unit.state_dict()

    def convolution(kind: str, task: str, other: str) -> torch.Tensor:
        weight, bias = (state[f"{kind}.{task}.{other}.{part}"] for part in ("weight", "bias"))
        return F.conv2d(features[other], weight, bias, padding=1)

    found = unit(features)
    assert list(found) == ["semseg", "depth"]
    for task, received in found.items():
        expected = features[task].clone()
        for other in features:
            if other != task:
                gate = 1 / (1 + torch.exp(-convolution("attention", task, other)))
                expected += gate * convolution("message", task, other)
        assert torch.allclose(received, expected, atol=1e-5)


def test_a_closed_gate_lets_nothing_through() -> None:
    features = task_features("semseg", "depth")
    unit = Distillation(list(features), list(features), 5)
    for attention in unit.attention["semseg"].values():  # type: ignore[operator]
        torch.nn.init.zeros_(attention.weight)
        torch.nn.init.constant_(attention.bias, -1e9)
    found = unit(features)
    assert torch.equal(found["semseg"], features["semseg"])
    assert not torch.equal(found["depth"], features["depth"])


# Feature propagation


def test_propagation_is_its_figure() -> None:
    """Attention over the tasks, one shared representation, a gate per task, a residual."""
    features = task_features("semseg", "depth", "edges", channels=6)
    module = FeaturePropagation(list(features), 6).eval()
    with torch.no_grad():
        joined = torch.cat(list(features.values()), dim=1)
        logits = module.harmonise(joined)
        parts = torch.stack([logits[:, i * 6 : (i + 1) * 6] for i in range(3)])
        attention = parts.exp() / parts.exp().sum(dim=0)
        assert torch.allclose(attention.sum(dim=0), torch.ones(2, 6, 6, 8))
        weighted = [a * f for a, f in zip(attention, features.values(), strict=True)]
        shared = module.reduce(torch.cat(weighted, dim=1))
        found = module(features)
        for task, feature in features.items():
            expected = feature + module.refine[task](shared)
            assert torch.allclose(found[task], expected, atol=1e-5)


def test_squeeze_excitation_is_that_of_torchvision() -> None:
    from torchvision.ops import SqueezeExcitation as Reference

    ours, theirs = SqueezeExcitation(32), Reference(32, 4)
    with torch.no_grad():
        for name, index in (("fc1", 0), ("fc2", 2)):
            linear: Any = ours.gate[index]
            getattr(theirs, name).weight.copy_(linear.weight[..., None, None])
            getattr(theirs, name).bias.copy_(linear.bias)
    x = torch.randn(2, 32, 5, 7)
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)


# Aggregation


def test_aggregation_upsamples_and_concatenates() -> None:
    maps = [torch.randn(2, c, 16 // s, 32 // s) for c, s in ((2, 1), (3, 2), (4, 4))]
    found = aggregated(maps)
    sizes = [F.interpolate(m, (16, 32), mode="bilinear", align_corners=False) for m in maps]
    assert torch.allclose(found, torch.cat(sizes, dim=1), atol=1e-6)
    assert AggregationHead(9, 11)(tuple(maps), (64, 128)).shape == (2, 11, 64, 128)


# The interaction and the networks


def test_scales_are_linked_by_propagation_alone() -> None:
    """The coarsest features reach the finest task features with the FPM and not without."""
    channels = [4, 5, 6]
    for propagation in (True, False):
        interaction = TaskInteraction(TASKS, list(TASKS), channels, channels, propagation)
        maps = [
            torch.randn(2, c, 8 // s, 16 // s) for c, s in zip(channels, (1, 2, 4), strict=True)
        ]
        coarsest = maps[-1].requires_grad_()
        scales = interaction(maps)
        assert [scale["depth"].shape[1:] for scale in scales] == [
            (4, 8, 16),
            (5, 4, 8),
            (6, 2, 4),
        ]
        finest = scales[0]["semseg"].sum()
        assert finest.requires_grad
        (gradient,) = torch.autograd.grad(finest, coarsest, allow_unused=True)
        assert (gradient is not None) is propagation


def model(interaction: str = "mti_net", **changes: Any) -> SharedTrunk:
    auxiliary = changes.get("auxiliary", [])
    channels = TASKS | {task: ALL[task] for task in auxiliary}
    return build_model(channels, options(interaction=interaction, **changes), seed=0)


@pytest.mark.parametrize("interaction", ["none", "pad_net", "mti_net"])
def test_predictions_have_the_size_of_the_image(interaction: str) -> None:
    found = model(interaction)(images())
    assert {task: tuple(p.shape) for task, p in found.items()} == {
        task: (2, width, 32, 64) for task, width in TASKS.items()
    }


@pytest.mark.parametrize(("interaction", "scales"), [("none", 0), ("pad_net", 1), ("mti_net", 4)])
def test_deep_supervision_adds_the_initial_predictions(interaction: str, scales: int) -> None:
    net = model(interaction).eval()
    with torch.no_grad():
        features = net.encode(images())
        supervised = net.supervised(features, (32, 64), ["semseg", "depth"])
        final = net.decode(features, (32, 64))
    for task, width in TASKS.items():
        assert [tuple(p.shape) for p in supervised[task]] == [(2, width, 32, 64)] * (1 + scales)
        assert torch.equal(supervised[task][0], final[task])


def test_auxiliary_tasks_have_no_final_head() -> None:
    net = model(auxiliary=["edges", "normals"])
    assert set(net.heads) == {"semseg", "depth"}
    features = net.encode(images())
    assert set(net.decode(features, (32, 64))) == {"semseg", "depth"}
    found = net.supervised(features, (32, 64), list(ALL))
    assert {task: len(p) for task, p in found.items()} == {
        **{"semseg": 5, "depth": 5},
        **{"edges": 4, "normals": 4},
    }


def test_every_final_task_hears_every_task() -> None:
    """The gradient of the final depth reaches the auxiliary task's blocks at every scale."""
    net = model(auxiliary=["edges"])
    assert isinstance(net, InteractingTasks)
    net(images())["depth"].square().sum().backward()
    for initial in net.interaction.initial:
        for task in ("semseg", "edges"):
            gradient = initial.refine[task][0].conv1.weight.grad  # type: ignore[index, union-attr]
            assert gradient is not None
            assert gradient.any()
        assert initial.predict["edges"].weight.grad is None  # type: ignore[index, union-attr]


@pytest.mark.parametrize("interaction", ["none", "pad_net", "mti_net"])
def test_the_backbone_starts_from_the_same_weights_as_that_of_the_single_runs(
    interaction: str,
) -> None:
    single = build_model({"depth": 1}, options(), seed=0)
    backbone = model(interaction).trunk
    backbone = getattr(backbone, "backbone", backbone)
    pairs = zip(single.trunk.state_dict().values(), backbone.state_dict().values(), strict=True)
    assert all(torch.equal(mine, theirs) for mine, theirs in pairs)
    if interaction != "pad_net":  # whose heads are as wide as its task features
        heads = zip(
            single.heads["depth"].parameters(),
            model(interaction).heads["depth"].parameters(),
            strict=True,
        )
        assert all(torch.equal(mine, theirs) for mine, theirs in heads)


def test_parameters_of_the_initial_predictions_are_not_counted() -> None:
    net = model()
    whole = sum(p.numel() for p in net.parameters())
    needed = sum(p.numel() for p in net.inference_parameters())
    # Per scale and task a 1x1 convolution of 4 channels to the outputs, with biases.
    assert whole - needed == 4 * sum((4 + 1) * width for width in TASKS.values())
    net(images())["depth"].sum().backward()
    net(images())["semseg"].sum().backward()
    assert {id(p) for p in net.inference_parameters()} == {
        id(p) for p in net.parameters() if p.grad is not None
    }


def test_a_single_task_cannot_interact() -> None:
    with pytest.raises(StudyError, match="interaction: mti_net is between tasks"):
        build_model({"depth": 1}, options(interaction="mti_net"), seed=0)


def test_costs_are_ordered_as_in_the_paper(tmp_path: Path) -> None:
    """HRNet-W18 small v2 at NYUD's size: 8.0 million parameters for two networks; PAD-Net needs a
    multiple of their operations, MTI-Net fewer than they but more parameters."""
    table, numbers = measure(FULL, tmp_path, torch.device("cpu"))
    costs = table.set_index("network")
    single = costs.loc[["single_semseg", "single_depth"]].sum()
    assert single["parameters"] == pytest.approx(8.0e6, rel=0.02)
    assert costs.loc["joint", "parameters"] / single["parameters"] == pytest.approx(0.5, abs=0.02)
    assert numbers["pad_net_params_saved"] == pytest.approx(15, abs=5)
    assert numbers["pad_net_flops_saved"] < -100
    assert numbers["mti_net_flops_saved"] == pytest.approx(17, abs=1)
    assert numbers["mti_net_params_saved"] == pytest.approx(-27, abs=1)


def test_mti_net_saves_parameters_on_the_larger_backbone() -> None:
    """HRNet-W18 has more than twice as many as small v2, and MTI-Net on it fewer than two of it."""
    channels, larger = {"semseg": 40, "depth": 1}, {"encoder": "hrnet_w18"}

    def parameters(channels: dict[str, int], **changes: Any) -> int:
        return sum(p.numel() for p in build(channels, larger | changes).inference_parameters())

    both = sum(parameters({task: width}) for task, width in channels.items())
    assert both > 2 * 8.0e6
    assert parameters(channels, interaction="mti_net") < both


def test_costs_are_those_of_the_networks_the_runs_train(tmp_path: Path) -> None:
    table, _ = measure(PLAN, tmp_path, torch.device("cpu"))
    options = PLAN.experiments["costs"].options
    sample = torch.zeros(1, 3, *options["size"])
    for row in table.itertuples():
        run = FULL.runs[str(row.network)]
        channels = {task: options["channels"][task] for task in run.tasks}
        expected = inference_cost(build(channels, options["model"] | run.model), sample, repeats=2)
        assert (row.parameters, row.flops) == (expected["parameters"], expected["flops"])


@pytest.mark.parametrize(
    ("flops", "parameters", "verdict"),
    [(17.0, -27.0, "reproduced"), (17.0, 1.0, "contradicted"), (-1.0, -27.0, "contradicted")],
)
def test_the_claim_of_the_papers_size_is_decided_by_the_numbers(
    flops: float, parameters: float, verdict: str, tmp_path: Path
) -> None:
    numbers = {"mti_net_flops_saved": flops, "mti_net_params_saved": parameters}
    (tmp_path / "costs").mkdir()
    (tmp_path / "costs" / "numbers.json").write_text(json.dumps(numbers), encoding="utf-8")
    claims = {"5p": PLAN.replication.claims["5p"]}
    replication = PLAN.replication.model_copy(update={"claims": claims})
    plan = PLAN.model_copy(update={"replication": replication})
    table = claims_table(plan, pd.DataFrame(), pd.DataFrame(), tmp_path)
    assert list(table["verdict"]) == [verdict]


# Specification


def test_auxiliary_tasks_are_checked() -> None:
    with pytest.raises(ValueError, match="names a task twice or one of"):
        Run(tasks=["semseg", "depth"], title="x", auxiliary=["depth"])
    with pytest.raises(ValueError, match="labels: shared"):
        Run(tasks=["semseg"], title="x", auxiliary=["edges"], labels="disjoint")
    with pytest.raises(ValueError, match="need interaction"):
        ModelOptions(encoder="thin", auxiliary=["edges"])


def test_losses_of_auxiliary_tasks_may_be_scaled() -> None:
    assert FULL.runs["mti_net_edges"].loss_scale == {"edges": 50}
    with pytest.raises(ValueError, match=r"loss_scale names \['normals'\]"):
        Run(tasks=["depth"], title="x", auxiliary=["edges"], loss_scale={"normals": 10.0})


def test_runs_with_auxiliaries_match_no_task() -> None:
    run = FULL.runs["mti_net_edges"]
    assert run.role == "multi"
    assert FULL.single_of("depth", "mti_net_edges") == "single_depth"
    assert FULL.model_of("mti_net_edges").model_dump()["auxiliary"] == ["edges"]
    assert "auxiliary" not in FULL.model_of("mti_net").model_fields_set
    alone = Run(tasks=["depth"], title="x", auxiliary=["edges"])
    assert alone.role == "multi"
    fewer = FULL.model_copy(update={"runs": {"alone": alone} | FULL.runs})
    assert fewer.single_of("depth", "alone") == "single_depth"


def costs_table(percent_saved: float) -> pd.DataFrame:
    rows = [("mti_net", 100 - percent_saved), ("single_semseg", 50.0), ("single_depth", 50.0)]
    return pd.DataFrame(
        [
            {"replication": "mti_net", "run": run, "role": "multi", "seed": seed}
            | {"flops": 90.0 if run == "mti_net" else 50.0, "parameters": parameters}
            for run, parameters in rows
            for seed in range(2)
        ]
    )


@pytest.mark.parametrize(("saved", "verdict"), [(-20.0, "reproduced"), (20.0, "contradicted")])
def test_a_claim_may_be_that_a_run_costs_more(saved: float, verdict: str, tmp_path: Path) -> None:
    claims = {"5": PLAN.replication.claims["5"]}
    plan = PLAN.model_copy(
        update={"replication": PLAN.replication.model_copy(update={"claims": claims})}
    )
    table = claims_table(plan, Values({}, {}), costs_table(saved), tmp_path)
    assert table.loc[0, "verdict"] == verdict
    with pytest.raises(ValueError, match="not dearer"):
        Saving(run="mti_net", cost="flops", percent=10, dearer=True)


# Depth in a unit, up to a limit


def test_depth_has_a_unit_and_a_limit() -> None:
    """10 m to a unit, nothing beyond 80 m: errors 1 and 4 m at 20 and 40 m; 100 m is left out."""
    task = Depth(DepthOptions(unit=10, farthest=80), focal=100)
    depth = torch.tensor([[[20.0, 40.0, 100.0, 0.0]]])
    prediction = torch.tensor([[[[2.1, 3.6, 0.0, 5.0]]]])
    assert float(task.loss(prediction, {"depth": depth})) == pytest.approx(0.25)
    metrics = task.accumulator(complete=True)
    metrics.update(prediction, {"depth": depth})
    found = metrics.compute()
    assert found["rmse"].value == pytest.approx(((1 + 16) / 2) ** 0.5)
    assert found["abs_err"].value == pytest.approx(2.5)
    assert found["rel_err"].value == pytest.approx((1 / 20 + 4 / 40) / 2)
    assert task.shown(prediction, {})[0, 0, 0].item() == pytest.approx(21)
    with pytest.raises(ValueError, match="form: metric"):
        DepthOptions(form="inverse", unit=10)


# Two faults of the authors' metrics


def test_a_depth_accumulator_starts_anew() -> None:
    """The authors' depth meter is not reset between evaluations."""
    task = Depth(DepthOptions(), focal=100)
    values = []
    for error in (3.0, 1.0):
        metrics = task.accumulator(complete=True)
        metrics.update(torch.full((1, 1, 2, 2), 5 + error), {"depth": torch.full((1, 2, 2), 5.0)})
        values.append(metrics.compute()["rmse"].value)
    assert values == pytest.approx([3.0, 1.0])


def test_rmse_of_normals_is_no_mean() -> None:
    """The authors' "rmse" of normals returns the mean. Here: angles 0 and 90 degrees."""
    metrics = Normals(NormalsOptions()).accumulator(complete=True)
    truth = torch.zeros(1, 3, 1, 2)
    truth[:, 2] = 1
    prediction = torch.tensor([[[[0.0, 1.0]], [[0.0, 0.0]], [[1.0, 0.0]]]])
    metrics.update(prediction, {"normals": truth})
    found = metrics.compute()
    assert found["angle_mean"].value == pytest.approx(45)
    assert found["rmse"].value == pytest.approx((90**2 / 2) ** 0.5)


# Training


def arguments(data: Path, folder: Path, run: str) -> Arguments:
    return Arguments("mti_net", "micro", run, 0, data, folder, folder / "c.pt", "cpu", 1)


def prepared_job(plan: Plan, data: Path, folder: Path, run: str) -> Any:
    device = torch.device("cpu")
    return prepare_job(plan, arguments(data, folder, run), read_description(data), device)


def test_the_loss_of_a_task_is_summed_over_its_predictions(prepared: Path, tmp_path: Path) -> None:
    """The first recorded losses, computed again by hand on the same batch."""
    data = PLAN.data.model_copy(update={"flip": False, "zoom": [1.0]})
    settings = PLAN.settings.model_copy(update={"steps": 1, "validations": 1, "data": data})
    plan = PLAN.model_copy(update={"settings": settings})
    job, training = prepared_job(plan, prepared, tmp_path, "mti_net_edges_normals")
    batch = job.train.batch(indices_of_step(len(job.train), settings.batch_size, 0, 0))
    learner = training.learner.train()
    assert isinstance(learner, SharedTrunk)
    with torch.no_grad():
        features = learner.encode(batch.inputs)
        found = learner.supervised(features, (32, 64), list(ALL))
    boundary, known = semantic_boundaries(batch.labels["semseg"])
    weight = torch.where(boundary, 0.95, 0.05)[known]
    expected = {
        "semseg": sum(
            F.cross_entropy(p, batch.labels["semseg"], ignore_index=255) for p in found["semseg"]
        ),
        "edges": sum(
            F.binary_cross_entropy_with_logits(p[:, 0][known], boundary[known].float(), weight)
            for p in found["edges"]
        ),
    }
    job, training = prepared_job(plan, prepared, tmp_path / "again", "mti_net_edges_normals")
    train(job, training)
    (row,) = training.history
    for task, value in expected.items():
        scale = {"edges": 50}.get(task, 1)
        assert row[f"loss_{task}"] == pytest.approx(scale * float(value), rel=1e-4)
    assert {name for name in row if name.startswith("val_")} == {
        *("val_semseg_miou", "val_semseg_pixel_accuracy"),
        *("val_depth_abs_err", "val_depth_rel_err", "val_depth_rmse"),
    }


def test_four_final_tasks_have_their_metrics(prepared: Path, tmp_path: Path) -> None:
    settings = PLAN.settings.model_copy(update={"steps": 1, "validations": 1})
    plan = PLAN.model_copy(update={"settings": settings, "runs": FULL.runs})
    job, training = prepared_job(plan, prepared, tmp_path, "mti_net_four")
    train(job, training)
    found = evaluate(training.learner, job.tasks, job.val, complete=True, limit=8)
    assert list(found) == list(ALL)
    assert set(found["edges"]) == {"ods_f"}
    assert 0 <= found["edges"]["ods_f"].value <= 100
    arrays = examples(training.learner, job.tasks, job.val)
    assert arrays["predicted_edges"].shape == arrays["truth_edges"].shape


def test_auxiliary_labels_are_loaded_for_training_alone(prepared: Path, tmp_path: Path) -> None:
    job, _ = prepared_job(PLAN, prepared, tmp_path, "mti_net_edges_normals")
    assert set(job.train.labels) == {"semseg", "depth", "normals"}
    assert set(job.val.labels) == {"semseg", "depth"}

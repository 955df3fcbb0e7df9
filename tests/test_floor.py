"""The floor: against closed forms, and what rests on runs that are no better."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file

from replications.core.data.batches import read_description
from replications.core.engine.assembly import build_split, build_tasks
from replications.core.engine.evaluate import evaluate
from replications.core.engine.floor import Blind, fit, source_of
from replications.core.evidence.claims import claims_table
from replications.core.evidence.delta_m import delta_m_table, deltas, with_delta_m
from replications.core.evidence.floors import Floors, least_of, with_names, with_runs
from replications.core.evidence.tables import relative
from replications.core.evidence.values import Values, observed
from replications.core.nets.resize import bilinear
from replications.core.spec import Plan, load_plan
from replications.core.tasks.edges.options import EdgesOptions
from replications.core.tasks.edges.task import Edges

CPU = torch.device("cpu")
SIZE = (32, 64)


@pytest.fixture(scope="module")
def metrics(prepared: Path) -> dict[str, Any]:
    """The floors of Nash-MTL's three tasks at 32x64."""
    plan, dataset = load_plan("nash_mtl", "micro"), read_description(prepared)
    tasks = build_tasks(plan, "equal", dataset)
    train, test = (build_split(plan.data, prepared, s, tasks, CPU) for s in ("train", "test"))
    widths = {"semseg": len(dataset.facts["classes"]), "depth": 1, "normals": 3}
    blind = Blind({task: torch.rand(1, width, *SIZE) for task, width in widths.items()})
    fit(blind, tasks, train)
    return evaluate(blind, tasks, test, complete=True)


def test_the_floor_of_depth_is_the_median_of_every_pixel(
    metrics: dict[str, Any], prepared: Path
) -> None:
    train, test = (load_file(prepared / f"{s}.safetensors")["depth"] for s in ("train", "test"))
    known = np.where(train > 0, train.astype(np.float64), np.nan)
    known[0, np.isnan(known).all(axis=0)] = 0.0  # always sky
    median = np.nanmedian(known, axis=0)
    valid = test > 0
    expected = np.abs(test - median)[valid].mean()
    assert metrics["depth"]["abs_err"].value == pytest.approx(expected, rel=0.02)


def test_the_floor_of_semantics_is_the_commonest_class_of_every_pixel(
    metrics: dict[str, Any], prepared: Path
) -> None:
    train, test = (load_file(prepared / f"{s}.safetensors")["semseg"] for s in ("train", "test"))
    counts = np.stack([(train == c).sum(axis=0) for c in range(11)])
    prediction = np.broadcast_to(counts.argmax(axis=0), test.shape)
    known = test != 255
    accuracy = 100 * (prediction == test)[known].mean()
    assert metrics["semseg"]["pixel_accuracy"].value == pytest.approx(accuracy, abs=0.7)


def test_the_floor_of_normals_is_about_the_mean_direction_of_every_pixel(
    metrics: dict[str, Any], prepared: Path
) -> None:
    train, test = (load_file(prepared / f"{s}.safetensors")["normals"] for s in ("train", "test"))
    mean = train.astype(np.float64).mean(axis=0)
    mean /= np.linalg.norm(mean, axis=0, keepdims=True).clip(1e-9)
    truth = test.astype(np.float64)
    valid = (test != 0).any(axis=1)
    truth /= np.linalg.norm(truth, axis=1, keepdims=True).clip(1e-9)
    angles = np.rad2deg(np.arccos((truth * mean[None]).sum(axis=1).clip(-1, 1)))[valid]
    assert metrics["normals"]["angle_mean"].value == pytest.approx(angles.mean(), rel=0.03)


@pytest.mark.parametrize("factor", [1, 2, 8])
def test_a_constant_is_as_fine_as_what_the_network_interpolates(factor: int) -> None:
    source = torch.rand(1, 3, SIZE[0] // factor, SIZE[1] // factor)
    like = bilinear(source, SIZE)
    assert source_of(like) == source.shape
    blind = Blind({"normals": like})
    assert blind.constants["normals"].shape == source.shape
    with torch.no_grad():
        blind.constants["normals"].copy_(source)
        found = blind.predict(torch.rand(2, 3, *SIZE))["normals"]
    torch.testing.assert_close(found, like.expand(2, -1, -1, -1))


def test_what_is_no_map_has_its_own_shape() -> None:
    assert source_of(torch.rand(1, 5)) == (1, 5)
    assert source_of(torch.rand(1, 6, 3, 5)) == (1, 6, 3, 5)


def test_pixels_reach_an_f_measure_that_an_interpolated_constant_does_not(prepared: Path) -> None:
    plan, dataset = load_plan("hard_sharing", "micro"), read_description(prepared)
    tasks = build_tasks(plan, "single_semseg", dataset) | {
        "edges": Edges(EdgesOptions(tolerance=0.022))  # of half as large maps as in `cpu`
    }
    train, test = (build_split(plan.data, prepared, s, tasks, CPU) for s in ("train", "test"))
    own = {"edges": tasks["edges"]}
    reached = {}
    for name, like in (
        ("pixels", torch.rand(1, 1, *SIZE)),
        ("maps", bilinear(torch.rand(1, 1, 4, 8), SIZE)),
    ):
        blind = Blind({"edges": like})
        fit(blind, own, train)
        reached[name] = evaluate(blind, own, test, complete=True)["edges"]["ods_f"].value
    assert reached["pixels"] > 1.2 * reached["maps"]


def test_constants_are_the_same_for_every_input() -> None:
    blind = Blind({"depth": torch.rand(1, 1, 2, 2)})
    found = blind.predict(torch.rand(3, 3, 2, 2))["depth"]
    assert found.shape == (3, 1, 2, 2)
    assert (found == found[:1]).all()


@pytest.mark.parametrize(
    ("floor", "unit", "higher", "least"),
    [
        (0.0, "%", True, 1.0),
        (20.0, "%", True, 21.0),
        (60.0, "%", True, 62.0),
        (8.0, "px", False, 7.6),
    ],
)
def test_what_a_run_must_be_better_than(
    floor: float, unit: str, higher: bool, least: float
) -> None:
    assert least_of(floor, unit, higher) == pytest.approx(least)


PLAN = load_plan("uncertainty", "gpu").model_copy(update={"seeds": 10})
FLOOR = pd.DataFrame(
    [
        ("uncertainty", "semseg", "miou", "%", True, 20.0, 21.0),
        ("uncertainty", "instances", "centroid_l1", "px", False, 8.0, 7.6),
        ("uncertainty", "depth", "inverse_depth_l1", "px", False, 0.6, 0.57),
    ],
    columns=["replication", "task", "metric", "unit", "higher_is_better", "floor", "least"],
)


def values(**changed: list[float]) -> Values:
    """Multi-task runs better than single-task ones by far; `changed`: the mIoU of a run, or its
    other metrics as `<run>_<task>`."""
    rng = np.random.default_rng(0)
    base = {"semseg": 40.0, "instances": 5.0, "depth": 0.4}
    metric = PLAN.replication.headline
    rows = []
    for run, spec in PLAN.runs.items():
        better = spec.role == "multi" and run != "equal"
        for task in spec.tasks:
            sign = 1 if task == "semseg" else -1
            usual = base[task] * (1 + 0.1 * sign * better + 0.01 * rng.standard_normal(10))
            own = changed.get(f"{run}_{task}", usual.tolist())
            place = (run, "test", "", task, metric[task], task == "semseg")
            rows += [(*place, seed, value) for seed, value in enumerate(own)]
    columns = ["run", "split", "condition", "task", "metric", "higher_is_better", "seed", "value"]
    return observed(pd.DataFrame(rows, columns=columns))


def verdicts(found: Values) -> pd.DataFrame:
    floors = with_runs(PLAN, FLOOR, found)
    unsound = [one for one in deltas(PLAN, found, floors) if not one.meaningful]
    table = claims_table(
        PLAN,
        with_delta_m(found, deltas(PLAN, found)),
        pd.DataFrame(),
        Path("unused"),
        floors,
        unsound,
    )
    return table.set_index("claim")


def test_a_run_that_has_learned_lies_above_its_floor_at_every_seed() -> None:
    assert with_runs(PLAN, FLOOR, values()).at_floor == {}
    dead = [0.4] * 9 + [0.58]
    floors = with_runs(PLAN, FLOOR, values(equal_depth=dead))
    assert floors.at_floor == {"equal": ["depth"]}
    assert not floors.none_of({"equal", "uncertainty"}, "depth")
    assert not floors.none_of({"equal"}, "all")
    assert floors.none_of({"equal"}, "semseg")
    shown = with_names(floors, PLAN).set_index("task")["at_floor"]
    assert shown.to_dict() == {"semseg": "", "instances": "", "depth": "equal"}


def test_a_comparison_with_a_run_at_its_floor_is_not_decided() -> None:
    table = verdicts(values())
    assert table.loc[["1", "2", "3"], "verdict"].tolist() == ["reproduced"] * 3
    dead = {"equal_depth": [0.59] * 10}
    row = verdicts(values(**dead)).loc["2"]
    assert row["verdict"] == "partly"
    assert row["parts_for"] == "의미 분할; 개체 분할"
    assert row["parts_open"].startswith("깊이")
    dead |= {"equal_semseg": [20.0] * 10, "equal_instances": [8.0] * 10}
    table = verdicts(values(**dead))
    assert table.loc["2", ["verdict", "reason"]].tolist() == ["undecided", "not trained"]
    assert table.loc["1", "verdict"] == "reproduced"


def test_a_reversed_part_does_not_hide_those_that_hold() -> None:
    worse = [0.45 + 0.001 * seed for seed in range(10)]
    row = verdicts(values(uncertainty_depth=worse)).loc["2"]
    assert row["verdict"] == "mixed"
    assert row["parts_for"] == "의미 분할; 개체 분할"
    assert row["parts_against"].startswith("깊이")
    assert row["parts_open"] == ""
    level = values().found["equal", "depth", "inverse_depth_l1", ""]
    row = verdicts(values(uncertainty_depth=level[::-1].tolist())).loc["2"]
    assert row["verdict"] == "partly"
    assert row["parts_open"].startswith("깊이")


def test_a_claim_is_contradicted_where_no_part_holds() -> None:
    level = values().found["equal", "depth", "inverse_depth_l1", ""][::-1].tolist()
    worse = [30.0 + 0.1 * seed for seed in range(10)]
    far = [6.0 + 0.1 * seed for seed in range(10)]
    found = values(uncertainty_depth=level, uncertainty_semseg=worse, uncertainty_instances=far)
    assert verdicts(found).loc["2", "verdict"] == "contradicted"


def test_delta_m_is_relative_to_the_mean_of_the_seeds() -> None:
    """The mean over seeds is a ratio of means, whatever a seed's own value."""
    single = [20.0, 60.0] * 5
    found = values(single_semseg_semseg=single, semseg_depth_semseg=[44.0] * 10)
    table = delta_m_table(PLAN, deltas(PLAN, found)).set_index(["run", "definition"])
    own = table.loc[("semseg_depth", "per_task_primary")]
    depth = found.found["semseg_depth", "depth", "inverse_depth_l1", ""]
    base = found.found["single_depth", "depth", "inverse_depth_l1", ""]
    expected = (10 + 100 * (1 - depth.mean() / base.mean())) / 2
    assert own["value"].mean() == pytest.approx(expected)
    # A single-task value that varies by half its size serves nobody.
    assert not own["meaningful"].any()
    assert table.loc[("instances_depth", "per_task_primary"), "meaningful"].all()
    assert relative(own.reset_index()) == "무의미"


def test_delta_m_relative_to_a_run_at_its_floor_is_not_meaningful() -> None:
    found = values(single_depth_depth=[0.59] * 10)
    floors: Floors = with_runs(PLAN, FLOOR, found)
    table = delta_m_table(PLAN, deltas(PLAN, found, floors)).groupby("run")["meaningful"].all()
    assert table.to_dict() == {
        run: "depth" not in spec.tasks for run, spec in PLAN.runs.items() if spec.role == "multi"
    }


def test_claims_on_a_delta_m_that_is_not_meaningful_are_not_decided() -> None:
    plan: Plan = load_plan("mti_net", "quick").model_copy(update={"seeds": 10})
    rng = np.random.default_rng(0)
    rows = []
    for run, spec in plan.runs.items():
        for task in spec.tasks:
            metric, higher = plan.replication.headline[task], task == "semseg"
            wide = 0.5 if run == "single_depth" else 0.01
            own = 5 * (1 + wide * rng.uniform(-1, 1, 10))
            place = (run, "test", "", task, metric, higher)
            rows += [(*place, seed, value) for seed, value in enumerate(own)]
    columns = ["run", "split", "condition", "task", "metric", "higher_is_better", "seed", "value"]
    found = observed(pd.DataFrame(rows, columns=columns))
    claims = {"1": plan.replication.claims["1"]}
    replication = plan.replication.model_copy(update={"claims": claims})
    plan = plan.model_copy(update={"replication": replication})
    unsound = [one for one in deltas(plan, found) if not one.meaningful]
    values_ = with_delta_m(found, deltas(plan, found))
    table = claims_table(plan, values_, pd.DataFrame(), Path("unused"), unsound=unsound)
    assert table.loc[0, ["verdict", "reason"]].tolist() == ["undecided", "not meaningful"]


def test_a_part_whose_runs_the_study_lacks_is_named_apart() -> None:
    found = values()
    known = {place: own for place, own in found.found.items() if place[:2] != ("equal", "depth")}
    row = verdicts(Values(known, found.higher)).loc["2"]
    assert row["verdict"] == "partly"
    assert row["parts_for"] == "의미 분할; 개체 분할"
    assert row["parts_lacking"].startswith("깊이")
    assert row["parts_open"] == ""

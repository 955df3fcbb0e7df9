"""MultiNet in the engine and the evidence: disjoint labels, alternation, claims, its runs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.core.data.batches import indices_of_step, read_description
from replications.core.data.pictures.options import PictureOptions
from replications.core.engine.cost import inference_cost
from replications.core.engine.draws import draws, labelled, least_samples
from replications.core.engine.loop import train
from replications.core.engine.train import Arguments, prepare_job
from replications.core.engine.untrained import savings as savings_of
from replications.core.evidence.claims import claims_table, savings
from replications.core.evidence.comparisons import comparisons_table, differences
from replications.core.evidence.statistics import sign_flip_p
from replications.core.evidence.values import observed
from replications.core.spec import Better, Claim, Comparison, Phase, Plan, Run, Saving, load_plan
from replications.multinet.costs import build, measure

PLAN = load_plan("multinet", "micro")
FULL = load_plan("multinet", "full_variants")
TASKS = ["road", "vehicles", "scene"]
JOINT = FULL.runs["joint"]
DISJOINT = FULL.runs["joint_disjoint"]
HEAVY = FULL.runs["joint_detection_heavy"]


# Draws


def test_shared_labels_are_one_batch_for_all_tasks() -> None:
    (draw,) = draws(JOINT, PLAN.settings, Phase(), 50, seed=3, step=7)
    assert list(draw.tasks) == TASKS
    assert torch.equal(draw.indices, indices_of_step(50, PLAN.settings.batch_size, 3, 7))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("labels", ["", "_disjoint"])
def test_a_single_run_sees_the_images_the_joint_run_trains_its_task_on(
    task: str, labels: str
) -> None:
    joint, single = FULL.runs[f"joint{labels}"], FULL.runs[f"single_{task}{labels}"]
    for step in range(30):
        of_joint = {
            name: draw.indices
            for draw in draws(joint, PLAN.settings, Phase(), 40, 1, step)
            for name in draw.tasks
        }
        (alone,) = draws(single, PLAN.settings, Phase(), 40, 1, step)
        assert torch.equal(of_joint[task], alone.indices)


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 200))
def test_disjoint_labels_are_a_partition(n_samples: int) -> None:
    parts = [labelled(task, TASKS, n_samples) for task in TASKS]
    assert torch.cat(parts).sort().values.tolist() == list(range(n_samples))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert min(map(len, parts)) == least_samples(DISJOINT, PLAN.settings, n_samples)
    assert least_samples(JOINT, PLAN.settings, n_samples) == n_samples
    # The order in which the tasks are named plays no part.
    assert torch.equal(labelled("road", TASKS[::-1], n_samples), parts[0])


def test_the_cycle_is_that_of_the_first_version_of_the_paper() -> None:
    trained = [draws(HEAVY, PLAN.settings, Phase(), 40, 0, step)[0].tasks for step in range(6)]
    assert trained == [tuple(TASKS), ("vehicles",), ("vehicles",)] * 2


# Training


def arguments(data: Path, folder: Path, run: str) -> Arguments:
    return Arguments("multinet", "micro", run, 0, data, folder, folder / "c.pt", "cpu", 1)


def micro(run: Run) -> Plan:
    """The micro plan with one more run, `extra`."""
    return PLAN.model_copy(update={"runs": PLAN.runs | {"extra": run}})


def test_a_cycle_moves_only_the_heads_it_trains(prepared: Path, tmp_path: Path) -> None:
    plan = micro(HEAVY)
    job, training = prepare_job(
        plan,
        arguments(prepared, tmp_path, "extra"),
        read_description(prepared),
        torch.device("cpu"),
    )
    train(job, training)
    steps = plan.settings.steps
    states = {task: training.learner.task_parameters(task) for task in TASKS}
    updates = {
        task: {int(training.optimizer.state[p]["step"]) for p in parameters}
        for task, parameters in states.items()
    }
    assert updates == {"road": {steps // 3}, "vehicles": {steps}, "scene": {steps // 3}}
    assert {"loss_road", "loss_vehicles", "loss_scene"} <= set(training.history[0])


def test_disjoint_training_sums_the_gradients_of_a_batch_per_task(
    prepared: Path, tmp_path: Path
) -> None:
    """The head of each task gets the gradient its single run gets; trunks start out equal."""
    gradients = {}
    for run in ("joint", *(f"single_{task}" for task in TASKS)):
        spec = FULL.runs[f"{run}_disjoint"]
        plan = micro(spec)
        plan = plan.model_copy(
            update={"settings": plan.settings.model_copy(update={"steps": 1, "validations": 1})}
        )
        job, training = prepare_job(
            plan,
            arguments(prepared, tmp_path / run, "extra"),
            read_description(prepared),
            torch.device("cpu"),
        )
        job = type(job)(
            **(vars(job) | {"settings": job.settings.model_copy(update={"clip_grad_norm": None})})
        )
        train(job, training)
        for task in spec.tasks:
            gradients[run, task] = [p.grad for p in training.learner.task_parameters(task)]
        gradients[run, ""] = [p.grad for p in training.learner.shared_parameters()]
    for task in TASKS:
        pairs = zip(gradients["joint", task], gradients[f"single_{task}", task], strict=True)
        assert all(torch.equal(mine, theirs) for mine, theirs in pairs)  # type: ignore[arg-type]
    columns = zip(*(gradients[f"single_{task}", ""] for task in TASKS), strict=True)
    for mine, alone in zip(gradients["joint", ""], columns, strict=True):
        assert mine is not None
        assert torch.allclose(mine, torch.stack(alone).sum(0), atol=1e-5)


# The plan


def test_every_multi_run_has_matching_single_runs() -> None:
    for name, run in FULL.runs.items():
        for task in run.tasks:
            single = FULL.runs[FULL.single_of(task, name)]
            assert single.labels == run.labels
    assert FULL.single_of("vehicles", "joint_without_rezoom") == "single_vehicles_without_rezoom"
    assert FULL.model_of("joint_without_rezoom").model_dump()["rezoom"] is False
    assert "rezoom" not in FULL.model_of("joint").model_fields_set


@pytest.mark.parametrize("cycle", [[["road"]], [["road", "vehicles"], []], [["depth"]]])
def test_a_cycle_that_does_not_train_the_tasks_is_refused(cycle: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="cycle"):
        Run(tasks=["road", "vehicles"], title="x", cycle=cycle)


def test_the_grids_of_all_studies_fit_their_images() -> None:
    for study in PLAN.replication.studies:
        plan = load_plan("multinet", study)
        stride = plan.settings.model.get("stride", 8)
        assert isinstance(plan.data, PictureOptions)
        assert tuple(plan.settings.model["grid"]) == tuple(s // stride for s in plan.data.size)
        costs = plan.experiments["costs"].options
        cells = [side // costs["model"]["stride"] for side in costs["size"]]
        assert costs["model"]["grid"] == cells


# Costs at the paper's size


def test_costs_are_those_of_the_networks_the_runs_train(tmp_path: Path) -> None:
    table, numbers = measure(PLAN, tmp_path, torch.device("cpu"))
    options = PLAN.experiments["costs"].options
    sample = torch.zeros(1, 3, *options["size"])
    found = table.set_index("network")
    assert list(found.index) == [*(f"single_{task}" for task in TASKS), "joint"]
    for run, row in found.iterrows():
        channels = {task: options["channels"][task] for task in FULL.runs[str(run)].tasks}
        expected = inference_cost(build(channels, options["model"]), sample, repeats=2)
        assert row["parameters"] == expected["parameters"]
        assert row["flops"] == expected["flops"]
        assert row["latency_ms"] > 0
    trunk = sum(p.numel() for p in build({"scene": 2}, options["model"]).shared_parameters())
    three = sum(found.loc[f"single_{task}", "parameters"] for task in TASKS)
    assert found.loc["joint", "parameters"] == three - 2 * trunk
    assert numbers["joint_params_saved"] == pytest.approx(100 * 2 * trunk / three)


def test_savings_by_hand() -> None:
    """Two networks of 30 and 50 parameters; one of 60 saves a quarter, one of 100 costs as much
    more."""
    table = pd.DataFrame(
        {
            "network": ["a", "b", "less", "more"],
            "parameters": [30, 50, 60, 100],
            "flops": [1, 1, 1, 4],
        }
    )
    assert savings_of(table, ["a", "b"]) == {
        **{"less_params_saved": 25.0, "less_flops_saved": 50.0},
        **{"more_params_saved": -25.0, "more_flops_saved": -100.0},
    }


@pytest.mark.parametrize(
    ("latency", "parameters", "verdicts"),
    [
        (41.0, 60.0, ["reproduced", "reproduced"]),
        (39.0, -1.0, ["contradicted", "contradicted"]),
    ],
)
def test_claims_of_the_papers_size_are_decided_by_the_numbers(
    latency: float, parameters: float, verdicts: list[str], tmp_path: Path
) -> None:
    saved = {"joint_latency_saved": latency, "joint_params_saved": parameters}
    numbers = saved | {"joint_flops_saved": 60.0}
    (tmp_path / "costs").mkdir()
    (tmp_path / "costs" / "numbers.json").write_text(json.dumps(numbers), encoding="utf-8")
    claims = {number: PLAN.replication.claims[number] for number in ("4p", "6p")}
    replication = PLAN.replication.model_copy(update={"claims": claims})
    plan = PLAN.model_copy(update={"replication": replication})
    table = claims_table(plan, pd.DataFrame(), pd.DataFrame(), tmp_path)
    assert list(table["verdict"]) == verdicts


# Claims


def test_rezoom_is_claimed_of_the_separate_detector() -> None:
    """Whose AP the paper reports with and without it; the runs are in the study with the seeds."""
    cpu = load_plan("multinet", "cpu")
    with_and_without = ("single_vehicles", "single_vehicles_without_rezoom")
    for number in ("5", "5h"):
        pairs = [c.pairs[0.0] for c in cpu.comparisons(cpu.replication.claims[number])]
        assert set(pairs) == {with_and_without}
    assert set(with_and_without) <= set(cpu.runs)


def runs_table(values: dict[tuple[str, str, str], list[float]]) -> pd.DataFrame:
    """Test-split rows of (run, task, metric): value per seed."""
    return pd.DataFrame(
        [
            {"run": run, "seed": seed, "split": "test", "task": task, "metric": metric}
            | {"condition": "", "value": value, "higher_is_better": True}
            for (run, task, metric), of_seed in values.items()
            for seed, value in enumerate(of_seed)
        ]
    )


def found(comparison: Comparison, runs: pd.DataFrame) -> list[float]:
    """The differences over seeds."""
    values = differences(comparison, observed(runs))
    assert values is not None
    return [float(value) for value in values]


def test_a_margin_is_added_to_the_differences_that_are_tested() -> None:
    runs = runs_table(
        {("joint", "road", "max_f1"): [95.0, 94.0], ("single_road", "road", "max_f1"): [95.5, 95.5]}
    )
    comparison = Comparison({0.0: ("joint", "single_road")}, task="road", metric="max_f1")
    assert found(comparison, runs) == [-0.5, -1.5]
    claims = {"1": PLAN.replication.claims["1"]}  # the same comparison with a margin of 1
    replication = PLAN.replication.model_copy(update={"claims": claims})
    plan = PLAN.model_copy(update={"replication": replication})
    (row,) = comparisons_table(plan, observed(runs)).to_dict("records")
    assert (row["difference"], row["margin"]) == (-1.0, 1.0)
    assert row["p"] == sign_flip_p([0.5, -0.5])


def test_beyond_compares_gains() -> None:
    values = {
        ("joint", "vehicles", "ap_hard"): [20.0],
        ("joint", "vehicles", "ap_easy"): [60.0],
        ("joint_without_rezoom", "vehicles", "ap_hard"): [10.0],
        ("joint_without_rezoom", "vehicles", "ap_easy"): [53.0],
    }
    comparison = Comparison(
        {0.0: ("joint", "joint_without_rezoom")},
        task="vehicles",
        metric="ap_hard",
        beyond="ap_easy",
    )
    assert found(comparison, runs_table(values)) == [3.0]
    shares = {(run, task, metric): [10.0, v[0]] for (run, task, metric), v in values.items()}
    relative = dataclasses.replace(comparison, beyond=None, relative=True)
    # Of 10 and 10 on average 10: 0 and 10 points are 0 and 100 %.
    assert found(relative, runs_table(shares)) == [0.0, 100.0]
    without = runs_table({k: v for k, v in values.items() if k[0] == "joint"})
    assert differences(comparison, observed(without)) is None


def costs_table(joint: list[float]) -> pd.DataFrame:
    """Latency of the joint run as given per seed; the three networks it replaces take 30 ms."""
    rows = [
        {"replication": "multinet", "run": "joint", "role": "multi", "seed": seed}
        | {"latency_ms": ms, "latency_separate_ms": 30.0}
        for seed, ms in enumerate(joint)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("joint", "verdict"),
    [([12.0, 18.0], "reproduced"), ([19.0, 20.0], "contradicted"), ([12.0, 20.0], "undecided")],
)
def test_a_claim_of_cost_holds_where_every_seed_saves_enough(
    joint: list[float], verdict: str, tmp_path: Path
) -> None:
    costs = costs_table(joint)
    claim = PLAN.replication.claims["4"]
    replication = PLAN.replication.model_copy(update={"claims": {"4": claim}})
    plan = PLAN.model_copy(update={"replication": replication})
    saved = savings(plan, claim.cheaper[0], costs)
    assert saved == pytest.approx([100 * (1 - ms / 30) for ms in joint])
    runs = runs_table({("joint", "road", "max_f1"): [0.0]})
    table = claims_table(plan, observed(runs), costs, tmp_path)
    assert table.loc[0, "verdict"] == verdict


def test_a_claim_is_of_one_kind() -> None:
    sentence = {"reproduced": "a", "contradicted": "b", "undecided": "c"}
    with pytest.raises(ValueError, match="just one of"):
        Claim.model_validate(
            {
                "title": "x",
                "sentence": sentence,
                "cheaper": [Saving(run="joint", cost="flops")],
                "better": [Better(run="joint", against="a", task="road", metric="ap")],
            }
        )

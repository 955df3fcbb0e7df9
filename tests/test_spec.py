"""A mistake in a specification is refused before anything runs, and named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

import replications
from benchmarks.budget import steps
from conftest import ROOT, Edit
from replications.core import spec
from replications.core.errors import StudyError
from replications.core.spec import reading
from replications.uncertainty.instances.options import InstancesOptions


@pytest.fixture
def refused(planned: Callable[[Edit], spec.Plan]) -> Callable[[Edit], str]:
    """The message with which an edited replication.yaml is refused."""

    def message(edit: Edit) -> str:
        with pytest.raises(StudyError) as error:
            planned(edit)
        text = str(error.value)
        assert "replications/uncertainty/replication.yaml" in text
        return text

    return message


def test_every_study_of_every_replication_is_valid() -> None:
    for name in spec.replication_names():
        for study in spec.load_replication(name).studies:
            plan = spec.load_plan(name, study)
            assert {run.role for run in plan.runs.values()} == {"single", "multi"}


def test_the_gpu_study_has_few_enough_steps() -> None:
    """45 minutes at 18 ms a step."""
    plans = spec.load_study({"study": "gpu", "families": "kcc"}).plans.values()
    assert len(plans) == 5
    assert {plan.seeds for plan in plans} == {10}
    assert sum(steps(plan) for plan in plans) <= 150_000


@pytest.mark.parametrize(
    ("name", "images", "epochs"),
    [
        ("multinet", 480, 100),
        ("uncertainty", 480, 134),
        ("mti_net", 480, 100),
        ("nash_mtl", 480, 200),
        ("nash_qm9", 110_831, 300),
    ],
)
def test_the_full_study_has_the_epochs_of_the_paper(name: str, images: int, epochs: int) -> None:
    settings = spec.load_plan(name, "full").settings
    assert settings.steps == epochs * (images // settings.batch_size)


def test_unknown_key(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["settings"]["optimizer"].update(learning_rate=1))
    assert "optimizer.learning_rate: unknown key" in text
    assert "allowed: name, lr, momentum" in text


def test_unknown_key_in_a_study(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["studies"]["quick"].update(seed=3))
    assert "studies.quick.seed: unknown key" in text


def test_unknown_task_of_a_run(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["runs"]["equal"]["tasks"].append("normal"))
    assert "runs.equal.tasks: unknown task 'normal'" in text
    assert "semseg, instances, depth" in text


def test_unknown_task_of_the_settings(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["settings"]["tasks"].update(dept={}))
    assert "unknown task 'dept'" in text


def test_unknown_run(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["studies"]["quick"]["runs"].append("equals"))
    assert "unknown run 'equals'" in text
    assert "known: single_semseg" in text


def test_unknown_metrics(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["claims"]["1"]["better"][0].update(metric="miuo"))
    assert "claims.1: unknown metric 'semseg.miuo'; known: " in text
    assert "semseg.miou" in text.partition("known: ")[2]
    text = refused(lambda c: c["headline"].update(depth="rsme"))
    assert "headline: unknown metric 'depth.rsme'" in text
    text = refused(lambda c: c["columns"].append("semseg.iou"))
    assert "columns: unknown metric 'semseg.iou'" in text
    text = refused(lambda c: c.update(averaged={"depth": ["rsme"]}))
    assert "averaged: unknown metric 'depth.rsme'" in text


def test_comparisons_of_delta_m(refused: Callable[[Edit], str]) -> None:
    delta_m = {"run": "single", "against": "equal", "task": "all", "metric": "delta_m_per_metric"}
    text = refused(lambda c: c["claims"]["1"].update(better=[delta_m | {"metric": "delta_m"}]))
    assert "unknown metric 'all.delta_m'" in text
    text = refused(lambda c: c["claims"]["1"].update(better=[delta_m | {"against": "single"}]))
    assert "compares 'single' with itself" in text
    on_a_task = delta_m | {"task": "semseg", "metric": "miou"}
    text = refused(lambda c: c["claims"]["1"].update(better=[on_a_task]))
    assert "claims.1: unknown run 'single'" in text


def test_delta_m_relative_to_other_single_task_runs_is_not_compared(
    refused: Callable[[Edit], str],
) -> None:
    wide: dict[str, Any] = {"model": {"width": 3}}
    compared = {"run": "wide", "against": "equal", "task": "all", "metric": "delta_m_per_metric"}

    def edit(content: dict[str, Any]) -> None:
        runs = content["runs"]
        runs |= {"wide": runs["equal"] | wide, "wide_depth": runs["single_depth"] | wide}
        content["studies"]["quick"]["runs"] += ["wide", "wide_depth"]
        content["claims"]["1"]["better"] = [compared]

    text = refused(edit)
    assert "claims.1: delta_m of 'wide' and 'equal' is relative to other single-task runs" in text
    assert "wide_depth" in text


def test_a_run_may_name_the_single_task_run_it_is_compared_with(
    planned: Callable[[Edit], spec.Plan], refused: Callable[[Edit], str]
) -> None:
    def edit(content: dict[str, Any]) -> None:
        runs = content["runs"]
        runs["wide_depth"] = runs["single_depth"] | {"model": {"width": 3}}
        runs["equal"]["matched"] = {"depth": "wide_depth"}
        content["studies"]["quick"]["runs"].append("wide_depth")

    plan = planned(edit)
    tasks = ("semseg", "depth")
    assert [plan.single_of(t, "equal") for t in tasks] == ["single_semseg", "wide_depth"]
    assert plan.single_of("depth", "uncertainty") == "single_depth"
    text = refused(lambda c: c["runs"]["equal"].update(matched={"depth": "single_semseg"}))
    assert "its matched single_semseg does not train 'depth' alone" in text
    assert "unknown run" in refused(lambda c: c["runs"]["equal"].update(matched={"depth": "one"}))


def test_incomplete_claims(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["claims"]["1"]["sentence"].update(undecidable="."))
    assert "claims.1.sentence.undecidable" in text
    assert "should be 'reproduced', 'partly', 'mixed', 'contradicted' or 'undecided'" in text
    text = refused(lambda c: c["claims"]["4"]["agree"].pop("margin"))
    assert "claims.4.agree.margin: Field required" in text


def test_tasks_that_are_no_mapping(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["settings"].update(tasks=["semseg", "instances", "depth"]))
    assert "settings.tasks must map each task to its options" in text
    text = refused(lambda c: c["studies"]["quick"]["settings"].update(tasks=["semseg"]))
    assert "tasks: Input should be a valid dictionary" in text


def test_unknown_task_of_a_study(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["studies"]["quick"].update(tasks=["semseg", "deph"]))
    assert "studies.quick.tasks: unknown task 'deph'" in text


def test_a_study_of_fewer_tasks() -> None:
    plan = spec.load_plan("nash_qm9", "quick")
    assert plan.runs["nash"].tasks == ["mu", "lumo", "r2", "u0"]
    assert "single_cv" not in plan.runs
    assert len(spec.load_plan("nash_qm9", "full").runs["nash"].tasks) == 11


def test_settings_that_do_not_fit_the_dataset(refused: Callable[[Edit], str]) -> None:
    def data(**options: object) -> Edit:
        return lambda c: c["studies"]["quick"]["settings"].update(data=options)

    text = refused(data(size=[100, 10, 10]))
    assert "data: size: Tuple should have at most 2 items" in text
    assert "found: {'name': 'streets', 'size': [100, 10, 10]}" in text
    text = refused(data(size=[1]))
    assert "data: size: 1: Field required" in text
    text = refused(lambda c: c["settings"].update(data={"name": "qm9"}))
    assert "data: molecules: Field required; size: unknown key; allowed: name, molecules" in text
    text = refused(lambda c: c["settings"]["data"].update(name="street"))
    assert "data: unknown dataset 'street'; known: census_income, camvid, " in text
    assert "did you mean 'streets'?" in text

    def molecules(content: dict[str, Any], **others: object) -> None:
        content["settings"]["data"] = {"name": "qm9", **others}
        content["studies"]["quick"]["settings"]["data"] = {"molecules": [40, 10, 10]}

    text = refused(lambda c: molecules(c, flip=False))
    assert "data: flip: unknown key; allowed: name, molecules" in text
    text = refused(molecules)
    assert "task 'semseg' needs semseg, which dataset qm9 does not have; it has: mu, alpha" in text


def test_a_reference_outside_the_study(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c.update(reference="initial_5"))
    assert "'initial_5', the reference, is not among them" in text


def test_wrong_type(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["settings"].update(batch_size="many"))
    assert "batch_size: Input should be a valid integer" in text
    assert "found: 'many'" in text


def test_impossible_value(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["studies"]["quick"]["settings"].update(steps=0))
    assert "steps: Input should be greater than or equal to 1 (found: 0)" in text


def test_unknown_weighting_names_what_is_allowed(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["runs"]["uncertainty"].update(weighting="uncertainly"))
    assert "'uncertainly'" in text
    known = text.partition("known: ")[2].partition("; did you mean")[0].split(", ")
    assert known[:4] == ["equal", "libmtl", "scale_invariant", "nash"]
    assert known[-1] == "uncertainty"
    assert "; did you mean 'uncertainty'?" in text


def test_unknown_model_option(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["settings"]["model"].update(depth=5))
    assert "settings.model: depth: unknown key" in text


def test_multi_task_run_without_its_single_task_run(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["studies"]["quick"]["runs"].remove("single_depth"))
    assert "no run trains 'depth' alone" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"runs: [", "not valid YAML"),
        ("title: 논문".encode("euc-kr"), r"uncertainty/replication\.yaml: not UTF-8: .* at byte 7"),
        (b"[" * 1000 + b"]" * 1000, "Input should be a valid dictionary"),
        (b"other: " + b"[" * 1000 + b"]" * 1000, "other: unknown key"),
        (b"title: 2026-13-45", "not valid YAML: month must be in 1..12"),
        (b"order: " + b"9" * 5000, "not valid YAML: Exceeds the limit"),
        (b"title: a\ntitle: b", r"the key 'title' is there twice\n.*line 2, column 1"),
        (b"settings: {steps: 1, steps: 2}", "the key 'steps' is there twice"),
    ],
    ids=[
        "open",
        "encoding",
        "deep",
        "deep within",
        "date",
        "integer",
        "twice",
        "twice within",
    ],
)
def test_broken_yaml(
    content: bytes,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: Callable[[Edit], str],
) -> None:
    path = tmp_path / "replications" / "uncertainty" / "replication.yaml"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=f"(?s){message}"):
        spec.load_plan("uncertainty", "quick")


def test_what_lies_under_a_mapping_may_be_overlaid(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\nc: {<<: *a, x: 4}\n")
    assert reading.read_yaml(path)["b"] == {"x": 3, "y": 2}
    assert reading.read_yaml(path)["c"] == {"x": 4, "y": 2}


@pytest.mark.parametrize("name", ["a b", "단독", "../esc", "$(touch here)", "Equal"])
def test_a_name_is_small_letters_digits_and_underscores(
    name: str, refused: Callable[[Edit], str]
) -> None:
    for where in ("runs", "studies", "experiments", "figures"):

        def named(content: dict[str, Any], where: str = where) -> None:
            content.setdefault(where, {})[name] = {}

        assert f"'{name}' is no name: small letters, digits and _" in refused(named), where
    assert "is no name" in refused(lambda c: c.update(family=name))


def test_a_study_cannot_be_called_what_lies_beside_the_studies(
    refused: Callable[[Edit], str],
) -> None:
    text = refused(lambda c: c["studies"].update(published={"seeds": 1}))
    assert "no study can be called 'published'" in text


def test_an_infinite_number_is_refused(refused: Callable[[Edit], str]) -> None:
    infinite = float("inf")
    assert "finite number" in refused(lambda c: c["settings"].update(clip_grad_norm=infinite))
    assert "finite number" in refused(lambda c: c["settings"]["data"].update(zoom=[infinite]))
    far = {"form": "inverse", "baseline": infinite}
    assert "finite number" in refused(lambda c: c["settings"]["tasks"].update(depth=far))


def test_unknown_study_and_configuration() -> None:
    with pytest.raises(StudyError, match=r"no study 'fast'.*quick, cpu, gpu, full"):
        spec.load_plan("uncertainty", "fast")
    with pytest.raises(StudyError, match=r"config/config.yaml: studie: unknown key"):
        spec.load_study({"study": "quick", "studie": "full"})
    with pytest.raises(StudyError, match="no replication 'kendall'"):
        spec.load_study({"study": "quick", "replications": ["kendall"]})
    with pytest.raises(StudyError, match="no family kdd; there are: domains, kcc"):
        spec.load_study({"study": "quick", "families": ["kcc", "kdd"]})


def test_a_task_of_other_runs_does_not_retrain() -> None:
    plan = spec.load_plan("uncertainty", "gpu")
    tasks = plan.settings.tasks | {"instances": InstancesOptions(radius=3.0, min_pixels=8)}
    changed = plan.model_copy(
        update={"settings": plan.settings.model_copy(update={"tasks": tasks})}
    )
    for run, same in (("single_semseg", True), ("single_instances", False), ("equal", False)):
        assert (changed.run_fingerprint(run) == plan.run_fingerprint(run)) is same


def test_a_dataset_is_prepared_in_one_way_whoever_asks_for_it() -> None:
    """Two replications that augment differently share the prepared arrays."""
    plain, zooming = (spec.load_plan(name, "cpu").data for name in ("nash_mtl", "mti_net"))
    assert plain.model_dump() != zooming.model_dump()
    assert plain.folder == zooming.folder
    assert plain.prepared_with == zooming.prepared_with
    split = spec.load_plan("multinet_camvid", "camvid").data.model_copy(update={"split": "segnet"})
    assert split.prepared_with["split"] == "segnet"


def test_titles_do_not_retrain_and_settings_do() -> None:
    plan = spec.load_plan("uncertainty", "gpu")
    other = plan.runs["equal"].model_copy(update={"title": "other"})
    renamed = plan.model_copy(update={"runs": plan.runs | {"equal": other}})
    assert renamed.run_fingerprint("equal") == plan.run_fingerprint("equal")
    longer = plan.settings.model_copy(update={"steps": plan.settings.steps + 1})
    changed = plan.model_copy(update={"settings": longer})
    assert changed.run_fingerprint("equal") != plan.run_fingerprint("equal")


def test_a_study_like_another(refused: Callable[[Edit], str]) -> None:
    quick, cpu = (spec.load_plan("uncertainty", study) for study in ("quick", "cpu"))
    same = {"steps": quick.settings.steps, "validations": quick.settings.validations}
    assert cpu.settings.model_copy(update=same) == quick.settings
    assert set(quick.runs) < set(cpu.runs)
    assert cpu.seeds > quick.seeds
    message = refused(lambda spec: spec["studies"]["cpu"].update(like="cpu"))
    assert "studies.cpu.like" in message


def test_unknown_experiment(refused: Callable[[Edit], str]) -> None:
    message = refused(lambda spec: spec["studies"]["quick"].update(experiments={"toyy": {}}))
    assert "studies.quick.experiments: unknown experiment 'toyy'; known: none" in message


@pytest.mark.parametrize("key", ["part_of", "again"])
def test_a_named_replication_that_is_unknown(refused: Callable[[Edit], str], key: str) -> None:
    message = refused(lambda spec: spec.update({key: "uncertanty"}))
    assert f"{key}: no replication 'uncertanty'; there are: uncertainty" in message


def test_a_replication_that_asks_nothing_again(refused: Callable[[Edit], str]) -> None:
    message = refused(lambda spec: spec.update(again="uncertainty", claims={}))
    assert "again: uncertainty has none of its claims" in message


def test_two_options_with_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two copies of a folder, neither of which can tell which of them a specification means."""
    folder = tmp_path / "replications"
    for copy in ("first_copy", "second_copy"):
        source = ROOT / "replications" / "uncertainty"
        shutil.copytree(source, folder / copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(reading, "REPLICATIONS", folder)
    monkeypatch.setattr(replications, "__path__", [*replications.__path__, str(folder)])
    afresh: Any = spec.declared.__wrapped__
    for kind, name, part in (
        (spec.TaskOptions, "instances", "instances"),
        (spec.WeightingOptions, "uncertainty", "objective"),
    ):
        with pytest.raises(StudyError) as error:
            afresh(kind)
        assert str(error.value) == (
            f"'{name}' is declared twice, in replications.first_copy.{part}.options and "
            f"replications.second_copy.{part}.options; rename one of them"
        )


def test_one_statement_about_several_runs_and_all_tasks(
    planned: Callable[[Edit], spec.Plan],
) -> None:
    rivals = ["equal", "uncertainty_libmtl"]
    better = {"run": "uncertainty", "against": rivals, "tasks": "all", "margin": 0.5}
    plan = planned(lambda c: c["claims"]["1"].update(better=better))
    assert plan.comparisons(plan.replication.claims["1"]) == [
        spec.Comparison({0.0: ("uncertainty", rival)}, task, metric, margin=0.5)
        for rival in rivals
        for task, metric in plan.replication.headline.items()
    ]
    assert len(plan.replication.headline) == 3


def test_a_claim_without_sentences_says_something_of_every_verdict(
    planned: Callable[[Edit], spec.Plan],
) -> None:
    def edit(content: dict[str, Any]) -> None:
        del content["claims"]["1"]["sentence"]
        del content["claims"]["2"]["sentence"]["undecided"]
        content["claims"]["2"]["korean"] = "불확실성 가중이 더 낫다"

    claims = planned(edit).replication.claims
    said = [claims["1"].said(verdict) for verdict in get_args(spec.Verdict)]
    assert len(set(said)) == len(get_args(spec.Verdict))
    assert all(str(claims["1"].korean) in sentence for sentence in said)
    assert claims["2"].said("reproduced") == claims["2"].sentence["reproduced"]
    assert claims["2"].said("undecided").startswith("‘불확실성 가중이 더 낫다’라는 주장은")


def test_a_run_and_its_single_task_partners_along_an_axis(
    planned: Callable[[Edit], spec.Plan],
) -> None:
    """The settings have 160 steps: at those the run itself is the variant."""
    plan = planned(lambda c: c["runs"]["semseg_depth"].update(over={"steps": [640, 160, 80]}))
    along = {
        80.0: "semseg_depth@steps=80",
        160.0: "semseg_depth",
        640.0: "semseg_depth@steps=640",
    }
    assert plan.along("semseg_depth", "steps") == along
    assert list(plan.along("semseg_depth", "steps")) == [80.0, 160.0, 640.0]
    laid_out = {spec.base_of(run) for run in plan.runs if plan.runs[run].axis}
    assert laid_out == {"semseg_depth", "single_semseg", "single_depth"}
    assert not any("steps=160" in run for run in plan.runs)
    assert plan.axes_of("semseg_depth@steps=80") == {"steps": 80}
    assert plan.axes_of("single_depth") == {"steps": 160}
    assert plan.axes_of("equal") == {}
    assert plan.along("equal", "steps") == {0.0: "equal"}
    assert plan.settings_of("single_depth@steps=640").steps == 640
    assert plan.settings_of("single_depth").steps == 160
    assert plan.single_of("depth", "semseg_depth@steps=80") == "single_depth@steps=80"
    assert plan.single_of("depth", "semseg_depth") == "single_depth"
    fingerprints = {plan.run_fingerprint(run) for run in along.values()}
    assert len(fingerprints) == 3
    assert plan.run_fingerprint("semseg_depth") == (
        planned(lambda c: None).run_fingerprint("semseg_depth")
    )


def test_the_reference_run_along_one_axis_at_a_time(
    planned: Callable[[Edit], spec.Plan],
) -> None:
    """With its single-task runs, and no combination of the axes."""
    each = {"train_fraction": {"values": [0.25, 0.5]}, "model.width": {"values": [8]}}
    plan = planned(lambda c: c["studies"]["quick"].update(each=each))
    laid_out = {run: plan.runs[run].axis for run in plan.runs if plan.runs[run].axis}
    bases = {spec.base_of(run) for run in laid_out}
    assert bases == {"uncertainty", "single_semseg", "single_instances", "single_depth"}
    axes = [{"train_fraction": 0.25}, {"train_fraction": 0.5}, {"model.width": 8}]
    assert [axis for run, axis in laid_out.items() if spec.base_of(run) == "uncertainty"] == axes
    assert plan.settings_of("uncertainty@train_fraction=0.25").train_fraction == 0.25
    single = plan.single_of("depth", "uncertainty@model.width=8")
    assert single == "single_depth@model.width=8"


def test_an_axis_at_the_budgets_of_the_ladder(planned: Callable[[Edit], spec.Plan]) -> None:
    """A line at each budget, whole where the axis is as in the settings; a claim on the slope."""

    def edit(content: dict[str, Any]) -> None:
        along = {"values": [0.25, 0.5], "steps": [40, 80]}
        content["studies"]["quick"].update(ladder=[40, 80], each={"train_fraction": along})
        falls = {"run": "single", "against": "uncertainty", "slope": "train_fraction"}
        falls |= {"task": "all", "metric": "delta_m_per_task_primary"}
        content["claims"] = {"L": {"title": "less", "korean": "적다", "better": falls}}

    plan = planned(edit)
    line = {
        0.25: "uncertainty@steps=80,train_fraction=0.25",
        0.5: "uncertainty@steps=80,train_fraction=0.5",
        1.0: "uncertainty@steps=80",
    }
    assert plan.along("uncertainty", "train_fraction") == line
    assert list(plan.along("uncertainty", "steps")) == [40.0, 80.0, 160.0]
    assert plan.single_of("depth", line[0.25]) == "single_depth@steps=80,train_fraction=0.25"
    (comparison,) = plan.comparisons(plan.replication.claims["L"])
    assert comparison.pairs == {value: ("single", run) for value, run in line.items()}
    assert comparison.runs == set(line.values())


def test_a_ladder_must_rise(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["studies"]["quick"].update(ladder=[80, 40]))
    assert "studies.quick.ladder must rise: [80, 40]" in text


def test_every_run_along_the_axes_of_a_study(planned: Callable[[Edit], spec.Plan]) -> None:
    """Two axes are crossed."""
    over = {"optimizer.lr": [0.04, 0.01], "model.width": [8]}
    plan = planned(lambda c: c["studies"]["quick"].update(over=over))
    assert [run.removeprefix("equal") for run in plan.runs if spec.base_of(run) == "equal"] == [
        "",
        "@model.width=8",
        "@optimizer.lr=0.01",
        "@model.width=8,optimizer.lr=0.01",
    ]
    for run in plan.runs:
        axes = plan.axes_of(run)
        assert plan.settings_of(run).optimizer.lr == axes["optimizer.lr"]
        assert plan.model_of(run).model_dump()["width"] == axes["model.width"]
    assert plan.along("equal", "model.width") == {8.0: "equal@model.width=8", 12.0: "equal"}


def test_unknown_axis(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["runs"]["equal"].update(over={"optimizer.rl": [0.1]}))
    assert "over, in studies.quick or runs: 'optimizer.rl' is no number of the settings" in text
    text = refused(lambda c: c["studies"]["quick"].update(over={"optimizer.name": [1]}))
    assert "'optimizer.name' is no number of the settings (found: 'sgd')" in text
    text = refused(lambda c: c["runs"]["equal"].update(over={"steps": [0]}))
    assert "(steps=0)': steps: Input should be greater than or equal to 1" in text


def test_unknown_condition(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["settings"].update(at={"snr_db": [0, 10]}))
    assert "settings.at: neither the dataset nor the model knows snr_db; they know: none" in text


def test_needed_runs(planned: Callable[[Edit], spec.Plan], refused: Callable[[Edit], str]) -> None:
    def needs(**needed: str) -> Edit:
        return lambda c: [c["runs"][run].update(needs={"t": of}) for run, of in needed.items()]

    plan = planned(needs(equal="uncertainty"))
    assert plan.runs["equal"].needs == {"t": "uncertainty"}
    text = refused(needs(equal="teacher"))
    assert "runs.equal.needs: unknown run 'teacher'; known: single_semseg" in text
    text = refused(needs(equal="initial_5"))
    assert "studies.quick.runs: 'equal' needs 'initial_5'; add that run" in text
    text = refused(needs(equal="equal"))
    assert "studies.quick.runs: 'equal' needs itself" in text
    text = refused(needs(equal="uncertainty", uncertainty="semseg_depth", semseg_depth="equal"))
    assert "'equal' needs itself, by way of equal, uncertainty, semseg_depth" in text
    text = refused(
        needs(equal="uncertainty", uncertainty="semseg_depth", semseg_depth="uncertainty")
    )
    assert "'uncertainty' needs itself" in text


def test_a_needed_run_is_part_of_what_a_run_is_trained_with(
    planned: Callable[[Edit], spec.Plan],
) -> None:
    """At the same axis values where it is laid out, else as it is."""

    def edit(content: dict[str, Any]) -> None:
        content["runs"]["equal"] |= {"over": {"steps": [80]}}
        content["runs"]["equal"] |= {"needs": {"teacher": "single_semseg", "friend": "uncertainty"}}

    plan = planned(edit)
    assert plan.runs["equal@steps=80"].needs == {
        "teacher": "single_semseg@steps=80",
        "friend": "uncertainty",
    }
    runs = plan.runs | {
        "uncertainty": plan.runs["uncertainty"].model_copy(update={"rounds": 2}),
    }
    changed = plan.model_copy(update={"runs": runs})
    for run, same in (("single_semseg", True), ("equal", False), ("equal@steps=80", False)):
        assert (changed.run_fingerprint(run) == plan.run_fingerprint(run)) is same


def test_an_axis_that_a_run_overrides_is_refused(refused: Callable[[Edit], str]) -> None:
    """Its values would be in the tables and not in the training."""

    def width(content: dict[str, Any]) -> None:
        content["runs"]["equal"] |= {"model": {"width": 32}, "over": {"model.width": [8]}}

    def rate(content: dict[str, Any]) -> None:
        phase = {"optimizer": {"name": "sgd", "lr": 0.01}}
        content["runs"]["equal"] |= {"phases": [phase], "over": {"optimizer.lr": [0.1]}}

    assert "'model.width' has no effect on '균등 가중" in refused(width)
    assert "'optimizer.lr' has no effect on '균등 가중" in refused(rate)


def test_delta_m_along_an_axis_is_compared_with_that_of_the_single_task_runs(
    planned: Callable[[Edit], spec.Plan],
) -> None:
    """Which is 0 at every value."""

    def edit(content: dict[str, Any]) -> None:
        content["runs"]["equal"] |= {"over": {"steps": [80]}}
        statement = {"run": "equal", "against": "single", "task": "all", "over": "every"}
        statement |= {"metric": "delta_m_per_metric"}
        content["claims"] = {"1": {"title": "It pays", "better": statement}}

    plan = planned(edit)
    found = plan.comparisons(plan.replication.claims["1"])
    assert [(c.run, c.against) for c in found] == [
        ("equal", "single"),
        ("equal@steps=80", "single"),
    ]
    assert all(c.runs <= set(plan.runs) for c in found)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ({"task": "dept"}, "claims.1: unknown task 'dept'"),
        ({"tasks": ["semseg"], "metric": "nonsense"}, "unknown metric 'semseg.nonsense'"),
        ({"task": "all"}, "task: all needs a metric"),
        ({"task": "semseg", "over": {"width": 8}}, "claims.1: unknown axis 'width'"),
        ({"task": "semseg", "slope": "steps"}, "claims.1: unknown axis 'steps'"),
        ({"task": "semseg", "at": {"snr_db": 5}}, "claims.1: unknown condition 'snr_db'"),
    ],
)
def test_what_a_claim_names_exists(
    refused: Callable[[Edit], str], statement: dict[str, Any], message: str
) -> None:
    def edit(content: dict[str, Any]) -> None:
        better = {"run": "uncertainty", "against": "equal"} | statement
        content["claims"] = {"1": {"title": "", "better": better}}

    assert message in refused(edit)


def test_of_all_tasks_a_single_task_run_is_compared_on_its_own(
    planned: Callable[[Edit], spec.Plan], refused: Callable[[Edit], str]
) -> None:
    def edit(content: dict[str, Any], **statement: Any) -> None:
        singles = ["single_semseg", "single_instances", "single_depth"]
        better = {"run": "equal", "against": singles, "tasks": "all"} | statement
        content["claims"] = {"1": {"title": "It pays", "better": better}}

    plan = planned(edit)
    found = plan.comparisons(plan.replication.claims["1"])
    assert [(c.against, c.task) for c in found] == [
        ("single_semseg", "semseg"),
        ("single_instances", "instances"),
        ("single_depth", "depth"),
    ]
    text = refused(lambda content: edit(content, tasks=["semseg", "depth"]))
    assert "claims.1: run 'single_semseg' does not have task 'depth'" in text


def test_names_of_runs_are_names_of_folders(refused: Callable[[Edit], str]) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["runs"]["MTAN"] = content["runs"]["equal"]

    assert "runs.MTAN" in refused(edit)


def test_a_teacher_is_the_one_at_the_same_values(planned: Callable[[Edit], spec.Plan]) -> None:
    """As far as the teacher is laid out: over the steps and not over the width."""

    def edit(content: dict[str, Any]) -> None:
        content["runs"]["uncertainty"] |= {"over": {"steps": [80]}}
        over = {"steps": [80], "model.width": [8]}
        content["runs"]["equal"] |= {"over": over, "needs": {"teacher": "uncertainty"}}

    plan = planned(edit)
    teachers = {run: plan.runs[run].needs["teacher"] for run in plan.runs if run[:5] == "equal"}
    assert teachers == {
        "equal": "uncertainty",
        "equal@steps=80": "uncertainty@steps=80",
        "equal@model.width=8": "uncertainty",
        "equal@model.width=8,steps=80": "uncertainty@steps=80",
    }


@pytest.mark.parametrize("name", [[], [1], {"x": 1}, 3, None])
def test_a_name_that_is_no_name_is_refused(name: object, refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["settings"]["data"].update(name=name))
    assert "unknown dataset" in text

"""A mistake in a specification is refused before anything runs, and named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from replications.core import spec
from replications.core.errors import StudyError
from replications.core.spec import reading
from tests.conftest import ROOT

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Edit], str]:
    """The message with which an edited replication.yaml is refused."""
    folder = tmp_path / "replications" / "uncertainty"
    folder.mkdir(parents=True)
    original = ROOT / "replications" / "uncertainty" / "replication.yaml"
    shutil.copy(original, folder)
    monkeypatch.setattr(reading, "REPLICATIONS", folder.parent)

    def message(edit: Edit) -> str:
        content = yaml.safe_load(original.read_text(encoding="utf-8"))
        edit(content)
        (folder / "replication.yaml").write_text(
            yaml.safe_dump(content, sort_keys=False), encoding="utf-8"
        )
        with pytest.raises(StudyError) as error:
            spec.load_plan("uncertainty", "quick")
        text = str(error.value)
        assert "replications/uncertainty/replication.yaml" in text
        return text

    return message


def test_every_study_of_every_replication_is_valid() -> None:
    for name in spec.replication_names():
        for study in spec.load_replication(name).studies:
            plan = spec.load_plan(name, study)
            assert {run.role for run in plan.runs.values()} == {"single", "multi"}


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
    assert "claims.1.better: unknown metric 'semseg.miuo'; known: semseg.miou" in text
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


def test_incomplete_claims(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["claims"]["1"]["sentence"].pop("undecided"))
    assert "claims.1: sentence lacks undecided" in text
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
    text = refused(lambda c: c["studies"]["quick"]["settings"].update(size=[100, 10, 10]))
    assert "settings.size: streets needs 2 numbers (H, W), found [" in text
    text = refused(lambda c: c["studies"]["quick"]["settings"].update(size=[1, 2, 3, 4]))
    assert "size: Tuple should have at most 3 items" in text
    text = refused(lambda c: c.update(dataset="qm9"))
    assert "settings.size: qm9 needs 3 numbers (train, val, test)" in text

    def molecules(content: dict[str, Any]) -> None:
        content["dataset"] = "qm9"
        content["studies"]["quick"]["settings"]["size"] = [40, 10, 10]

    assert "settings.augmentation: qm9 has no pictures to augment" in refused(molecules)


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
    assert "'equal', 'uncertainty', 'scale_invariant', 'nash'" in text


def test_unknown_model_option(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["settings"]["model"].update(depth=5))
    assert "settings.model: depth: unknown key" in text


def test_multi_task_run_without_its_single_task_run(refused: Callable[[Edit], str]) -> None:
    text = refused(lambda c: c["studies"]["quick"]["runs"].remove("single_depth"))
    assert "no run trains 'depth' alone" in text


def test_broken_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[[Edit], str]
) -> None:
    path = tmp_path / "replications" / "uncertainty" / "replication.yaml"
    path.write_text("runs: [", encoding="utf-8")
    with pytest.raises(StudyError, match="not valid YAML"):
        spec.load_plan("uncertainty", "quick")


def test_unknown_study_and_configuration() -> None:
    with pytest.raises(StudyError, match=r"no study 'fast'.*quick, cpu, full"):
        spec.load_plan("uncertainty", "fast")
    with pytest.raises(StudyError, match=r"config/config.yaml: studie: unknown key"):
        spec.load_plans({"study": "quick", "studie": "full"})
    with pytest.raises(StudyError, match="no replication 'kendall'"):
        spec.load_plans({"study": "quick", "replications": ["kendall"]})


def test_a_task_of_other_runs_does_not_retrain() -> None:
    plan = spec.load_plan("uncertainty", "quick")
    tasks = plan.settings.tasks | {"instances": {"radius": 3.0, "min_pixels": 8}}
    changed = plan.model_copy(
        update={"settings": plan.settings.model_copy(update={"tasks": tasks})}
    )
    for run, same in (("single_semseg", True), ("single_instances", False), ("equal", False)):
        assert (changed.run_fingerprint(run) == plan.run_fingerprint(run)) is same


def test_titles_do_not_retrain_and_settings_do() -> None:
    plan = spec.load_plan("uncertainty", "quick")
    renamed = plan.model_copy(
        update={"runs": {"equal": plan.runs["equal"].model_copy(update={"title": "other"})}}
    )
    assert renamed.run_fingerprint("equal") == plan.run_fingerprint("equal")
    longer = plan.settings.model_copy(update={"steps": plan.settings.steps + 1})
    changed = plan.model_copy(update={"settings": longer})
    assert changed.run_fingerprint("equal") != plan.run_fingerprint("equal")


def test_a_study_like_another(refused: Callable[[Edit], str]) -> None:
    quick, cpu = (spec.load_plan("uncertainty", study) for study in ("quick", "cpu"))
    assert cpu.settings == quick.settings
    assert cpu.runs == quick.runs
    assert cpu.seeds > quick.seeds
    message = refused(lambda spec: spec["studies"]["cpu"].update(like="cpu"))
    assert "studies.cpu.like" in message


def test_unknown_experiment(refused: Callable[[Edit], str]) -> None:
    message = refused(lambda spec: spec["studies"]["quick"].update(experiments={"toyy": {}}))
    assert "studies.quick.experiments: unknown experiment 'toyy'; known: none" in message


def test_part_of_an_unknown_replication(refused: Callable[[Edit], str]) -> None:
    message = refused(lambda spec: spec.update(part_of="uncertanty"))
    assert "part_of: no replication 'uncertanty'; there are: uncertainty" in message

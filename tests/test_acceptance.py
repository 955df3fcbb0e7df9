"""The house takes a system that has everything of its own as one new folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from conftest import ROOT, copy_project

HASHES = """
import json
from replications.core.spec import load_study, origin
plans = load_study({"study": "micro", "families": "kcc"}).plans
print(json.dumps({
    f"{name}/{run}": origin.of_run(plan, run, 1, "cpu")
    for name, plan in plans.items() if name != "words" for run in plan.runs
}))
"""
TABLES = "results/micro/words/runs.csv"


def hashes(project: Path) -> dict[str, object]:
    """What every run of the replications of the house is made from."""
    command = [sys.executable, "-c", HASHES]
    done = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, all of it committed, and the folder that is new to it."""
    folder = copy_project(tmp_path_factory.mktemp("acceptance") / "project")
    shutil.copy(ROOT / ".gitignore", folder)
    identity = ["-c", "user.name=test", "-c", "user.email=test"]
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    commit = ["git", *identity, "commit", "--quiet", "--message", "Test"]
    subprocess.run(commit, cwd=folder, check=True)
    before = hashes(folder)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tests" / "words", folder / "replications" / "words", ignore=ignore)
    assert hashes(folder) == before, "a new folder changes what no other replication executes"
    return folder


def snakemake(project: Path, *arguments: str) -> str:
    """Both streams of a call that must succeed."""
    command = ["snakemake", "--cores", "2", *arguments]
    command += ["--config", "study=micro", "device=cpu", "replications=[words]", "families=trial"]
    done = subprocess.run(
        command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def results(project: Path) -> Path:
    """What `snakemake` makes of it."""
    snakemake(project)
    return project / "results" / "micro"


def test_it_builds_to_a_pdf_and_nothing_else_has_changed(project: Path, results: Path) -> None:
    assert (project / "paper" / "trial.pdf").read_bytes().startswith(b"%PDF")
    assert (project / "paper" / "trial-supplement.pdf").read_bytes().startswith(b"%PDF")
    status = ["git", "status", "--porcelain"]
    done = subprocess.run(status, cwd=project, check=True, capture_output=True, text=True)
    assert done.stdout == "?? replications/words/\n"
    assert "Nothing to be done" in snakemake(project)


def test_tables_carry_the_axis_and_the_condition(results: Path) -> None:
    runs = pd.read_csv(results / "words" / "runs.csv").fillna({"axis": "", "condition": ""})
    test = runs[runs["split"] == "test"]
    assert set(test["condition"]) == {"", "erased=0.25", "erased=0.5"}
    of_run = {run: set(own["axis"]) for run, own in test.groupby("run")}
    both = {"steps=12", "steps=48"}
    assert of_run == {
        "joint": both, "single_topic": both, "single_rare": both, "distilled": {""}
    }  # fmt: skip
    delta = pd.read_csv(results / "words" / "delta_m.csv").fillna({"condition": ""})
    assert set(delta["condition"]) == {"", "erased=0.25", "erased=0.5"}
    trained = json.loads((results / "words/joint@steps=48/0/provenance.json").read_text())
    assert trained["definition"]["settings"]["steps"] == 48


def test_erasing_costs_accuracy(results: Path) -> None:
    """The condition reaches the predictions: half of the tokens say less of the topic than all."""
    runs = pd.read_csv(results / "words" / "runs.csv").fillna({"condition": ""})
    chosen = runs[(runs["split"] == "test") & (runs["metric"] == "right")]
    chosen = chosen[(chosen["run"] == "joint") & (chosen["axis"] == "steps=48")]
    means = chosen.groupby("condition")["value"].mean()
    assert means[""] > means["erased=0.5"] > 25


def test_claims_speak_of_every_value_and_of_a_slope(results: Path) -> None:
    comparisons = pd.read_csv(results / "words" / "comparisons.csv", dtype={"claim": str})
    comparisons = comparisons.fillna({"condition": "", "slope": "", "axis": ""})
    first = comparisons[comparisons["claim"] == "1"]
    # The topic at two lengths; the rare tokens at two, as they are and under two conditions.
    assert len(first) == 2 + 2 * 3
    assert set(first["axis"]) == {"steps=12", "steps=48"}
    second = comparisons[comparisons["claim"] == "2"]
    assert list(second["slope"]) == ["steps", "steps"]
    assert (second["difference"] > 0).all(), "longer training is better here"
    claims = pd.read_csv(results / "words" / "claims.csv")
    assert list(claims["verdict"]) == ["undecided", "undecided"]
    numbers = (results / "trial" / "generated" / "numbers.tex").read_text(encoding="utf-8")
    assert "`공동 모델은 얼마나 학습하든 단일 작업 모델보다 낫다'라는 주장은" in numbers


def test_phases_follow_a_teacher_prune_and_cost_what_the_teacher_cost(results: Path) -> None:
    folder = results / "words" / "distilled" / "0"
    history = pd.read_csv(folder / "history.csv")
    follow, train = history[history["step"] <= 4], history[history["step"] > 4]
    assert follow["penalty_teacher"].is_monotonic_decreasing
    assert train["penalty_teacher"].isna().all()
    assert follow["loss_topic"].isna().all()
    assert train["loss_topic"].notna().all()
    assert set(train["lr"]) == {0.01}
    own = json.loads((folder / "cost.json").read_text())["training_s"]
    teacher = json.loads((results / "words/single_topic/0/cost.json").read_text())["training_s"]
    assert own > teacher
    origin = json.loads((folder / "provenance.json").read_text())["origin"]
    weights = json.loads((results / "words/single_topic/0/provenance.json").read_text())["files"]
    assert origin["needs"] == {"teacher": weights["model.pt"]}


def test_another_condition_evaluates_and_does_not_retrain(project: Path, results: Path) -> None:
    run = results / "words" / "joint" / "0"
    before = {name: (run / name).read_bytes() for name in ("model.pt", "history.csv")}
    path = project / "replications" / "words" / "replication.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[0.25, 0.5]", "[0.25, 0.5, 0.75]"), encoding="utf-8")
    snakemake(project, TABLES)
    log = results / "logs" / "train" / "words" / "joint" / "0.log"
    assert "trained before, evaluated anew" in log.read_text(encoding="utf-8")
    runs = pd.read_csv(results / "words" / "runs.csv")
    assert "erased=0.75" in set(runs["condition"])
    assert {name: (run / name).read_bytes() for name in before} == before


def test_a_change_of_the_teacher_retrains_the_student(project: Path, results: Path) -> None:
    shutil.rmtree(results / "words" / "single_topic" / "1")
    planned = snakemake(project, "--dry-run")
    made = re.findall(r"output: results/micro/words/(\S+)/metrics.json", planned)
    assert set(made) == {"single_topic/1", "distilled/1"}
    snakemake(project, TABLES)


def test_a_student_of_another_teacher_is_trained_again(project: Path, results: Path) -> None:
    """The teacher's folder replaced by one with other weights, whatever the time stamps say."""
    path = results / "words" / "single_topic" / "0" / "provenance.json"
    text, times = path.read_text(encoding="utf-8"), path.stat()
    weights = json.loads(text)["files"]["model.pt"]
    path.write_text(text.replace(weights, "0" * 64), encoding="utf-8")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    planned = snakemake(project, "--dry-run")
    made = re.findall(r"output: results/micro/words/(\S+)/metrics.json", planned)
    assert set(made) == {"distilled/0"}
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_laid_out_replication_trains(project: Path, archives: Path) -> None:
    """`make new` makes a folder that trains as it is, and refuses a name that is taken."""
    script = [sys.executable, str(ROOT / "workflow" / "scripts" / "new_replication.py")]
    command = [*script, "my_system"]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    config = ["study=micro", "device=cpu", "replications=[my_system]"]
    target = "results/micro/my_system/joint/0/metrics.json"
    train = ["snakemake", "--cores", "2", target, "--config", *config]
    subprocess.run(train, cwd=project, check=True, capture_output=True)
    assert set(json.loads((project / target).read_text())["test"]) == {"semseg", "depth"}
    for name, reason in (("my_system", "is there already"), ("Cross-Stitch", "small letters")):
        again = [*script, name]
        done = subprocess.run(again, cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert reason in done.stderr

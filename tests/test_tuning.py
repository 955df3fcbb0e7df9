"""Learning rates: chosen on validation, recorded, and taken by the runs they were chosen for."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from conftest import ROOT, copy_project
from replications.core.engine.phases import optimizer_of, stretches
from replications.core.errors import StudyError
from replications.core.evidence.choose import choose
from replications.core.nets.shared_trunk import SharedTrunk
from replications.core.spec import (
    AT_END,
    CHOSEN,
    COLUMNS,
    RATE,
    TUNING,
    Plan,
    chooses,
    load_plan,
    origin,
    reading,
)
from replications.core.spec.tuning import rates
from replications.uncertainty.objective.weighting import Uncertainty

PLAN = load_plan("uncertainty", TUNING)
GRID = sorted({PLAN.settings_of(run).optimizer.lr for run in PLAN.runs})
LOWEST, INNER, *_, HIGHEST = GRID
FILES = sorted(ROOT.glob("replications/*/tuning.csv"))


def written(folder: Path, plan: Plan, value: float) -> None:
    """Run folders whose validation metrics depend on the rate: best at one within the grid for
    semantics, at the highest for depth; `single_instances` diverges at every rate but the lowest.
    """
    for run, spec in plan.runs.items():
        rate = plan.settings_of(run).optimizer.lr
        for seed in plan.seed_numbers:
            own = {
                "semseg": {"miou": _metric(value - 100 * abs(math.log(rate / INNER)), True)},
                "instances": {"centroid_l1": _metric(4.0, False)},
                "depth": {"inverse_depth_l1": _metric(0.3 / rate, False)},
            }
            found = {task: own[task] for task in spec.tasks}
            if spec.tasks == ["instances"] and rate != LOWEST:
                found = {}
            place = folder / run / str(seed)
            place.mkdir(parents=True)
            (place / "metrics.json").write_text(json.dumps({"val": found}))
            origin.seal(place, ["metrics.json"], {})


def _metric(value: float, higher: bool) -> dict[str, object]:
    return {"value": value, "unit": "", "higher_is_better": higher}


def test_the_best_geometric_mean_on_validation_is_chosen(tmp_path: Path) -> None:
    written(tmp_path / "runs", PLAN, 1000.0)
    path = tmp_path / "tuning.csv"
    choose(PLAN, tmp_path / "runs", path)
    assert path.read_text(encoding="utf-8").startswith("# snakemake --cores all tune_uncertainty")
    table = pd.read_csv(path, comment="#")
    assert list(table.columns) == COLUMNS
    assert len(table) == sum(len(run.tasks) for run in PLAN.runs.values())
    assert set(table["seed"]) == set(PLAN.seed_numbers)
    assert table[table["run"] == "single_instances"]["value"].count() == 1
    runs = ["single_semseg", "single_instances", "single_depth", "equal"]
    chosen = rates(path, runs, GRID)
    assert chosen["single_semseg"] == INNER
    assert chosen["single_instances"] == LOWEST
    ends = table.dropna(subset="chosen").groupby("run")["chosen"].first()
    assert ends[["single_semseg", "single_instances"]].tolist() == [CHOSEN, AT_END]
    # Depth gains more with the rate than semantics lose.
    assert chosen["single_depth"] == chosen["equal"] == HIGHEST


def test_a_run_that_was_not_tuned_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "REPLICATIONS", tmp_path)
    path = tmp_path / "uncertainty" / "tuning.csv"
    with pytest.raises(StudyError, match="missing; snakemake --cores all tune_uncertainty"):
        rates(path, ["equal"], [0.02])
    path.parent.mkdir()
    path.write_text("# how\n" + ",".join(COLUMNS) + "\nequal,0.02,100,depth,m,1,0,yes\n")
    assert rates(path, ["equal"], [0.02]) == {"equal": 0.02}
    with pytest.raises(StudyError, match="no learning rate for uncertainty"):
        rates(path, ["equal", "uncertainty"], [0.02])
    with pytest.raises(
        StudyError, match=r"chosen from 0.02, study 'tuning' has 0.01, 0.02; delete"
    ):
        rates(path, ["equal"], [0.02, 0.01])


def test_tuned_runs_and_their_variants_have_the_chosen_rates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "replications" / "uncertainty"
    shutil.copytree(ROOT / "replications" / "uncertainty", folder)
    path = folder / "replication.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    runs = ["single_semseg", "single_instances", "single_depth", "equal", "uncertainty"]
    content["studies"]["quick"] |= {"tuned": True, "runs": [*runs, "initial_5"]}
    grid = [0.01 * (k + 1) for k in range(len(runs))]
    content["studies"]["tuning"]["over"] = {"optimizer.lr": grid}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    rows = [f"{run},{rate},100,depth,m,1,0,yes" for run, rate in zip(runs, grid, strict=True)]
    text = "\n".join([",".join(COLUMNS), *rows])
    (folder / "tuning.csv").write_text(text, encoding="utf-8")
    monkeypatch.setattr(reading, "REPLICATIONS", folder.parent)
    plan = load_plan("uncertainty", "quick")
    found = {run: plan.settings_of(run).optimizer.lr for run in plan.runs}
    expected = dict(zip(runs, grid, strict=True))
    assert found == pytest.approx(expected | {"initial_5": 0.05})
    assert plan.single_of("depth", "uncertainty") == "single_depth"


def test_what_a_weighting_learns_has_a_rate_of_its_own() -> None:
    plan = load_plan("uncertainty", "quick")
    (stretch,) = stretches(plan.runs["uncertainty"], plan.settings)
    learner = SharedTrunk(lambda: torch.nn.Linear(2, 2), {}, 0)
    weighting = Uncertainty({"depth": "regression"}, 0.0)
    for own, expected in ((None, 1.0), (0.0025, 0.0025 / stretch.optimizer.lr)):
        weighting.lr = own
        groups = optimizer_of(learner, stretch, weighting).param_groups
        assert [group["rate"] for group in groups] == pytest.approx([1.0, expected])
        assert groups[1]["weight_decay"] == 0
    assert plan.runs["uncertainty"].weighting.lr == 0.0025


def test_a_variant_that_changes_settings_is_compared_with_its_like() -> None:
    plan = load_plan("nash_mtl", "full_variants")
    assert plan.settings_of("equal_metres").tasks["depth"].model_dump()["unit"] == 1.0
    assert plan.settings_of("equal").tasks["depth"].model_dump()["unit"] == 10.0
    assert plan.settings_of("equal_clipped").clip_grad_norm == 1.0
    assert plan.single_of("depth", "equal_metres") == "single_depth"
    # A single-task run whose loss is scaled is a control, not a baseline.
    assert plan.single_of("normals", "equal") == "single_normals"


@pytest.mark.parametrize(("study", "code"), [(TUNING, 0), ("micro", 1)])
def test_a_training_that_diverges_counts_as_worst_where_rates_are_chosen(
    study: str, code: int, prepared: Path, tmp_path: Path
) -> None:
    project = copy_project(tmp_path)
    path = project / "replications" / "uncertainty" / "replication.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    micro = content["studies"]["micro"]
    micro["settings"]["optimizer"] = {"lr": 1e30}
    content["studies"][TUNING] = micro | {"first_seed": 100}
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    command = [sys.executable, "-m", "replications.core.engine.train", "--study", study]
    command += ["--replication", "uncertainty", "--run", "equal", "--seed", "100"]
    command += ["--data", str(prepared), "--output", "out/equal/100", "--checkpoint", "c.pt"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    if study == TUNING:
        assert json.loads((project / "out/equal/100/metrics.json").read_text())["val"] == {}
        assert origin.verified(project / "out/equal/100")["seed"] == 100
    else:
        assert "is NaN or infinite" in done.stderr or "is nan" in done.stderr
        assert not (project / "out").exists()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_what_was_tuned_is_on_seeds_and_rates_of_its_study(path: Path) -> None:
    """Every run of the study, at every rate of one grid, on seeds that no other study reports."""
    plan = load_plan(path.parent.name, TUNING)
    table = pd.read_csv(path, comment="#")
    grid = {plan.settings_of(run).optimizer.lr for run in plan.runs}
    for run, own in table.groupby("run"):
        assert set(own[RATE]) == grid
        assert set(own["seed"]) == set(plan.seed_numbers)
        assert own.dropna(subset="chosen")[RATE].nunique() == 1
        assert run in plan.runs
    reporting = [study for study in plan.replication.studies if not chooses(study)]
    others = [load_plan(plan.name, study) for study in reporting]
    assert all(not set(plan.seed_numbers) & set(other.seed_numbers) for other in others)


def test_rates_of_what_is_published_are_chosen_again(tmp_path: Path) -> None:
    """As the message about a file from another grid has it: delete the file, and choose."""
    copy_project(tmp_path)
    shutil.copytree(ROOT / "results" / "published", tmp_path / "results" / "published")
    (tmp_path / "replications" / "sluice_text" / "tuning.csv").unlink()
    asked = ["tune", "--config", "study=tuning", "replications=[sluice_text]"]
    done = subprocess.run(
        ["snakemake", "--dry-run", *asked],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert re.search(r"(?m)^tune_sluice_text +1$", done.stdout), done.stderr

"""How far a study is: from the run folders that have come to be."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from replications.core.evidence.progress import Pending, StudyProgress
from replications.core.spec import load_plan
from replications.core.spec.layout import ORIGIN


def _ended(results: Path, training: Pending, seconds: float, ago: float = 0.0) -> None:
    folder = results / training.replication / training.run / str(training.seed)
    folder.mkdir(parents=True)
    (folder / "cost.json").write_text(json.dumps({"own_training_s": seconds}))
    (folder / ORIGIN).touch()
    os.utime(folder / ORIGIN, (time.time() - ago,) * 2)


def test_the_rest_is_expected_to_take_what_the_most_alike_took(tmp_path: Path) -> None:
    plan = load_plan("nash_qm9", "micro")  # 6 steps, and 3 lower on the ladder
    names = ("equal", "equal@steps=3", "nash", "single_mu", "single_u0")
    pending = [Pending("nash_qm9", run, 0) for run in names]
    assert {plan.settings_of(run).steps for run in names} == {3, 6}
    progress = StudyProgress({"nash_qm9": plan}, tmp_path, pending)
    assert progress.line() == "0 of 5 trainings"

    _ended(tmp_path, pending[0], 12.0)
    _ended(tmp_path, pending[2], 24.0)
    _ended(tmp_path, pending[3], 1.0, ago=3600)  # of an earlier study
    progress.began -= 36
    # Left: 3 steps at 2 s as equal took, and twice 6 at the 3 s of all: 42 s, at a pace of 1.
    assert progress.line() == "2 of 5 trainings, 46 % of the work; 0:00:42 left"


def test_a_study_whose_trainings_are_done_has_nothing_left(tmp_path: Path) -> None:
    plan = load_plan("nash_qm9", "micro")
    pending = [Pending("nash_qm9", "equal", seed) for seed in (0, 1)]
    progress = StudyProgress({"nash_qm9": plan}, tmp_path, pending)
    for training in pending:
        _ended(tmp_path, training, 1.0)
    assert progress.line() == "2 of 2 trainings, 100 % of the work; 0:00:00 left"

"""Engine: schedules, exact resuming, losses that are not finite, cost, source hashes."""

from __future__ import annotations

import csv
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.numpy import load_file, save_file
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from conftest import ROOT
from replications.core.data.batches import read_description
from replications.core.data.prepare import Prepared, write
from replications.core.data.streets.options import StreetsOptions
from replications.core.engine.cost import inference_cost
from replications.core.engine.schedule import learning_rate_factor
from replications.core.spec import Schedule
from replications.core.spec.closure import source_hash

WARM = [sys.executable, str(ROOT / "workflow" / "scripts" / "warm.py")]
TRAIN = "replications.core.engine.train"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the code whose micro study is long enough to be killed in the middle; its
    trainings are forked, as those of a study."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "replications", folder / "replications")
    edit(folder, lambda settings: settings.update(steps=120, checkpoint_every=10))
    serve = [*WARM, "serve", TRAIN, "replications.uncertainty.model"]
    server = subprocess.Popen(serve, cwd=folder, stdin=subprocess.PIPE)
    yield folder
    server.communicate()


def edit(project: Path, change: object) -> None:
    """Change the micro study's settings in a copy of the code."""
    path = project / "replications" / "uncertainty" / "replication.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(content["studies"]["micro"]["settings"])  # type: ignore[operator]
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def command(
    prepared: Path, name: str, run: str = "uncertainty", start: tuple[str, ...] = (*WARM, "run")
) -> list[str]:
    return [
        *[*start, TRAIN],
        *["--replication", "uncertainty", "--study", "micro", "--run", run, "--seed", "1"],
        *["--data", str(prepared), "--output", name, "--checkpoint", f"{name}.pt"],
        *["--device", "cpu"],
    ]


@pytest.fixture(scope="module")
def reference(project: Path, prepared: Path) -> Path:
    """The run folder of an undisturbed training."""
    subprocess.run(command(prepared, "reference"), cwd=project, check=True, capture_output=True)
    return project / "reference"


def test_a_run_folder_is_complete(reference: Path) -> None:
    assert {path.name for path in reference.iterdir()} == {
        *("metrics.json", "resampled.csv", "history.csv", "cost.json", "examples.npz"),
        *("model.pt", "provenance.json"),
    }
    assert not reference.with_suffix(".pt").exists()
    origin = json.loads((reference / "provenance.json").read_text())
    assert origin["run"] == "uncertainty"
    assert origin["seed"] == 1
    assert set(origin["data"]["md5"]) == {"train", "val", "test"}
    assert torch.__version__.startswith(origin["origin"]["packages"]["torch"])
    assert set(origin["files"]) == {path.name for path in reference.iterdir()} - {"provenance.json"}
    with (reference / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["step"] == "120"
    assert {"lr", "loss_semseg", "weight_depth", "log_variance_depth", "val_semseg_miou"} <= set(
        rows[-1]
    )


def test_training_learns_something(reference: Path) -> None:
    with (reference / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    for task in ("semseg", "depth"):
        losses = [float(row[f"loss_{task}"]) for row in rows]
        assert sum(losses[-30:]) < sum(losses[:30]), task


def test_the_same_run_again_is_identical(project: Path, prepared: Path, reference: Path) -> None:
    subprocess.run(command(prepared, "again"), cwd=project, check=True, capture_output=True)
    for name in ("metrics.json", "history.csv"):
        assert (project / "again" / name).read_bytes() == (reference / name).read_bytes(), name


def test_killed_at_three_random_moments_it_ends_the_same(
    project: Path, prepared: Path, reference: Path
) -> None:
    moments = random.Random(time.time_ns())
    for _ in range(3):
        alone = command(prepared, "killed", start=(sys.executable, "-m"))
        process = subprocess.Popen(alone, cwd=project, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        # Training has begun when it says so and has a checkpoint; then, at some moment, the end.
        assert process.stderr.readline().startswith("[uncertainty/uncertainty seed 1]")
        while not (project / "killed.pt").exists():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(moments.uniform(0.0, 0.3))
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
    last = subprocess.run(
        command(prepared, "killed"), cwd=project, check=True, capture_output=True, text=True
    )
    assert "resumed at step" in last.stderr
    for name in ("metrics.json", "history.csv"):
        assert (project / "killed" / name).read_bytes() == (reference / name).read_bytes(), name


@pytest.fixture(scope="module")
def half_way(project: Path, prepared: Path) -> bytes:
    """The checkpoint of a training that was killed once it had one."""
    path = project / "half_way.pt"
    alone = command(prepared, path.stem, start=(sys.executable, "-m"))
    process = subprocess.Popen(alone, cwd=project, stderr=subprocess.PIPE)
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate()
    return path.read_bytes()


def test_a_checkpoint_of_other_settings_is_not_resumed(
    project: Path, prepared: Path, half_way: bytes
) -> None:
    (project / "other.pt").write_bytes(half_way)
    edit(project, lambda settings: settings.update(batch_size=5))
    try:
        done = subprocess.run(
            command(prepared, "other"), cwd=project, check=True, capture_output=True, text=True
        )
    finally:
        edit(project, lambda settings: settings.update(batch_size=4))
    assert "belongs to another configuration" in done.stderr


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_damaged_checkpoint_is_not_resumed(
    project: Path, prepared: Path, reference: Path, half_way: bytes, place: float
) -> None:
    """One flipped bit; the training starts anew, says so, and ends as it should."""
    name = f"damaged{place}"
    content = bytearray(half_way)
    content[int(place * len(content))] ^= 1
    (project / f"{name}.pt").write_bytes(content)
    done = subprocess.run(
        command(prepared, name), cwd=project, check=True, capture_output=True, text=True
    )
    assert "is damaged: its content is not what was written" in done.stderr
    assert "resumed" not in done.stderr
    metrics = (project / name / "metrics.json").read_bytes()
    assert metrics == (reference / "metrics.json").read_bytes()


def test_a_checkpoint_made_from_other_arrays_is_not_resumed(
    project: Path, prepared: Path, half_way: bytes, tmp_path: Path
) -> None:
    """Arrays prepared again and different, from the same archives."""
    other = tmp_path / "other"
    options = StreetsOptions(size=(32, 64))
    arrays = load_file(prepared / "train.safetensors")
    arrays["depth"] = 2 * arrays["depth"]
    splits = {"train": arrays} | {
        split: load_file(prepared / f"{split}.safetensors") for split in ("val", "test")
    }
    before = read_description(prepared)
    write(options, Prepared(splits.items(), before.md5, before.facts), other)
    (project / "elsewhere.pt").write_bytes(half_way)
    done = subprocess.run(
        command(other, "elsewhere"), cwd=project, check=True, capture_output=True, text=True
    )
    assert "belongs to another configuration" in done.stderr


def test_arrays_altered_in_place_are_refused(project: Path, prepared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "altered"
    shutil.copytree(prepared, folder)
    arrays = load_file(folder / "train.safetensors")
    arrays["depth"] = 2 * arrays["depth"]
    save_file(arrays, folder / "train.safetensors")
    done = subprocess.run(
        command(folder, "altered"), cwd=project, check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "train.safetensors: 'depth' is not the array that was prepared" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failing_rerun_leaves_the_finished_run(
    project: Path, prepared: Path, reference: Path
) -> None:
    before = {path.name: path.read_bytes() for path in reference.iterdir()}
    broken = [*command(prepared, "reference"), "--device", "cuda"]
    if torch.cuda.is_available():
        broken = [*command(prepared / "nowhere", "reference")]
    done = subprocess.run(broken, cwd=project, check=False, capture_output=True)
    assert done.returncode == 1
    assert {path.name: path.read_bytes() for path in reference.iterdir()} == before


def test_a_loss_that_turns_nan_stops_the_run_by_name(project: Path, prepared: Path) -> None:
    diverging = {"name": "sgd", "lr": 1e6, "momentum": 0.0, "nesterov": False}
    edit(project, lambda settings: settings.update(optimizer=diverging))
    try:
        done = subprocess.run(
            command(prepared, "nan", run="equal"),
            cwd=project,
            check=False,
            capture_output=True,
            text=True,
        )
    finally:
        edit(project, lambda settings: settings.pop("optimizer"))
    assert done.returncode == 1
    assert "the loss of task '" in done.stderr
    assert "at step" in done.stderr
    assert "no checkpoint yet" in done.stderr or "last good checkpoint is nan.pt" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "nan").exists()


@pytest.fixture
def bargaining(project: Path) -> Iterator[None]:
    """The run `equal` bargains, with one loss ten times as large."""
    path = project / "replications" / "uncertainty" / "replication.yaml"
    before = path.read_text(encoding="utf-8")
    content = yaml.safe_load(before)
    change = {"weighting": {"name": "nash", "update_every": 2}, "loss_scale": {"depth": 10.0}}
    content["runs"]["equal"].update(change)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    yield
    path.write_text(before, encoding="utf-8")


@pytest.mark.usefixtures("bargaining")
def test_nash_leaves_its_history_and_the_cost_of_its_solver(project: Path, prepared: Path) -> None:
    subprocess.run(
        command(prepared, "nash", run="equal"), cwd=project, check=True, capture_output=True
    )
    with (project / "nash" / "history.csv").open() as file:
        row = list(csv.DictReader(file))[-1]
    assert row["solves"] == row["satisfied_solves"] == "60.0"
    assert float(row["worst_residual"]) < 1e-8
    assert -1 <= float(row["cosine_semseg_depth"]) <= 1
    assert json.loads((project / "nash" / "cost.json").read_text())["solver_s"] > 0


@pytest.mark.usefixtures("bargaining")
def test_a_gradient_that_turns_nan_stops_the_run_by_name(project: Path, prepared: Path) -> None:
    diverging = {"name": "sgd", "lr": 1e12, "momentum": 0.0, "nesterov": False}
    edit(project, lambda settings: settings.update(optimizer=diverging))
    done = subprocess.run(
        command(prepared, "nan", run="equal"),
        cwd=project,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert re.search("the gradient of task '[a-z]+' is NaN or infinite at step [0-9]+", done.stderr)


def test_mixed_precision_trains(project: Path, prepared: Path, reference: Path) -> None:
    edit(project, lambda settings: settings.update(precision="bfloat16"))
    try:
        subprocess.run(command(prepared, "half"), cwd=project, check=True, capture_output=True)
    finally:
        edit(project, lambda settings: settings.pop("precision"))
    half = json.loads((project / "half" / "metrics.json").read_text())["test"]
    full = json.loads((reference / "metrics.json").read_text())["test"]
    assert half != full
    errors = [metrics["depth"]["inverse_depth_l1"]["value"] for metrics in (half, full)]
    assert errors[0] == pytest.approx(errors[1], rel=0.2)


def test_unknown_run_is_refused(project: Path, prepared: Path) -> None:
    done = subprocess.run(
        command(prepared, "x", run="joint"),
        cwd=project,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "has no run 'joint'; it has: single_semseg" in done.stderr


def test_a_read_only_folder_is_a_clear_error(project: Path, prepared: Path) -> None:
    (project / "file").write_text("not a folder")
    done = subprocess.run(
        command(prepared, "file/run"), cwd=project, check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "file" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", ["cosine", "poly", "step", "constant"])
def test_schedules_start_high_and_never_rise(name: str) -> None:
    schedule = Schedule.model_validate({"name": name, "every": 10})
    factors = [learning_rate_factor(schedule, step, 100) for step in range(100)]
    assert factors[0] == 1
    assert all(a >= b for a, b in itertools.pairwise(factors))
    assert min(factors) > 0


def test_schedules_by_hand() -> None:
    assert learning_rate_factor(Schedule(name="cosine"), 50, 100) == pytest.approx(0.5)
    assert learning_rate_factor(Schedule(name="poly", power=0.9), 50, 100) == 0.5**0.9
    assert learning_rate_factor(Schedule(name="step", every=10), 25, 100) == 0.25
    warm = Schedule(name="constant", warmup=4)
    assert [learning_rate_factor(warm, step, 9) for step in range(6)] == pytest.approx(
        [0.2, 0.4, 0.6, 0.8, 1, 1]
    )


def test_cost_of_a_known_network() -> None:
    """A 3x3 convolution of 8 filters on a 3-channel 16x16 image: 2 * 16 * 16 * 8 * 27 FLOPs."""
    network = nn.Conv2d(3, 8, 3, padding=1)
    cost = inference_cost(network, torch.zeros(1, 3, 16, 16), repeats=5)
    assert cost["flops"] == 2 * 16 * 16 * 8 * 27
    assert cost["parameters"] == 8 * 27 + 8
    latency = cost["latency_ms"]
    assert 0 < latency["q1"] <= latency["median"] <= latency["q3"]


def test_flop_counter_sees_the_resizing() -> None:
    from replications.core.nets.resize import bilinear

    with FlopCounterMode(display=False) as counter:
        bilinear(torch.zeros(1, 4, 8, 8), (16, 16))
    assert counter.get_total_flops() == 2 * 4 * (8 * 8 * 16 + 16 * 8 * 16)


def test_source_hash_ignores_comments_and_docstrings(tmp_path: Path) -> None:
    path = tmp_path / "module.py"

    def hashed(text: str) -> str:
        path.write_text(text)
        return source_hash([path])

    plain = hashed("def f(x):\n    return x + 1\n")
    assert (
        hashed('"""A module."""\n# Why.\ndef f(x):\n    """Add."""\n    return x  +  1\n') == plain
    )
    assert hashed("def f(x):\n    return x + 2\n") != plain


def test_parsing_specifications_does_not_import_torch() -> None:
    """The workflow and the tables must start in less time than torch takes to import."""
    modules = [
        *["replications.core.spec", "replications.core.spec.closure"],
        *["replications.core.evidence.summarise", "replications.core.evidence.publish"],
        *["replications.core.evidence.figures", "replications.core.evidence.join"],
    ]
    code = (
        f"import sys, importlib\nfor m in {modules}: importlib.import_module(m)\n"
        "from replications.core.spec import load_study\n"
        "load_study({'study': 'quick'})\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env=dict(os.environ))

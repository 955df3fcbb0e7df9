"""A micro training of every replication on CUDA: it runs, resumes exactly, and agrees with the CPU.

On the CPU, which is everywhere, it resumes too, so that the tests themselves are tested.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import torch

from conftest import ROOT, fetched
from replications.core.data.batches import read_description
from replications.core.data.prepare import write
from replications.core.engine import checkpoint
from replications.core.engine.devices import training_device
from replications.core.engine.loop import Training, train
from replications.core.engine.train import Arguments, prepare_job, train_run
from replications.core.spec import Plan, layout, load_plan, load_replication, replication_names

needs_cuda = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="torch finds no CUDA device on this machine"
)
NAMES = [name for name in replication_names() if "micro" in load_replication(name).studies]
"""Of replications whose data may be had here."""
DEVICES = ["cpu", pytest.param("cuda", marks=needs_cuda)]


@pytest.fixture(scope="module")
def data(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The micro study's dataset of each replication, prepared."""
    folder, found = tmp_path_factory.mktemp("prepared"), {}
    for name in NAMES:
        options = load_plan(name, "micro").data
        found[name] = folder / Path(options.folder).name
        if not found[name].exists():
            fetched(options)
            with contextlib.chdir(ROOT):
                write(options, options.load(options.preparation)(options), found[name])
    return found


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each device, in which replications lie beside those that they are like."""
    return tmp_path_factory.mktemp("results")


def trained(name: str, device: str, data: Path, results: Path, as_: str) -> Training:
    """The reference run after its last step, from the checkpoint in its folder if there is one;
    what it needs is trained before."""
    plan, folder = load_plan(name, "micro"), results / device / name
    with training_device(device, 1) as used:
        stand_behind(plan, plan.replication.reference, data, folder, used)
        own = folder / as_ / "0"
        paths = (data, own, own / "checkpoint.pt")
        identity = (name, "micro", plan.replication.reference, 0)
        arguments = Arguments(*identity, *paths, device, 1)
        job, training = prepare_job(plan, arguments, read_description(data), used)
        train(job, training)
    return training


def stand_behind(plan: Plan, run: str, data: Path, folder: Path, device: torch.device) -> None:
    """Train what a run needs, as far as that has not been done."""
    for needed in plan.runs[run].needs.values():
        owner, own = plan.owner(needed), layout.run_folder(folder, plan, needed, 0)
        if not own.exists():
            stand_behind(plan, needed, data, folder, device)
            paths = (data, own, folder / "checkpoint.pt")
            arguments = Arguments(owner.name, "micro", needed, 0, *paths, device.type, 1)
            train_run(owner, arguments, device)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_training_ends_the_same(
    name: str,
    device: str,
    data: dict[str, Path],
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    whole = trained(name, device, data[name], results, "whole")
    save = checkpoint.save

    def save_and_stop(*arguments: object) -> None:
        save(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            trained(name, device, data[name], results, "stopped")
    resumed = trained(name, device, data[name], results, "stopped")
    assert "resumed at step 2" in capfd.readouterr().err
    assert resumed.history == whole.history
    expected = whole.learner.state_dict()
    found = resumed.learner.state_dict()
    assert [key for key in expected if not torch.equal(found[key], expected[key])] == []


@needs_cuda
@pytest.mark.parametrize("name", NAMES)
def test_cuda_and_cpu_agree(name: str, data: dict[str, Path], results: Path) -> None:
    """Same batches, weights and augmentation; sums are rounded otherwise, on CUDA in TF32."""
    cpu, cuda = (
        trained(name, device, data[name], results, "agreeing").history for device in ("cpu", "cuda")
    )
    losses = [key for key in cpu[0] if key.startswith("loss_")]
    assert losses
    for key in losses:
        assert cuda[0][key] == pytest.approx(cpu[0][key], rel=0.01), key
        assert cuda[-1][key] == pytest.approx(cpu[-1][key], rel=0.05), key

"""Devices: how many trainings share one, without a GPU."""

from __future__ import annotations

import re
import subprocess
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest

from conftest import copy_project
from replications.core.engine.devices import held_place


def test_places_are_spread_over_the_devices(tmp_path: Path) -> None:
    with ExitStack() as held:
        taken = [held.enter_context(held_place(["a", "b"], 2, tmp_path)) for _ in range(4)]
    assert taken == [0, 1, 0, 1]


def test_one_more_waits_until_a_place_is_free(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found: list[int] = []

    def wait() -> None:
        with held_place(["a"], 2, tmp_path) as index:
            found.append(index)

    waiting = Thread(target=wait)
    with held_place(["a"], 2, tmp_path):
        with held_place(["a"], 2, tmp_path):
            waiting.start()
            waiting.join(0.2)
            assert found == []
        waiting.join(10)
        assert found == [0]
    assert "waiting for one of 2 places on each of 1 CUDA devices" in capfd.readouterr().err


def test_a_place_is_free_again_after_an_error(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), held_place(["a"], 1, tmp_path):
            raise ZeroDivisionError


@pytest.mark.parametrize(("given", "places"), [([], 3), (["--resources", "gpu=2"], 6)])
def test_the_workflow_counts_places_on_all_devices(
    given: list[str], places: int, tmp_path: Path
) -> None:
    project = copy_project(tmp_path / "project")
    command = ["snakemake", "--cores", "1", "--until", "fetch", *given]
    choice = ["study=micro", "device=cpu", "trainings_per_gpu=3"]
    done = subprocess.run(
        [*command, "--config", *choice],
        cwd=project,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    found = re.search(r'Provided resources: .*gpu=Resource\("gpu", (\d+)\)', done.stdout)
    assert found is not None, done.stdout
    assert int(found[1]) == places

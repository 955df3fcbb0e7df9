"""A study that is killed, or runs out of disk, again and again: it ends with the same tables.

Only on demand, with `FAULTS`: one kill and one full disk are in the suite, in `test_workflow.py`.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import copy_project
from tests.faults.counted import tried

NAME = "uncertainty"
TABLES = ("runs.csv", "delta_m.csv", "comparisons.csv", "claims.csv")
COMMAND = [
    *["snakemake", "--cores", "2", NAME],
    *["--config", "study=micro", "device=cpu", f"replications=[{NAME}]"],
]


def tables(project: Path) -> dict[str, bytes]:
    """What the study ends with, but for what was timed."""
    return {name: (project / "results/micro" / NAME / name).read_bytes() for name in TABLES}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    project = copy_project(tmp_path_factory.mktemp("undisturbed") / "project")
    subprocess.run(COMMAND, cwd=project, check=True, capture_output=True)
    return tables(project)


def children(pid: int) -> Iterator[int]:
    """All processes that a process has started, and those have."""
    answer = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
    for child in map(int, answer.stdout.split()):
        yield child
        yield from children(child)


def test_kills_of_any_process(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Of the whole study, of Snakemake alone, or of one of the processes below it, each at a random
    moment; once all have been, the study is left to end."""
    numbers = tried("kills", few=0)
    if not numbers:
        pytest.skip("on demand: FAULTS=kills=30")
    project = copy_project(tmp_path / "project")
    for number in numbers:
        draw = random.Random(number)
        started = subprocess.Popen(
            COMMAND,
            cwd=project,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(draw.uniform(1, 20))
        kind = draw.randrange(3)
        if kind == 0:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
        elif kind == 1:
            started.kill()
        elif found := list(children(started.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(draw.choice(found), signal.SIGKILL)
        started.wait()
        if draw.random() < 0.3:  # what is done already is done again, and killed
            shutil.rmtree(project / "results/micro" / NAME / "single_semseg", ignore_errors=True)
    last = subprocess.run(COMMAND, cwd=project, capture_output=True, text=True)
    assert last.returncode == 0, last.stderr[-3000:]
    assert tables(project) == request.getfixturevalue("undisturbed")


def test_a_disk_full_at_every_stage(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Results on a disk that grows until they fit: each time the study says so and carries on."""
    numbers = tried("full disks", few=0)
    if not numbers:
        pytest.skip("on demand: FAULTS=full disks=12")
    project = copy_project(tmp_path / "project")
    with mounted(project / "results", kilobytes=64) as grow:
        for number in numbers:
            done = subprocess.run(COMMAND, cwd=project, capture_output=True, text=True)
            if done.returncode == 0:
                break
            assert "No space left on device" in done.stdout + done.stderr
            assert "Traceback" not in done.stdout + done.stderr
            grow(int(64 * 1.6 ** (number + 1)))
        grow(1_000_000)
        last = subprocess.run(COMMAND, cwd=project, capture_output=True, text=True)
        assert last.returncode == 0, last.stderr[-3000:]
        assert tables(project) == request.getfixturevalue("undisturbed")


@contextlib.contextmanager
def mounted(folder: Path, kilobytes: int) -> Iterator[Callable[[int], None]]:
    """A folder on a disk of its own, and a function that makes it larger."""
    folder.mkdir()

    def mount(options: str, size: int) -> bool:
        own = f"{options}size={size}k"
        command = ["mount", "-t", "tmpfs", "-o", own, "tmpfs", str(folder)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    if not mount("", kilobytes):
        pytest.skip("mounting a tmpfs needs root")
    try:
        yield lambda size: None if mount("remount,", size) else pytest.fail("cannot grow")
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)

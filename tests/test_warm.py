"""Modules run in a process that has imported torch already: as `python -m` runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "workflow" / "scripts" / "warm.py"
MODULE = """
import os, sys, time
import replications.slow
print(__name__, sys.argv[1:], replications.slow.PID == os.getpid(), os.environ.get("MOOD"))
if sys.argv[1:] == ["wait"]:
    open("pid", "w").write(str(os.getpid()))
    time.sleep(60)
if sys.argv[1:2] == ["hang"]:
    open("begun", "a").write("x")
    while len(open("begun").read()) < int(sys.argv[2]):
        time.sleep(60)
if sys.argv[1:] == ["read"]:
    print(replications.slow.READ)
if sys.argv[1:] == ["refuse"]:
    sys.exit("error: no")
if sys.argv[1:] == ["fail"]:
    raise ValueError("broken")
"""
COLD = [sys.executable, "-m", "replications.job"]
WARM = [sys.executable, str(SCRIPT), "run", "replications.job"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with one module to run, and one that it imports."""
    (tmp_path / "replications").mkdir()
    (tmp_path / "replications" / "__init__.py").touch()
    (tmp_path / "replications" / "slow.py").write_text(
        "import os\nPID, READ = os.getpid(), []\ndef read(*names):\n    READ.extend(names)\n"
    )
    (tmp_path / "replications" / "job.py").write_text(MODULE)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process at work in the project."""
    command = [sys.executable, str(SCRIPT), "serve", "replications.slow:read:a:b"]
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE)
    _until((folder / ".snakemake" / "warm.sock").exists)
    yield process
    if process.stdin:
        process.stdin.close()
    assert process.wait(10) == 0


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def _ran(command: list[str], folder: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"MOOD": "fine"},
        timeout=20,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("arguments", [[], ["a b", "--c"], ["refuse"], ["fail"]])
@pytest.mark.usefixtures("server")
def test_a_job_ends_as_one_started_in_the_usual_way(folder: Path, arguments: list[str]) -> None:
    code, out, err = _ran([*WARM, *arguments], folder)
    usual_code, usual_out, usual_err = _ran([*COLD, *arguments], folder)
    # Forked: what was imported was imported by another process.
    assert (code, out) == (usual_code, usual_out.replace("True", "False"))
    assert err.splitlines()[-1:] == usual_err.splitlines()[-1:]


@pytest.mark.usefixtures("server")
def test_what_was_read_ahead_is_there(folder: Path) -> None:
    assert _ran([*WARM, "read"], folder)[1].endswith("['a', 'b']\n")
    assert _ran([*COLD, "read"], folder)[1].endswith("[]\n")


def test_without_a_server_a_job_is_started_in_the_usual_way(folder: Path) -> None:
    assert _ran(WARM, folder) == _ran(COLD, folder)


@pytest.mark.usefixtures("server")
def test_changed_code_is_run_as_it_is_now(folder: Path) -> None:
    assert "False" in _ran(WARM, folder)[1]
    (folder / "replications" / "slow.py").write_text(
        "PID = 'changed'\nimport os\nPID = os.getpid()"
    )
    assert "True" in _ran(WARM, folder)[1]


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_job_ends_with_who_asked_for_it_and_with_the_server(
    folder: Path, server: subprocess.Popen[bytes], who: str
) -> None:
    client = subprocess.Popen([*WARM, "wait"], cwd=folder, stdout=subprocess.DEVNULL)
    pid = folder / "pid"
    _until(lambda: pid.exists() and pid.read_text() != "")
    if who == "client":
        client.send_signal(signal.SIGKILL)
    elif server.stdin:
        server.stdin.close()
    _until(lambda: not Path("/proc", pid.read_text()).exists())
    assert client.wait(10) != 0


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(("times", "code"), [(2, 0), (9, 1)])
def test_a_job_that_prints_nothing_is_ended_and_begun_again(
    folder: Path, times: int, code: int
) -> None:
    watched = [*WARM[:3], "--silent", "2", *WARM[3:], "hang", str(times)]
    log = folder / "log"
    with log.open("w") as output:
        job = subprocess.run(watched, cwd=folder, stdout=output, stderr=output, timeout=20)
    assert job.returncode == code
    assert log.read_text().count("printed nothing for 2 s: ended") == min(times - 1, 3)
    assert ("it hung 3 times" in log.read_text()) == bool(code)

"""Run modules in processes that have imported what takes long already.

Every training imports torch, some seconds that many a training hardly takes longer. A study starts
one process that imports it once and forks for every job: what is run is what `python -m` runs, in
a process of its own, with the job's own output. Where no such process answers, or where code has
changed since it began, the job is run in the usual way.

    python workflow/scripts/warm.py serve MODULE[:FUNCTION[:ARGUMENT]...]...
    python workflow/scripts/warm.py run [--silent SECONDS] MODULE [ARGUMENT...]

It serves until its input ends, and calls the functions of modules that are named, when it begins.

A job of that process that prints nothing for the seconds given is taken to hang: it is ended and
begun again, three times at most. What carries on from a checkpoint loses little.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import runpy
import select
import signal
import socket
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

_SOCKET = Path(".snakemake", "warm.sock")
_LENGTH = 1 << 20  # bytes of a request at most
_COLD = 255  # no exit status of a module that ends by itself: run it in the usual way
_BEGINNINGS = 3  # of a job that hangs


@dataclass(frozen=True)
class Job:
    """A forked process; the pipe `alive` ends with it, `client` leads to who asked for it."""

    pid: int
    alive: int
    client: socket.socket

    def fileno(self) -> int:
        """Of the pipe; for `select`."""
        return self.alive


def serve(modules: list[str]) -> None:
    """Fork for every request until the standard input ends, then end what is still running."""
    _SOCKET.parent.mkdir(exist_ok=True)
    _SOCKET.unlink(missing_ok=True)
    jobs: list[Job] = []
    known: dict[Path, int] = {}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(_SOCKET))
        listener.listen()
        try:
            while True:
                clients = [job.client for job in jobs]
                ready, _, _ = select.select([listener, sys.stdin, *jobs, *clients], [], [])
                if sys.stdin in ready:
                    return
                for job in [job for job in jobs if job in ready or job.client in ready]:
                    jobs.remove(job)
                    _end(job)
                if listener in ready:
                    known = known or _imported(modules)
                    jobs += _begun(listener, jobs, known)
        except KeyboardInterrupt:
            return
        finally:
            _SOCKET.unlink(missing_ok=True)
            for job in jobs:
                _end(job)


def _imported(modules: list[str]) -> dict[Path, int]:
    """Import the modules, and call what functions of theirs are named; when each of the project's
    files among what they import was changed."""
    sys.path.insert(0, str(Path.cwd()))
    for entry in modules:
        module, *called = entry.split(":")
        with contextlib.suppress(Exception):  # the job that needs it says what is wrong
            found = importlib.import_module(module)
            if called:
                getattr(found, called[0])(*called[1:])
    project = Path.cwd() / "replications"
    files = [Path(getattr(module, "__file__", None) or "") for module in sys.modules.values()]
    return _changed(file for file in files if file.is_relative_to(project))


def _changed(files: Iterable[Path]) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns if file.exists() else 0 for file in files}


def _begun(listener: socket.socket, jobs: list[Job], known: dict[Path, int]) -> list[Job]:
    """Fork for the next request, if the code is still what was imported."""
    client, _ = listener.accept()
    request, files, _, _ = socket.recv_fds(client, _LENGTH, 2)
    if _changed(known) != known:
        client.sendall(bytes([_COLD]))
        for file in files:
            os.close(file)
        client.close()
        return []
    alive, end = os.pipe()
    pid = os.fork()
    if pid:
        for file in (end, *files):
            os.close(file)
        return [Job(pid, alive, client)]
    try:
        for other in (listener, client, *(job.client for job in jobs)):
            other.close()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, file in zip((1, 2), files, strict=True):
            os.dup2(file, number)
        _run(*json.loads(request))
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    else:
        code = 0
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(module: str, arguments: list[str], environment: dict[str, str]) -> None:
    """What `python -m` does."""
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    sys.modules.pop(module, None)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end(job: Job) -> None:
    """Tell the client how a job ended, after ending it if it has not."""
    finished = bool(select.select([job], [], [], 0)[0])
    if not finished:
        os.kill(job.pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(job.pid, 0)[1])
    os.close(job.alive)
    with job.client as client:
        if finished:
            client.sendall(bytes([code if code >= 0 else 128 - code]))


def run(module: str, arguments: list[str], silent: float = math.inf) -> int:
    """Have a module run; its exit status. `silent`: seconds without output until it is ended."""
    for _ in range(_BEGINNINGS):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            try:
                server.connect(str(_SOCKET))
            except OSError:
                _run_cold(module, arguments)
            request = json.dumps([module, arguments, dict(os.environ)]).encode()
            socket.send_fds(server, [request], [1, 2])
            answer = _answer(server, silent)
        if answer == bytes([_COLD]):
            _run_cold(module, arguments)
        if answer is not None:
            return answer[0] if answer else 1
        print(f"printed nothing for {silent:.0f} s: ended", file=sys.stderr, flush=True)
    print(
        f"error: it hung {_BEGINNINGS} times; another call of snakemake carries on", file=sys.stderr
    )
    return 1


def _answer(server: socket.socket, silent: float) -> bytes | None:
    """What the server says when a job has ended; none if the job has been silent for too long."""
    heard = time.time()
    while time.time() - heard < silent:
        left = silent - (time.time() - heard)
        if select.select([server], [], [], None if math.isinf(silent) else left)[0]:
            return server.recv(1)
        heard = max(heard, *(os.fstat(output).st_mtime for output in (1, 2)))
    return None


def _run_cold(module: str, arguments: list[str]) -> NoReturn:
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "serve":
        serve(rest)
    else:
        silent = math.inf
        if rest[0] == "--silent":
            silent, rest = float(rest[1]), rest[2:]
        try:
            sys.exit(run(rest[0], rest[1:], silent))
        except KeyboardInterrupt:
            sys.exit(130)

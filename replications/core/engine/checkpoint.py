"""Checkpoints and weights: written atomically, with a hash of their content behind it."""

from __future__ import annotations

import fcntl
import hashlib
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from replications.core.errors import StudyError
from replications.core.files import replacing

State = dict[str, Any]
_MARK = b"\nsha256 "


def save(path: Path, state: State, device: torch.device) -> None:
    """Write `state` and the random state of torch on the CPU and on `device`."""
    state = state | {"rng": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda_rng"] = torch.cuda.get_rng_state()
    write(path, state)


def write(path: Path, value: Any) -> None:
    """Write `value` atomically, so that `torch.load` reads it, and `read` checks it first."""
    # By way of memory: torch's own writer reports a full disk as an error without a name.
    buffer = io.BytesIO()
    torch.save(value, buffer)
    content = buffer.getbuffer()
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(content)
        file.write(_MARK + hashlib.sha256(content).hexdigest().encode() + b"\n")


def read(path: Path, device: torch.device) -> Any:
    """What `write` wrote.

    Raises:
        StudyError: the file cannot be read, or its content is not what was written.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StudyError(f"{path} cannot be read ({error.strerror})") from None
    body, _, digest = content.rpartition(_MARK)
    if digest.strip().decode("ascii", "replace") != hashlib.sha256(body).hexdigest():
        raise StudyError(f"{path} is damaged: its content is not what was written")
    return torch.load(io.BytesIO(body), map_location=device, weights_only=True)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the checkpoint at `path` for one process; wait for another to let it go.

    A training outlives a workflow that is killed alone; the next one must not run beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another process that trains {path}", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def load(path: Path, fingerprint: str, device: torch.device) -> tuple[State | None, str]:
    """The state at `path`, and why there is none where there is none.

    A checkpoint that is damaged, or of another configuration, code or data (its fingerprint
    differs), is not used. The random state of torch is restored along with a state that is.
    """
    if not path.exists():
        return None, "no checkpoint"
    try:
        state: State = read(path, device)
    except StudyError as error:
        return None, str(error)
    if state["fingerprint"] != fingerprint:
        return None, f"{path} belongs to another configuration"
    torch.set_rng_state(state["rng"].cpu())
    if device.type == "cuda" and "cuda_rng" in state:
        torch.cuda.set_rng_state(state["cuda_rng"].cpu())
    return state, ""

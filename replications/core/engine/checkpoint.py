"""Checkpoints: the whole state of a training, written atomically."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from replications.core.files import replacing

State = dict[str, Any]


def save(path: Path, state: State) -> None:
    """Write `state` and the random state of torch."""
    state = state | {"rng": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda_rng"] = torch.cuda.get_rng_state()
    write(path, state)


def write(path: Path, value: Any) -> None:
    """Write `value` with torch.save, atomically."""
    # By way of memory: torch's own writer reports a full disk as an error without a name.
    buffer = io.BytesIO()
    torch.save(value, buffer)
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load(path: Path, fingerprint: str, device: torch.device) -> tuple[State | None, str]:
    """The state at `path`, and why there is none where there is none.

    A checkpoint of another configuration, code or data (its fingerprint differs) is not used.
    The random state of torch is restored along with a state that is.
    """
    if not path.exists():
        return None, "no checkpoint"
    try:
        state: State = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        return None, f"{path} cannot be read ({error})"
    if state["fingerprint"] != fingerprint:
        return None, f"{path} belongs to another configuration"
    torch.set_rng_state(state["rng"].cpu())
    if device.type == "cuda" and "cuda_rng" in state:
        torch.cuda.set_rng_state(state["cuda_rng"].cpu())
    return state, ""

"""What a person sees of a job that failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import ROOT
from replications.core.errors import run_command
from replications.core.evidence.failures import in_few_lines

TRACEBACK = f"""Traceback (most recent call last):
  File "/usr/lib/python3.11/runpy.py", line 226, in run_module
  File "{ROOT}/replications/uncertainty/model.py", line 39, in build_model
    raise RuntimeError('broken')
  File "/somewhere/torch/nn.py", line 5, in forward
RuntimeError: broken
"""


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("step 1\nerror: data.dvc: damaged\n", "error: train a 0: data.dvc: damaged"),
        (
            "error: first\nerror: Cityscapes cannot be fetched.\nPut there:\n  a.zip\n",
            "error: train a 0: Cityscapes cannot be fetched.\nPut there:\n  a.zip",
        ),
        (
            f"10 %\r20 %\n{TRACEBACK}",
            "error: train a 0: RuntimeError: broken (replications/uncertainty/model.py, line 39)",
        ),
        ("bash: line 1: dvc: command not found\n", "error: train a 0: bash: line 1: dvc: command "),
    ],
    ids=["message", "lines", "traceback", "shell"],
)
def test_a_failure_is_told_in_few_lines(log: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text(log)
    told = in_few_lines("train a 0", path)
    assert told.startswith(message)
    assert told.endswith("0.log")
    assert len(told.splitlines()) <= 5


def test_a_job_that_said_nothing_was_killed(tmp_path: Path) -> None:
    told = "error: train a 0: it ended without a word: killed, or out of memory"
    assert in_few_lines("train a 0", tmp_path / "none.log") == told
    assert in_few_lines("train a 0", None) == told


def _too_much_of_torch() -> None:
    torch.empty(10**15)


def _too_much_of_numpy() -> None:
    np.empty(10**15)


@pytest.mark.parametrize("program", [_too_much_of_torch, _too_much_of_numpy])
def test_memory_that_ran_out_is_told_with_what_to_do(program: Callable[[], None]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(program)
    message = str(ended.value)
    assert message.startswith("error: out of memory: ")
    assert "python -m benchmarks.memory" in message
    assert len(message.splitlines()) <= 5


def test_another_error_of_torch_keeps_its_traceback() -> None:
    with pytest.raises(RuntimeError, match="shape"):
        run_command(lambda: torch.zeros(2).view(3))  # type: ignore[arg-type]

"""Where a run trains: CPU or one CUDA device of its own, deterministic on both."""

from __future__ import annotations

import fcntl
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from replications.core.errors import StudyError


@contextmanager
def training_device(choice: str, threads: int) -> Iterator[torch.device]:
    """The device for `choice` (`auto`, `cpu` or `cuda`), made deterministic.

    With several CUDA devices visible, a free one is locked for as long as the block lasts, so that
    jobs started side by side do not share one.

    Raises:
        StudyError: CUDA is asked for and not there.
    """
    torch.set_num_threads(threads)
    # cuBLAS is deterministic only with a workspace of fixed size.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Not torch.use_deterministic_algorithms: it does the same and imports the compiler, 3 s a run.
    torch.set_deterministic_debug_mode("error")
    # That mode also fills every new tensor, a fifth of a step; nothing here reads unwritten memory.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    cuda = torch.cuda.is_available()
    if choice == "cuda" and not cuda:
        raise StudyError("device 'cuda' is asked for and torch finds none; use device=cpu or auto")
    if choice == "cpu" or not cuda:
        yield torch.device("cpu")
        return
    with _locked_device(torch.cuda.device_count()) as index:
        torch.cuda.set_device(index)
        yield torch.device("cuda", index)


@contextmanager
def _locked_device(count: int) -> Iterator[int]:
    """The index of a CUDA device that no other run of this user holds; waits for one."""
    folder = Path(tempfile.gettempdir())
    names = [torch.cuda.get_device_properties(index).uuid for index in range(count)]
    for attempt in itertools.count():
        if attempt == 1:
            print(f"waiting for one of {count} CUDA devices", file=sys.stderr, flush=True)
        for index, name in enumerate(names):
            path = folder / f"cuda-{os.getuid()}-{name}.lock"
            with path.open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield index
                return
        time.sleep(1)

"""Where a run trains: CPU or a place on a CUDA device, deterministic on both."""

from __future__ import annotations

import fcntl
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from replications.core.errors import StudyError


@contextmanager
def training_device(choice: str, threads: int, per_gpu: int = 1) -> Iterator[torch.device]:
    """The device for `choice` (`auto`, `cpu` or `cuda`), made deterministic.

    Every CUDA device has `per_gpu` places, and one is held for as long as the block lasts: of jobs
    started side by side no more than that share a device.

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
    count = torch.cuda.device_count()
    names = [str(torch.cuda.get_device_properties(index).uuid) for index in range(count)]
    with held_place(names, per_gpu, Path(tempfile.gettempdir())) as index:
        torch.cuda.set_device(index)
        yield torch.device("cuda", index)


@contextmanager
def held_place(names: Sequence[str], per_gpu: int, folder: Path) -> Iterator[int]:
    """The index of a device, of those called `names`, with a free place; waits for one.

    A place is a locked file in `folder`, which other jobs of this user look at too. The first place
    of every device is taken before the second of any. A lock goes with its process.
    """
    for attempt in itertools.count():
        if attempt == 1:
            waited = f"one of {per_gpu} places on each of {len(names)} CUDA devices"
            print(f"waiting for {waited}", file=sys.stderr, flush=True)
        for place, (index, name) in itertools.product(range(per_gpu), enumerate(names)):
            path = folder / f"cuda-{os.getuid()}-{name}-{place}.lock"
            with path.open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield index
                return
        time.sleep(1)

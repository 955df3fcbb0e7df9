"""The error a user can mend: it names the file, what was found, what was expected, what to do."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable


class StudyError(Exception):
    """A problem in an input, a setting or the surroundings; shown without a traceback."""


class DivergedError(StudyError):
    """A loss or a gradient is NaN or infinite."""


def meant(name: object, known: Iterable[str]) -> str:
    """What was likely meant by a name that is not known, as the end of a message; nothing where
    none is like it."""
    near = difflib.get_close_matches(str(name)[:60], list(known), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: that of a CUDA device, or the machine's by Python, NumPy or torch."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"  # torch's, which is not imported here
        or "DefaultCPUAllocator: can't allocate memory" in str(error)
    )


def run_command(main: Callable[[], None]) -> None:
    """Run a program; a `StudyError` or `OSError`, or that memory ran out, ends it with one message
    and status 1."""
    try:
        main()
    except StudyError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        # A full disk, a read-only folder, a missing file: the system's own words and the path.
        where = f"{error.filename}: " if error.filename else ""
        sys.exit(f"error: {where}{error.strerror or error}")
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        said = (str(error).splitlines() or ["none is left"])[0]
        sys.exit(
            f"error: out of memory: {said}\nA smaller batch_size, under `settings` in "
            "replication.yaml, needs less, and is another training.\nWhich one fits: "
            "python -m benchmarks.memory REPLICATION STUDY RUN"
        )

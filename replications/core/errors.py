"""The error a user can mend: it names the file, what was found, what was expected, what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable


class StudyError(Exception):
    """A problem in an input, a setting or the surroundings; shown without a traceback."""


class DivergedError(StudyError):
    """A loss or a gradient is NaN or infinite."""


def run_command(main: Callable[[], None]) -> None:
    """Run a program; a `StudyError` or `OSError` ends it with one message and status 1."""
    try:
        main()
    except StudyError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        # A full disk, a read-only folder, a missing file: the system's own words and the path.
        where = f"{error.filename}: " if error.filename else ""
        sys.exit(f"error: {where}{error.strerror or error}")

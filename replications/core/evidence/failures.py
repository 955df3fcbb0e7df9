"""What a person needs to know of a job that failed: what happened, in which file, where more is."""

from __future__ import annotations

import re
from pathlib import Path

from replications.core.spec import reading

_MOST = 4
"""Lines of a message."""
_FRAME = re.compile(r'^\s*File "([^"]+)", line (\d+), in (.+)$')


def in_few_lines(job: str, log: Path | None) -> str:
    """A message on a failed job, of at most five lines; `log`: the file that it wrote."""
    text = log.read_text(encoding="utf-8", errors="replace") if log and log.is_file() else ""
    said = _said(text) or ["it ended without a word: killed, or out of memory"]
    lines = [f"error: {job}: {said[0]}", *said[1:]]
    if log and text:
        lines.append(f"  all it said: {log}")
    return "\n".join(lines)


def _said(text: str) -> list[str]:
    """The last message of a log, else the last exception and where in our code it came from."""
    # What progress bars overwrite is no line of its own.
    lines = [line.rpartition("\r")[2] for line in text.rstrip().splitlines()]
    starts = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    if starts:
        found = lines[starts[-1] :][:_MOST]
        return [found[0].removeprefix("error: "), *found[1:]]
    if not lines:
        return []
    frames = [match for line in lines if (match := _FRAME.match(line))]
    ours = [frame for frame in frames if frame[1].startswith(str(reading.REPLICATIONS.parent))]
    if not ours:
        return lines[-1:]
    path, number, _ = ours[-1].groups()
    return [f"{lines[-1]} ({reading.shown(Path(path))}, line {number})"]

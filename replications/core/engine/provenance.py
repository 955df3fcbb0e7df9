"""On what, and by which command, something was made."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

import torch

from replications.core.spec import Plan, origin


def record(plan: Plan, run: str, made_from: origin.Origin, device: torch.device) -> dict[str, Any]:
    """What a folder of results says of itself: whose it is, what it is made from, and how."""
    return {
        "replication": plan.name,
        "study": plan.study,
        "run": run,
        "source_hash": made_from["source"],
        "origin": made_from,
        **provenance(device),
    }


def provenance(device: torch.device) -> dict[str, Any]:
    """Hardware and command of this process."""
    return {
        "command": ["python", "-m", _main_module(), *sys.argv[1:]],
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
    }


def _main_module() -> str:
    specification = getattr(sys.modules["__main__"], "__spec__", None)
    return specification.name if specification else Path(sys.argv[0]).name


def _processor() -> str:
    """The processor's name, as far as the system tells it."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

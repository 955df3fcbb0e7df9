"""Time and memory of planning a large study: thirty replications laid out along an axis.

Usage: python -m benchmarks.scale [--replications 30] [--values 10] [--seeds 10]

The replications are those of `make new`, in a copy of the project; each has three runs at every
value of the axis. Nothing is trained: what is measured is `snakemake --dry-run`.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replications", type=int, default=30)
    parser.add_argument("--values", type=int, default=10, help="of the axis, besides the base")
    parser.add_argument("--seeds", type=int, default=10)
    own = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        project = Path(name)
        laid_out(project, own.replications, own.values, own.seeds)
        runs = 3 * own.replications * (own.values + 1) * own.seeds
        print(f"| what, with {runs:,} runs to train | seconds | peak memory |\n|---|---|---|")
        parse = "from replications.core.spec import load_study; load_study({'study': 'large'})"
        _report("reading the specifications", [sys.executable, "-c", parse], project)
        plan = ["snakemake", "--dry-run", "--quiet", "all", "--config", "study=large"]
        _report("the whole plan, a dry run", [*plan, "families=drafts"], project)


def laid_out(project: Path, replications: int, values: int, seeds: int) -> None:
    """A copy of the project with new replications only, each with a study `large`."""
    ignore = shutil.ignore_patterns("__pycache__", "*.pdf")
    for part in ("workflow", "config", "paper", "replications/core"):
        shutil.copytree(ROOT / part, project / part, ignore=ignore)
    for file in ("data.dvc", "replications/__init__.py"):
        shutil.copy(ROOT / file, project / file)
    script = [sys.executable, str(ROOT / "workflow/scripts/new_replication.py")]
    for number in range(replications):
        made = [*script, f"r{number}", "--replications", str(project / "replications")]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        path = project / "replications" / f"r{number}" / "replication.yaml"
        steps = [1000 * (value + 1) for value in range(values)]
        study = f"\nstudies:\n  large: {{seeds: {seeds}, over: {{steps: {steps}}}}}"
        path.write_text(path.read_text(encoding="utf-8").replace("\nstudies:", study))


def _report(name: str, command: list[str], folder: Path) -> None:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"| {name} | {seconds:.1f} | {peak:,.0f} MB |", flush=True)


if __name__ == "__main__":
    main()

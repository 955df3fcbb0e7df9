"""Time and memory of planning a large study, and what Snakemake adds to each of its jobs.

Usage: python -m benchmarks.scale [--replications 30] [--values 10] [--seeds 10] [--farm 8]

The replications are those of `make new`, in a copy of the project, laid out along an axis; each has
three runs at every value of it. Nothing is trained: planning is `snakemake --dry-run`, and with
`--farm N` the workflow runs, N jobs at a time, with a second of sleep in the place of a training.
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
    parser.add_argument("--farm", type=int, default=0, help="run the jobs, as many at a time")
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
        if own.farm:
            _farm(project, runs, own.farm)


def laid_out(project: Path, replications: int, values: int, seeds: int) -> None:
    """A copy of the project with new replications only, each with a study `large`."""
    ignore = shutil.ignore_patterns("__pycache__", "*.pdf", "tmp", "cache")
    for part in (".dvc", "config", "paper", "replications/core", "workflow"):
        shutil.copytree(ROOT / part, project / part, ignore=ignore)
    (project / "data").mkdir()
    records = [path.relative_to(ROOT) for path in ROOT.glob("data/*.dvc")]
    for file in (Path("data.dvc"), Path("replications/__init__.py"), *records):
        shutil.copy(ROOT / file, project / file)
    script = [sys.executable, str(ROOT / "workflow/scripts/new_replication.py")]
    for number in range(replications):
        made = [*script, f"r{number}", "--replications", str(project / "replications")]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        path = project / "replications" / f"r{number}" / "replication.yaml"
        steps = [1000 * (value + 1) for value in range(values)]
        study = f"\nstudies:\n  large: {{seeds: {seeds}, over: {{steps: {steps}}}}}"
        path.write_text(path.read_text(encoding="utf-8").replace("\nstudies:", study))


def _farm(project: Path, runs: int, at_once: int) -> None:
    """Run all jobs of the plan that train, each a second of sleep."""
    (project / "workflow/scripts/warm.py").write_text(_SLEEPS, encoding="utf-8")
    study = ["--config", "study=large", "families=drafts", "device=cpu"]
    run = ["snakemake", "--cores", str(at_once), "--quiet", "all"]
    subprocess.run([*run, "--until", "prepare", *study], cwd=project, check=True)
    began = time.perf_counter()
    subprocess.run([*run, "--until", "train", *study], cwd=project, check=True)
    seconds = time.perf_counter() - began
    done = len([*project.glob("results/large/*/*/*/metrics.json")])
    assert done == runs, f"{done} of {runs} jobs have run"
    print(f"| its jobs, {at_once} at a time, a second each | {seconds:.0f} | |")
    print(f"| of that more than the jobs take, a job | {seconds / runs - 1 / at_once:.3f} | |")


_SLEEPS = """
import json, pathlib, sys, time

if sys.argv[1] == "serve":
    sys.stdin.read()
elif "--output" in sys.argv:
    folder = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
    folder.mkdir(parents=True, exist_ok=True)
    time.sleep(1)
    for name in ("metrics.json", "provenance.json"):
        (folder / name).write_text("{}")
"""


def _report(name: str, command: list[str], folder: Path) -> None:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"| {name} | {seconds:.1f} | {peak:,.0f} MB |", flush=True)


if __name__ == "__main__":
    main()

"""Wall time of what users wait for, and the memory of a training. Call it in a clean checkout.

Usage: python -m benchmarks.workflow [replication]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

_TEXT = Path("paper/kcc/main.tex")


def seconds(*command: str) -> float:
    """Wall time of a command that must succeed."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def after_edit() -> float:
    """Wall time to the PDF after a change of the paper's text, which is undone."""
    before = _TEXT.read_text(encoding="utf-8")
    _TEXT.write_text(before + "% edited\n", encoding="utf-8")
    try:
        return seconds("snakemake", "--cores", "2", "paper")
    finally:
        _TEXT.write_text(before, encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("replication", nargs="?", default="uncertainty")
    name = parser.parse_args().replication
    print("| what | seconds |\n|---|---|")
    print(f"| default study of {name}, from the archives | {_default_study(name):.0f} |")
    subprocess.run(["snakemake", "--cores", "2", "--quiet", "all"], check=True)
    idle = [seconds("snakemake", "--cores", "2") for _ in range(5)]
    print(f"| snakemake with nothing to do (median of 5) | {statistics.median(idle):.1f} |")
    print(f"| the PDF after an edit of its text | {after_edit():.1f} |")
    parse = "from replications.core.spec import load_study; load_study({'study': 'quick'})"
    imports = [seconds(sys.executable, "-c", parse) for _ in range(5)]
    print(f"| reading the specifications (median of 5) | {statistics.median(imports):.2f} |")
    costs = pd.read_csv(f"results/quick/{name}/costs.csv")
    print(f"\npeak memory of a training: {costs['peak_memory_mb'].max():.0f} MB")
    print(f"training alone, all runs: {costs['training_s'].sum():.0f} s (two at a time)")


def _default_study(name: str) -> float:
    """The study of one replication with no results there."""
    subprocess.run(["rm", "-rf", f"results/quick/{name}"], check=True)
    return seconds("snakemake", "--cores", "2", name)


if __name__ == "__main__":
    main()

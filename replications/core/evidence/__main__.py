"""The stages from run folders to what the paper is made from, each a command.

python -m replications.core.evidence STAGE --study S --folder results/S/<replication or family>
"""

from __future__ import annotations

import argparse
from pathlib import Path

from replications.core.errors import run_command
from replications.core.spec import load_plan


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="evidence", description=__doc__)
    stages = parser.add_subparsers(dest="stage", required=True, metavar="STAGE")
    for name, text in (
        ("summarise", "run folders of a replication to tables, LaTeX and figures"),
        ("join", "tables and figures of replications to those of their family"),
        ("choose", "learning rates by the validation metrics of a replication's runs"),
        ("publish", "what a family's paper is made from to where it is committed"),
    ):
        stage = stages.add_parser(name, help=text)
        stage.add_argument("--study", required=True)
        stage.add_argument("--folder", type=Path, required=True, help="results to read and write")
        stage.add_argument("--replications", nargs="+", required=True)
        if name in ("choose", "publish"):
            stage.add_argument("--output", type=Path, required=True, help="what to replace")
    stage = stages.add_parser("compare", help="rebuilt values against published ones")
    stage.add_argument("--folder", type=Path, required=True, help="results of a family")
    stage.add_argument("--published", type=Path, required=True, help="the same as published")
    run(parser.parse_args())


def run(arguments: argparse.Namespace) -> None:
    """Run a stage; each imports only what it needs."""
    folder: Path = arguments.folder
    if arguments.stage == "compare":
        from replications.core.evidence.compare import compare

        compare(folder, arguments.published)
        return
    plans = [load_plan(name, arguments.study) for name in arguments.replications]
    if arguments.stage == "summarise":
        from replications.core.evidence.summarise import summarise

        (plan,) = plans
        summarise(plan, folder)
    elif arguments.stage == "join":
        from replications.core.evidence.join import join

        join(plans, folder)
    elif arguments.stage == "choose":
        from replications.core.evidence.choose import choose

        (plan,) = plans
        choose(plan, folder, arguments.output)
    else:
        from replications.core.evidence.publish import publish

        publish(plans, folder, arguments.output)


if __name__ == "__main__":
    run_command(main)

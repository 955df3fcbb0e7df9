"""The stages from run folders to what the paper is made from, each a command.

python -m replications.core.evidence STAGE --folder results/S/<replication or family>
"""

from __future__ import annotations

import argparse
from pathlib import Path

from replications.core.errors import run_command
from replications.core.spec import load_plan, replication_names


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="evidence", description=__doc__)
    stages = parser.add_subparsers(dest="stage", required=True, metavar="STAGE")
    for name, text in (
        ("summarise", "run folders of a replication to tables, LaTeX and figures"),
        ("choose", "learning rates by the validation metrics of a replication's runs"),
        ("publish", "the results of a replication to where they are committed"),
    ):
        stage = stages.add_parser(name, help=text)
        stage.add_argument("--study", required=True)
        stage.add_argument("--replication", required=True)
        stage.add_argument("--folder", type=Path, required=True, help="its results")
        if name != "summarise":
            stage.add_argument("--output", type=Path, required=True, help="what to replace")
    stage = stages.add_parser("restore", help="published runs back to where a study has them")
    stage.add_argument("--study", required=True)
    stage.add_argument("--replications", nargs="+", required=True)
    stage.add_argument("--published", type=Path, required=True, help="where they are committed")
    stage.add_argument("--folder", type=Path, required=True, help="results of the study")
    stage = stages.add_parser("join", help="results of replications to those of their family")
    stage.add_argument("--replications", nargs="+", required=True)
    stage.add_argument("--sources", type=Path, required=True, help="where their folders lie")
    stage.add_argument("--folder", type=Path, required=True, help="results of the family")
    stage = stages.add_parser("compare", help="rebuilt values against published ones")
    stage.add_argument("--folder", type=Path, required=True, help="results of a family")
    stage.add_argument("--published", type=Path, nargs="+", required=True, help="replications")
    stage = stages.add_parser("forecast", help="what there is to ask for, and what it takes")
    stage.add_argument("--study", required=True)
    stage.add_argument("--families", nargs="+", required=True)
    stage.add_argument("--folder", type=Path, required=True, help="where studies lie")
    run(parser.parse_args())


def run(arguments: argparse.Namespace) -> None:
    """Run a stage; each imports only what it needs."""
    folder: Path = arguments.folder
    if arguments.stage == "compare":
        from replications.core.evidence.compare import compare

        compare(folder, arguments.published)
        return
    if arguments.stage == "join":
        from replications.core.evidence.join import join

        join(arguments.replications, arguments.sources, folder)
        return
    if arguments.stage == "forecast":
        from replications.core.evidence.forecast import show

        show(arguments.study, arguments.families, replication_names(), folder)
        return
    if arguments.stage == "restore":
        from replications.core.evidence.archive import restore

        plans = [load_plan(name, arguments.study) for name in arguments.replications]
        restore(plans, arguments.published, folder)
        return
    plan = load_plan(arguments.replication, arguments.study)
    if arguments.stage == "summarise":
        from replications.core.evidence.summarise import summarise

        summarise(plan, folder)
    elif arguments.stage == "choose":
        from replications.core.evidence.choose import choose

        choose(plan, folder, arguments.output)
    else:
        from replications.core.evidence.publish import publish

        publish(plan, folder, arguments.output)


if __name__ == "__main__":
    run_command(main)

# The plans of the study, read and checked before any rule; no torch is imported here.

import fcntl
import functools
import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir).parent))

from replications.core import layout
from replications.core.engine import source
from replications.core.errors import StudyError
from replications.core.spec import MOLECULES, load_plans

try:
    STUDY, PLANS = load_plans(config)
except StudyError as error:
    raise WorkflowError(str(error))

# Computed once: each reads every file that a training, or the evidence, depends on.
training_hash = functools.cache(source.training_hash)
evidence_hash = functools.cache(source.evidence_hash)

RESULTS = f"results/{STUDY.study}"
SUMMARY = [f"{RESULTS}/{{replication}}/{table}" for table in layout.TABLES]
GENERATED = [f"{RESULTS}/generated/{file}" for file in layout.for_paper(PLANS.values())]
PUBLICATION = Path("results/published/study.json")
PUBLISHED = (
    json.loads(PUBLICATION.read_text())["replications"] if PUBLICATION.is_file() else []
)
HAS_CUDA = STUDY.device != "cpu" and shutil.which("nvidia-smi") is not None


wildcard_constraints:
    replication="|".join(PLANS),
    run="[a-z0-9_]+",
    experiment="[a-z0-9_]+",
    seed="[0-9]+",
    size="[0-9]+(x[0-9]+)+",


def prepared(plan, file):
    """`file` of the prepared dataset a plan trains on."""
    size = "x".join(map(str, plan.settings.size))
    return f"data/prepared/{plan.dataset}-{size}/{file}"


# The paper describes the pictures of the study; where it has none, those of Streets all the same.
PICTURES = [plan for plan in PLANS.values() if plan.dataset not in MOLECULES]
DESCRIBED = (
    prepared(PICTURES[0], "dataset.json")
    if PICTURES
    else "data/prepared/streets-128x256/dataset.json"
)


def run_files(name, files):
    """The `files` of every run folder of a replication."""
    plan = PLANS[name]
    return [
        f"{RESULTS}/{name}/{run}/{seed}/{file}"
        for run in plan.runs
        for seed in range(plan.seeds)
        for file in files
    ]


def experiment_files(name):
    """The files of every experiment of a replication."""
    return [
        f"{RESULTS}/{name}/{experiment}/{file}"
        for experiment in PLANS[name].experiments
        for file in layout.EXPERIMENT_FILES
    ]


def of_replication(name):
    """Everything that is built for one replication."""
    folder = f"{RESULTS}/{name}"
    return [
        *(f"{folder}/{table}" for table in layout.TABLES),
        *(f"{folder}/{figure}.pdf" for figure in layout.figures(PLANS[name])),
        *(f"{folder}/{file}" for file in layout.LATEX),
        f"{folder}/numbers.tex",
        *run_files(name, ["metrics.json"]),
    ]


onstart:
    # In place of Snakemake's own lock, which a killed process leaves behind: this one goes with
    # the process, so after any kill the next call simply carries on.
    lock_file = Path(".snakemake/study.lock").open("w")
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise WorkflowError(
            "another snakemake is at work in this folder; wait for it to end"
        )
    workflow.study_lock = lock_file
    # Snakemake's limit of jobs per second starts one more timer with every job that ends, and each
    # wakes the scheduler every second: after some hundreds of jobs that takes a whole core.
    workflow.scheduler.job_rate_limiter = None

# The plans of the study, read and checked before any rule; no torch is imported here.

import contextlib
import functools
import io
import os
import sys
import time
from pathlib import Path

from snakemake.cli import parse_args
from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir).parent))
# What jobs call is of the environment that Snakemake is of, whether it has been activated or not.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)

from replications.core.errors import StudyError, meant
from replications.core.spec import chooses, layout, load_study, origin

try:
    STUDY = load_study(config)
except StudyError as error:
    raise WorkflowError(str(error))

PLANS, FAMILIES, BUILT = STUDY.plans, STUDY.families, STUDY.built
TRAINING = STUDY.training  # and the plans of what replications take runs over from
RESULTS = f"results/{STUDY.config.study}"
PUBLISHED, DRAFT, SITE = "results/published", "results/draft", "results/site"
DEVICE = origin.device_of(STUDY.config.device)
# What is given counts devices, and what a training asks for is one place on one.
DEVICES = workflow.global_resources.get("gpu").value or 1
workflow.register_resource("gpu", DEVICES * STUDY.config.trainings_per_gpu)
MAIN = "kcc"  # the family whose paper is called main.pdf
# What the process imports, and reads, that trainings are forked from.
PRELOADED = [
    "replications.core.engine.train",
    *(f"replications.{name}.model" for name in TRAINING),
    *{
        options.module_of(options.implementation)
        for plan in TRAINING.values()
        for options in (plan.data, *plan.settings.tasks.values())
    },
    *(
        f"replications.core.spec:load_plan:{name}:{STUDY.config.study}"
        for name in TRAINING
    ),
]


wildcard_constraints:
    replication="|".join(TRAINING),
    run="[a-z0-9_]+(@[a-zA-Z0-9_.,=+-]+)?",
    experiment=f"(?!{layout.FLOOR}/)[a-z0-9_]+",
    seed="[0-9]+",


# What is made from other code, settings or data than the study asks for is made anew, whatever its
# time stamp says and wherever it came from: it gets an input that is newer than anything.
@functools.cache
def newer():
    path = Path(".snakemake/made-from-something-else")
    path.parent.mkdir(exist_ok=True)
    # Of a file whose content stays the same Snakemake ignores the time stamp.
    path.write_text(str(time.time_ns()))
    return str(path)


def again(stale):
    """The newer input of a job whose outputs are stale."""
    return [newer()] if stale else []


@functools.cache
def run_origin(replication, run):
    return origin.of_run(TRAINING[replication], run, STUDY.config.threads, DEVICE)


@functools.cache
def evidence_origin(replication):
    return origin.of_evidence(PLANS[replication], Path(RESULTS, replication))


@functools.cache
def data_hash(folder):
    """Hash of a prepared dataset; empty where there is none."""
    description = origin.read(Path(folder) / layout.DESCRIPTION)
    return origin.of_data(description) if "arrays" in description else ""


@functools.cache
def run_is_stale(replication, run, seed):
    """Whether a run folder, or that of a run that it needs, is made from something else."""
    plan, folder = TRAINING[replication], Path(RESULTS, replication, run, str(seed))
    data = data_hash(plan.settings_of(run).data.folder)
    expected = run_origin(replication, run) | {"seed": int(seed)}
    expected |= {"data": data} if data else {}
    return origin.is_stale(
        folder, expected | origin.of_needed(plan, run, folder)
    ) or any(
        run_is_stale(plan.owner(name).name, name, seed)
        for name in plan.runs[run].needs.values()
    )


def floor_is_stale(replication):
    """Whether the floors of a replication are made from something else."""
    plan = TRAINING[replication]
    data = data_hash(plan.data.folder)
    expected = origin.of_floor(plan) | ({"data": data} if data else {})
    return origin.is_stale(Path(RESULTS, replication, layout.FLOOR), expected)


def training_inputs(wildcards):
    """The data, the runs that this one needs, and where its folder is stale what makes it anew."""
    name, run, seed = wildcards.replication, wildcards.run, wildcards.seed
    plan = TRAINING[name]
    needed = [
        f"{layout.run_folder(Path(RESULTS, name), plan, other, seed)}/{layout.ORIGIN}"
        for other in plan.runs[run].needs.values()
    ]
    data = f"{plan.settings_of(run).data.folder}/{layout.DESCRIPTION}"
    # Their hash is in their name: weights that were fetched again are the same.
    weights = [
        ancient(str(layout.weights_folder() / file))
        for file in plan.model_of(run).weights
    ]
    return [data, *weights, *needed, *again(run_is_stale(name, run, seed))]


def chosen_rates(wildcards):
    """The files of rates that the study writes."""
    study = STUDY.config.study
    if not chooses(study):
        raise WorkflowError(
            f"study '{study}' chooses no learning rates; add --config study=tuning"
        )
    return [f"replications/{name}/{study}.csv" for name in PLANS]


def run_files(name, files, taken_over=True):
    """The `files` of every run folder of a replication; with those of runs that it takes over."""
    plan = PLANS[name]
    return [
        f"{layout.run_folder(Path(RESULTS, name), plan, run, seed)}/{file}"
        for run, spec in plan.runs.items()
        if taken_over or not spec.of
        for seed in plan.seed_numbers
        for file in files
    ]


def experiment_files(name):
    """The files of every experiment of a replication."""
    return [
        f"{RESULTS}/{name}/{experiment}/{file}"
        for experiment in PLANS[name].experiments
        for file in layout.EXPERIMENT_FILES
    ]


def floor_files(name):
    """The files of the floors of a replication."""
    folder = layout.floor_folder(Path(RESULTS, name), PLANS[name])
    return [f"{folder}/{file}" for file in layout.FLOOR_FILES]


def of_replication(name):
    """Everything that is built for one replication."""
    folder = f"{RESULTS}/{name}"
    return [
        *(f"{folder}/{table}" for table in layout.TABLES),
        *(f"{folder}/{figure}.pdf" for figure in layout.figures(PLANS[name])),
        *run_files(name, ["metrics.json"]),
    ]


def published_names(names):
    """Those of the replications that are published."""
    return [name for name in names if Path(PUBLISHED, name, layout.ORIGIN).is_file()]


def published_of(family):
    """Those of a family that are published, whether or not they have the study."""
    return published_names(STUDY.asked[family])


@functools.cache
def published_plans():
    """The plans of what is published, each in its own study."""
    try:
        return origin.published_plans(Path(PUBLISHED))
    except StudyError as error:
        raise WorkflowError(str(error))


def some_or_refused(published):
    """The replications that are published, at least one."""
    if not published:
        raise WorkflowError(f"nothing of {', '.join(BUILT)} is published yet")
    return published


@functools.cache
def datasets(published):
    """The options of the datasets of the study, or of what is published, by their folders."""
    plans = published_plans() if published else PLANS
    return {
        Path(settings.data.folder).name: settings.data
        for plan in plans.values()
        for settings in (plan.settings, *plan.varied.values())
    }


def dataset(prepared):
    """The options of a prepared dataset: of the study, else of what is published."""
    own = datasets(published=False)
    known = own if prepared in own else datasets(published=True)
    if prepared not in known:
        raise WorkflowError(
            f"no dataset '{prepared}'{meant(prepared, own)}; there are: {', '.join(own)}"
        )
    return known[prepared]


def published_elsewhere(names):
    """Those whose published results are of another study, and shown beside this one's."""
    found = {name: Path(PUBLISHED, name, layout.ORIGIN) for name in names}
    return [
        name
        for name, path in found.items()
        if origin.read(path).get("study") not in (None, STUDY.config.study)
    ]


def of_other_domains(names):
    """The other replications whose published results are compared with those of several domains."""
    # While rates are chosen there may be none yet by which what is published was trained.
    if chooses(STUDY.config.study) or not layout.several_domains(
        [PLANS[name] for name in names]
    ):
        return []
    return [name for name in published_plans() if name not in names]


def published_origin(names):
    """What the published results of replications are made from."""
    found = {
        name: origin.read(Path(PUBLISHED, name, layout.ORIGIN)).get("origin")
        for name in names
    }
    return origin.of_joined(found)


def of_family(family):
    """Everything that is built for one family."""
    return [
        *(file for name in FAMILIES[family] for file in of_replication(name)),
        f"{RESULTS}/{family}/runs.csv",
        pdf(family),
        pdf(family, "supplement"),
        *(
            [f"{RESULTS}/{family}/published.csv"]
            if published_names(FAMILIES[family])
            else []
        ),
    ]


def pdf(family, document="main"):
    """The PDF of a family's paper, supplement, draft or final copy."""
    if family == MAIN:
        return f"paper/{document}.pdf"
    return (
        f"paper/{family}.pdf"
        if document == "main"
        else f"paper/{family}-{document}.pdf"
    )


def refuse_unknown():
    """Refuse targets that nothing makes, in one line and with what was likely meant."""
    names = [rule.name for rule in workflow.rules]
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    if all(word in names or word.isdigit() or "=" in word for word in words):
        return  # the usual; parsing what was called takes a while
    with contextlib.redirect_stderr(io.StringIO()):
        called = parse_args(sys.argv[1:])[1]
    for target in called.targets:
        first, *parts = Path(target).parts
        if not parts and target not in names and not Path(target).exists():
            raise WorkflowError(
                f"no target '{target}'{meant(target, names)}; snakemake help lists them"
            )
        if first != "results" or len(parts) < 3 or parts[0] in ("published", "draft"):
            continue
        study, name, run, *rest = parts
        if study != STUDY.config.study:
            raise WorkflowError(
                f"{target}: the study is {STUDY.config.study}; another one is asked for with"
                f" --config study={study}"
            )
        if name not in {*TRAINING, *FAMILIES, "logs"}:
            raise WorkflowError(
                f"{target}: no replication '{name}'{meant(name, TRAINING)}"
            )
        known = TRAINING[name].runs if name in TRAINING else {}
        if len(rest) == 2 and known and run not in known:
            raise WorkflowError(f"{target}: no run '{run}'{meant(run, known)}")

"""Specifications: `replication.yaml` and the study's configuration, checked before anything runs.

Free of torch: the workflow reads these when it is parsed.
"""

from replications.core.spec import origin
from replications.core.spec.axes import base_of, written
from replications.core.spec.claims import (
    ALL_TASKS,
    DELTA_METRICS,
    SINGLES,
    Agreement,
    Better,
    Bound,
    Claim,
    Comparison,
    DeltaM,
    Saving,
    Verdict,
)
from replications.core.spec.options import (
    DatasetOptions,
    ModelOptions,
    Positive,
    Strict,
    TaskOptions,
    WeightingOptions,
    declared,
)
from replications.core.spec.plan import (
    Plan,
    load_plan,
    load_replication,
    model_options,
    replication_names,
    tested_elsewhere,
)
from replications.core.spec.reading import REPLICATIONS
from replications.core.spec.replication import Experiment, Replication, Study
from replications.core.spec.study import StudyConfig, StudyPlans, load_study
from replications.core.spec.training import Optimizer, Phase, Role, Run, Schedule, Settings

__all__ = [
    "ALL_TASKS",
    "DELTA_METRICS",
    "REPLICATIONS",
    "SINGLES",
    "Agreement",
    "Better",
    "Bound",
    "Claim",
    "Comparison",
    "DatasetOptions",
    "DeltaM",
    "Experiment",
    "ModelOptions",
    "Optimizer",
    "Phase",
    "Plan",
    "Positive",
    "Replication",
    "Role",
    "Run",
    "Saving",
    "Schedule",
    "Settings",
    "Strict",
    "Study",
    "StudyConfig",
    "StudyPlans",
    "TaskOptions",
    "Verdict",
    "WeightingOptions",
    "base_of",
    "declared",
    "load_plan",
    "load_replication",
    "load_study",
    "model_options",
    "origin",
    "replication_names",
    "tested_elsewhere",
    "written",
]

"""Specifications: `replication.yaml` and the study's configuration, checked before anything runs.

Free of torch: the workflow reads these when it is parsed.
"""

from replications.core.spec.claims import (
    ALL_TASKS,
    DELTA_METRICS,
    SINGLES,
    Agreement,
    Bound,
    Claim,
    Comparison,
    DeltaM,
    Saving,
    Verdict,
)
from replications.core.spec.plan import (
    Plan,
    StudyConfig,
    load_plan,
    load_plans,
    load_replication,
    model_options,
    replication_names,
)
from replications.core.spec.reading import REPLICATIONS
from replications.core.spec.replication import (
    MOLECULES,
    DatasetName,
    Experiment,
    Replication,
    Study,
)
from replications.core.spec.training import Augmentation, Optimizer, Role, Run, Schedule, Settings

__all__ = [
    "ALL_TASKS",
    "DELTA_METRICS",
    "MOLECULES",
    "REPLICATIONS",
    "SINGLES",
    "Agreement",
    "Augmentation",
    "Bound",
    "Claim",
    "Comparison",
    "DatasetName",
    "DeltaM",
    "Experiment",
    "Optimizer",
    "Plan",
    "Replication",
    "Role",
    "Run",
    "Saving",
    "Schedule",
    "Settings",
    "Study",
    "StudyConfig",
    "Verdict",
    "load_plan",
    "load_plans",
    "load_replication",
    "model_options",
    "replication_names",
]

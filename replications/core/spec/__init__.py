"""Specifications: `replication.yaml` and the study's configuration, checked before anything runs.

Free of torch: the workflow reads these when it is parsed.
"""

from replications.core.spec import origin
from replications.core.spec.axes import base_of, variant_name, written
from replications.core.spec.claims import (
    ALL_TASKS,
    DELTA_METRICS,
    Agreement,
    Better,
    Bound,
    Claim,
    Comparison,
    Saving,
    Verdict,
)
from replications.core.spec.loading import (
    load_plan,
    load_replication,
    replication_names,
    tested_elsewhere,
)
from replications.core.spec.options import (
    DatasetOptions,
    TaskOptions,
    WeightingOptions,
    declared,
)
from replications.core.spec.plan import Plan
from replications.core.spec.reading import REPLICATIONS
from replications.core.spec.replication import Replication
from replications.core.spec.study import load_study
from replications.core.spec.training import (
    ITSELF,
    Optimizer,
    Phase,
    Run,
    Schedule,
    Settings,
)
from replications.core.spec.tuning import (
    AT_END,
    CHOSEN,
    COLUMNS,
    RATE,
    TUNING,
    chooses,
    tuning_study,
)

__all__ = [
    "ALL_TASKS",
    "AT_END",
    "CHOSEN",
    "COLUMNS",
    "DELTA_METRICS",
    "ITSELF",
    "RATE",
    "REPLICATIONS",
    "TUNING",
    "Agreement",
    "Better",
    "Bound",
    "Claim",
    "Comparison",
    "DatasetOptions",
    "Optimizer",
    "Phase",
    "Plan",
    "Replication",
    "Run",
    "Saving",
    "Schedule",
    "Settings",
    "TaskOptions",
    "Verdict",
    "WeightingOptions",
    "base_of",
    "chooses",
    "declared",
    "load_plan",
    "load_replication",
    "load_study",
    "origin",
    "replication_names",
    "tested_elsewhere",
    "tuning_study",
    "variant_name",
    "written",
]

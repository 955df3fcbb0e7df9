"""The published tables as a data package: every table, every column, what it means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

DATA_PACKAGE = "datapackage.json"
_TABLES = {
    "runs": "Every metric of every training, one value a row.",
    "costs": "What every training and its network cost.",
    "delta_m": "The relative change against single-task runs, in three definitions.",
    "comparisons": "The paired differences that claims rest on, at the last budget.",
    "claims": "Claims, their evidence and their verdicts.",
    "ladder": "The differences that claims rest on, at every budget.",
    "transfer": "What training together changed for each task.",
    "overfitting": "Metrics on the training and on the test split.",
    "floors": "What a prediction reaches that never sees its input.",
    "reaching": "How soon a run reaches its single-task counterpart's final value.",
    "provenance": "What every training and experiment was made from, and by which command.",
}
_TEXT = {
    "replication": "the replicated system",
    "run": "the trained model, as the replication's specification calls it",
    "axis": "where the run lies on the axes along which it is laid out",
    "condition": "what it was evaluated under; empty for the usual condition",
    "role": "single (one task), multi (several), or experiment",
    "split": "train, val or test",
    "task": "the task; all for a metric of all tasks together",
    "metric": "the metric of the task",
    "unit": "the unit of the metric",
    "claim": "number of the claim within its replication",
    "title": "what the claim says",
    "verdict": "reproduced, partly, mixed, contradicted or undecided",
    "reason": "why a claim is undecided, where it is not for want of evidence",
    "parts_for": "comparisons that hold",
    "parts_against": "comparisons that are reversed",
    "parts_open": "comparisons that are open",
    "parts_lacking": "comparisons whose runs were not trained",
    "against": "the run compared with",
    "slope": "the axis along which the slope of the difference is meant",
    "beyond": "the metric whose difference is subtracted",
    "dominant": "what makes the difference most unsure: seeds or samples",
    "definition": "of delta_m",
    "together_with": "the other tasks of the run",
    "transfer": "positive, negative or unclear",
    "at_floor": "runs that are no better than the floor",
    "device": "cpu or cuda",
    "data_md5": "first digits of the MD5 of the data, split by split",
    "source_hash": "hash of the code that was executed",
    "study": "the study, which sets the size of everything",
    "python": "version of Python",
    "processor": "the processor",
    "command": "the command",
}
_WHOLE = {
    "seed": "the random seed",
    "seeds": "how many seeds",
    "steps": "optimiser steps",
    "part": "number of the comparison within its claim",
    "settled_from": "the least budget, in steps, from which on the verdict is the same",
    "reached": "seeds that reach the value",
    "threads": "CPU threads of a training",
}
_LOGICAL = {
    "higher_is_better": "whether higher values are better",
    "meaningful": "whether the single-task values are steady enough to be relative to",
    "complete": "whether every run of the claim was trained",
    "relative": "whether the difference is in percent of the other run's mean",
}
_NUMBERS = {
    "value": "the value, in its unit",
    "difference": "mean difference over seeds, positive in favour of the claim",
    "low": "lower end of the 95 % interval over seeds",
    "high": "upper end of the 95 % interval over seeds",
    "low_both": "lower end of the 95 % interval over seeds and test samples",
    "high_both": "upper end of the 95 % interval over seeds and test samples",
    "percent": "the difference in percent of the other run's mean",
    "p": "of an exact two-sided sign-flip test over seeds",
    "seeds_needed": "seeds below which no verdict is possible",
    "p_all": "of all comparisons holding",
    "p_for": "of some comparison holding",
    "p_against": "of some comparison being reversed",
    "effect_size": "Hedges' g",
    "margin": "how much worse the run may be, in the metric's unit",
    "parameters": "of the network that inference needs",
    "flops": "floating-point operations of one prediction",
    "latency_ms": "median time of one prediction, milliseconds",
    "latency_separate_ms": "the same of the single-task networks in turn",
    "training_s": "seconds of training",
    "peak_memory_mb": "peak memory of training, megabytes",
    "gain": "change against the single-task run, percent, positive better",
    "floor": "what a prediction reaches that never sees its input",
    "least": "what a run must reach to be believed",
}


def data_package(folder: Path) -> dict[str, Any]:
    """The description of the tables in the folders of published replications."""
    return {
        "name": "multi-task-learning-study",
        "title": "Does multi-task learning pay? Published results",
        "profile": "tabular-data-package",
        "licenses": [{"name": "MIT", "title": "MIT License"}],
        "resources": [
            _resource(path.relative_to(folder))
            | {"schema": {"fields": list(_fields(path)), "missingValues": [""]}}
            for path in sorted(folder.glob("*/*.csv"))
        ],
    }


def _resource(path: Path) -> dict[str, Any]:
    return {
        "name": f"{path.parent.name}-{path.stem}".replace("_", "-"),
        "path": path.as_posix(),
        "description": _TABLES[path.stem],
        "profile": "tabular-data-resource",
        "format": "csv",
        "encoding": "utf-8",
    }


def _fields(path: Path) -> Iterator[dict[str, str]]:
    """Name, type and meaning of each column; of those not known here, the type of the values."""
    known = (("string", _TEXT), ("integer", _WHOLE), ("boolean", _LOGICAL), ("number", _NUMBERS))
    columns = pd.read_csv(path).dtypes
    for name, values in columns.items():
        kind, meaning = next(
            ((kind, own[str(name)]) for kind, own in known if name in own),
            ("number" if pd.api.types.is_numeric_dtype(values) else "string", ""),
        )
        # A version such as 1.0 is no number, nor is a share of steps a whole one.
        kind = "string" if path.stem == "provenance" and kind == "number" else kind
        field = {"name": str(name), "type": kind}
        if (path.stem, name) == ("reaching", "steps"):
            field["type"] = "number"
        yield field | ({"description": meaning} if meaning else {})

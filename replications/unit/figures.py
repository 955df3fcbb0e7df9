"""The figure of this replication: which classes of texts are taken for which."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from replications.core.data.labels import Array
from replications.core.drawing import COLUMN, MM, heatmap
from replications.core.evidence.naming import task_name
from replications.core.evidence.study import Results
from replications.unit.scenes.texts import CLASSES

_CLASSES = {
    "negative": "부정",
    "positive": "긍정",
    "none": "없음",
    "gender": "성별",
    "others": "기타",
    "offensive": "모욕",
    "hate": "혐오",
}


def confusion(results: Results) -> Figure:
    """Of the texts of a class (row) of seed 0's examples, the share that is taken for each class
    (column): alone, and by the reference run."""
    reference = results.plan.replication.reference
    tasks = [task for task in results.plan.runs[reference].tasks if task in CLASSES]
    runs = {reference: results.plan.runs[reference].title}
    size = (COLUMN, 30 * len(tasks) * MM)
    figure, axes = plt.subplots(len(tasks), 2, figsize=size, layout="constrained", squeeze=False)
    for row, task in zip(axes, tasks, strict=True):
        names = [_CLASSES[name] for name in CLASSES[task]]
        single = results.plan.single_of(task, reference)
        titles = {single: results.plan.runs[single].title} | runs
        for axis, (run, title) in zip(row, titles.items(), strict=True):
            arrays = results.examples(run)
            shares = taken_for(arrays[f"truth_{task}"], arrays[f"predicted_{task}"], len(names))
            heatmap(axis, shares, names, names)
            axis.set_title(title, fontsize=7)
        row[0].set_ylabel(task_name(task), fontsize=7)
    return figure


def taken_for(truth: Array, predicted: Array, classes: int) -> Array:
    """(C, C): of the samples of each class the share that is taken for each; NaN without any."""
    counts = np.zeros((classes, classes))
    np.add.at(counts, (truth.ravel().astype(int), predicted.ravel().astype(int)), 1)
    there = counts.sum(axis=1, keepdims=True)
    found: Array = np.where(there > 0, counts / np.maximum(there, 1), np.nan)
    return found

"""Pictures as they were sent and as they arrive."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from replications.core.data.examples import Examples
from replications.core.drawing import COLUMN, MM


def figure(examples: Examples) -> Figure:
    """A column per picture: sent, and received alone and jointly, with what it is taken for."""
    sent = examples.inputs["image"][:, 0]
    rows = {"보냄": sent}
    whole, kinds = examples.tasks.get("reconstruction"), examples.tasks.get("category")
    if whole is not None:
        rows |= {"단일": whole.single[:, 0], examples.title: whole.joint[:, 0]}
    size = (COLUMN, (6 + 13 * len(rows)) * MM)
    drawn, axes = plt.subplots(
        len(rows), len(sent), figsize=size, layout="constrained", squeeze=False
    )
    for line, (title, pictures) in zip(axes, rows.items(), strict=True):
        for axis, picture in zip(line, pictures, strict=True):
            axis.imshow(picture, cmap="gray_r", vmin=0, vmax=255 if title == "보냄" else 1)
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(title, fontsize=6.5)
    if kinds is not None:
        for axis, found, truth in zip(axes[-1], kinds.joint, kinds.truth, strict=True):
            axis.set_xlabel(f"{int(found)}({int(truth)})", fontsize=6.5)
    return drawn

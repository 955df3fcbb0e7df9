"""What training sends over the channel: symbols, and gradients that come back."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch

from replications.core.engine.experiment import Measured, run_experiment
from replications.core.engine.phases import stretches
from replications.core.nets.channel import capacity
from replications.core.spec import Plan

_BITS = 16
"""Of a number that is sent once, without error."""
_GREY = 8
"""Bits of a pixel."""
_SIXTEENTH = 16
"""Pixels of a feature's place."""


def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """A row per way of training, in symbols of the channel.

    Together: in every step the symbols of a batch, and as many numbers of their gradient back,
    without error by an ideal code. Apart, `anew`: the symbols of a batch in every step of the
    decoders. Apart, `once`: the receiver gets the symbols of every training picture once, by such
    a code as well, and adds the channel's noise itself. Each way the pictures that are to be
    recovered go to the receiver once, by such a code too.
    """
    settings, options = plan.settings_of("joint"), plan.model_of("joint")
    height, width = settings.data.facts["height"], settings.data.facts["width"]
    symbols = height * width // _SIXTEENTH * options.features // 2  # type: ignore[attr-defined]
    decoding = sum(
        stretch.steps
        for stretch in stretches(plan.runs["contrastive"], plan.settings_of("contrastive"))
        if stretch.phase.name == "decode"
    )
    carried = capacity(options.snr_db)  # type: ignore[attr-defined]
    uses = 2 * _BITS / carried
    samples = settings.data.training_samples or 0
    targets = samples * height * width * _GREY / carried
    together = targets + (1 + uses) * settings.steps * settings.batch_size * symbols
    rows = {
        "together": together,
        "anew": targets + decoding * settings.batch_size * symbols,
        "once": targets + samples * symbols * uses,
    }
    table = pd.DataFrame({"training": rows.keys(), "symbols": rows.values()})
    return table, {name: rows[name] / together for name in ("anew", "once")}


if __name__ == "__main__":
    run_experiment("asynchronous", "traffic", measure)

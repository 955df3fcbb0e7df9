"""Pictures by WebP and the LDPC code of 5G, which is in use and not ideal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from replications.core.engine.assembly import build_split
from replications.core.engine.evaluate import evaluate
from replications.core.engine.experiment import Measured, run_experiment
from replications.core.evidence.statistics import interval
from replications.core.inference.trained import load_trained
from replications.core.nets.channel_code import ChannelCode, fastest
from replications.core.spec import Plan
from replications.core.spec.layout import run_folder
from replications.graph_attention_interblock.webp import squeezed

APART, TOGETHER = "apart", "attention"
_CHECK, _GREY = 24, 127


def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """A row per seed, ratio and task, with the primary metric coded together and apart, and how
    much better together is; the numbers are the ends of that difference's 95 % interval over
    seeds, as `<task>.<ratio>.low` and `.high`."""
    table = pd.DataFrame(_compared(plan, folder, device))
    numbers: dict[str, float] = {}
    for (task, ratio), own in table.groupby(["task", "snr_db"]):
        ends = interval(own["better"].to_numpy())
        named = zip(("low", "high"), ends, strict=True)
        numbers |= {f"{task}.{ratio:g}.{name}": end for name, end in named if np.isfinite(end)}
    return table, numbers


def _compared(plan: Plan, folder: Path, device: torch.device) -> Iterator[dict[str, object]]:
    """The rows; pictures are coded once, for all seeds."""
    usual = plan.model_of(TOGETHER).snr_db  # type: ignore[attr-defined]
    links: dict[float, Link] = {}
    for seed in plan.seed_numbers:
        apart, together = (
            load_trained(run_folder(folder, plan, run, seed), device) for run in (APART, TOGETHER)
        )
        apart.learner.code = None  # type: ignore[assignment]
        split = build_split(plan.data, Path(plan.data.folder), "test", apart.tasks, device)
        whole = split.inputs["image"]
        for ratio in sorted({*plan.settings.at["snr_db"], usual}):
            if ratio not in links:
                trials = plan.experiments["separate"].options["trials"]
                symbols = apart.learner.symbols(whole)  # type: ignore[operator]
                links[ratio] = Link(whole, fastest(symbols, ratio, trials), ratio)
            split.inputs["image"] = whole
            under = {"snr_db": ratio}
            own = evaluate(
                together.learner, together.tasks, split, seed, complete=True, condition=under
            )
            split.inputs["image"], lost = links[ratio].delivered(seed)
            other = evaluate(apart.learner, apart.tasks, split, seed, complete=True)
            for task, metric in plan.replication.headline.items():
                one, two = own[task][metric], other[task][metric]
                sign = 1 if one.higher_is_better else -1
                yield {
                    **{"seed": seed, "snr_db": ratio, "task": task, "metric": metric},
                    **{"unit": one.unit, "together": one.value, "apart": two.value},
                    **{"better": sign * (one.value - two.value)},
                    **{"bytes": links[ratio].bytes, "lost": lost},
                }


class Link:
    """Pictures, uint8 (N, 3, H, W), as WebP leaves them in what a code carries at a ratio, 24 bits
    of which say whether all arrived; `bytes`: their mean size."""

    def __init__(self, pictures: Tensor, code: ChannelCode, ratio: float) -> None:
        self.code, self.ratio = code, ratio
        most = (code.bits - _CHECK) // 8
        found = [squeezed(picture, most) for picture in pictures.cpu().numpy()]
        self.pictures = torch.from_numpy(np.stack([own for own, _ in found])).to(pictures.device)
        self.bytes = float(np.mean([size for _, size in found]))

    def delivered(self, seed: int) -> tuple[Tensor, int]:
        """As they arrive through the noise of a seed, and how many are lost, and grey."""
        count = len(self.pictures)
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            # 5G scrambles what it sends: random bits stand for those of the pictures.
            bits = torch.randint(0, 2, (count, self.code.bits))
            lost = (self.code.delivered(bits, self.ratio) != bits).any(dim=1)
        found = self.pictures.clone()
        found[lost.to(found.device)] = _GREY
        return found, int(lost.sum())


if __name__ == "__main__":
    run_experiment("graph_attention_interblock", "separate", measure)

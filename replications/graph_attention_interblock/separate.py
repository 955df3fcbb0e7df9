"""Source and channel coded apart: the picture by WebP, its bits by an ideal code or by that of 5G.

The receiver decodes the picture and runs on it the network that learned without noise, of clear
pictures. An ideal code reaches the capacity of the channel, which no real code does, and none this
short. The LDPC code of 5G is what is in use; a picture whose bits do not all arrive is lost, and
grey.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from replications.core.data.labels import Array
from replications.core.engine.assembly import build_split
from replications.core.engine.evaluate import evaluate
from replications.core.engine.experiment import Measured, run_experiment
from replications.core.evidence.statistics import interval
from replications.core.inference.trained import load_trained
from replications.core.nets.channel import capacity
from replications.core.nets.channel_code import ChannelCode, fastest
from replications.core.spec import Plan
from replications.core.spec.layout import run_folder

CLEAN, SENT = "clean", "attention"
_SCALES = (1, 2, 4)
"""By how much a picture may be made smaller."""
_CHECK, _GREY = 24, 127


def squeezed(picture: Array, most: int) -> tuple[Array, int]:
    """A picture, uint8 (3, H, W), as it is after WebP in at most so many bytes, and how many it
    took: of the quality and size that leave the least squared error, or its mean colour if nothing
    fits."""
    whole = Image.fromarray(picture.transpose(1, 2, 0))
    mean = picture.mean(axis=(1, 2), keepdims=True).round().astype(np.uint8)
    fitting = [(np.broadcast_to(mean, picture.shape), mean.size)]
    for scale in _SCALES:
        small = whole.resize((whole.width // scale, whole.height // scale), Image.Resampling.BOX)
        low, high, best = 0, 100, b""
        while low <= high:
            quality = (low + high) // 2
            file = io.BytesIO()
            small.save(file, "WEBP", quality=quality, method=6)
            if file.tell() <= most:
                low, best = quality + 1, file.getvalue()
            else:
                high = quality - 1
        if best:
            with Image.open(io.BytesIO(best)) as decoded:
                found = decoded.convert("RGB").resize(whole.size, Image.Resampling.BILINEAR)
            fitting.append((np.asarray(found).transpose(2, 0, 1), len(best)))
    return min(fitting, key=lambda own: np.square(own[0].astype(float) - picture).sum())


def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """A row per seed, ratio, code and task, with the primary metric coded together and apart, and
    how much better together is; the numbers are the ends of that difference's 95 % interval over
    seeds, as `<task>.<ratio>.<code>.low` and `.high`."""
    table = pd.DataFrame(_compared(plan, folder, device))
    numbers: dict[str, float] = {}
    for (task, ratio, code), own in table.groupby(["task", "snr_db", "code"]):
        ends = interval(own["better"].to_numpy())
        named = zip(("low", "high"), ends, strict=True)
        numbers |= {f"{task}.{ratio:g}.{code}.{name}": e for name, e in named if np.isfinite(e)}
    return table, numbers


def _compared(plan: Plan, folder: Path, device: torch.device) -> Iterator[dict[str, object]]:
    """The rows; pictures are coded once, for all seeds."""
    usual = plan.model_of(SENT).snr_db  # type: ignore[attr-defined]
    ratios = sorted({*plan.settings.at["snr_db"], usual})
    links: dict[float, list[Link]] = {}
    for seed in plan.seed_numbers:
        clean, sent = (
            load_trained(run_folder(folder, plan, run, seed), device) for run in (CLEAN, SENT)
        )
        split = build_split(plan.data, Path(plan.data.folder), "test", clean.tasks, device)
        whole = split.inputs["image"]
        links = links or {ratio: _links(whole, plan, ratio) for ratio in ratios}
        for ratio, own in links.items():
            split.inputs["image"] = whole
            together = evaluate(
                sent.learner, sent.tasks, split, seed, complete=True, condition={"snr_db": ratio}
            )
            for link in own:
                split.inputs["image"], lost = link.delivered(seed)
                apart = evaluate(clean.learner, clean.tasks, split, seed, complete=True)
                for task, metric in plan.replication.headline.items():
                    one, other = together[task][metric], apart[task][metric]
                    sign = 1 if one.higher_is_better else -1
                    yield {
                        **{"seed": seed, "snr_db": ratio, "code": link.name, "task": task},
                        **{"metric": metric, "unit": one.unit},
                        **{"together": one.value, "apart": other.value},
                        **{"better": sign * (one.value - other.value)},
                        **{"bytes": link.bytes, "lost": lost},
                    }


@dataclass(frozen=True)
class Link:
    """Pictures, uint8 (N, 3, H, W), as WebP leaves them in what a code carries at a ratio; `bytes`:
    their mean size; `code`: what may lose them, or none."""

    name: str
    pictures: Tensor
    bytes: float
    ratio: float
    code: ChannelCode | None = None

    def delivered(self, seed: int) -> tuple[Tensor, int]:
        """As they arrive, and how many are lost, through the noise of a seed."""
        if self.code is None:
            return self.pictures, 0
        count = len(self.pictures)
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            # 5G scrambles what it sends: random bits stand for those of the pictures.
            bits = torch.randint(0, 2, (count, self.code.bits))
            lost = (self.code.delivered(bits, self.ratio) != bits).any(dim=1)
        found = self.pictures.clone()
        found[lost.to(found.device)] = _GREY
        return found, int(lost.sum())


def _symbols(images: Tensor, plan: Plan) -> int:
    """Of a picture of (N, 3, H, W)."""
    options = plan.model_of(SENT)
    cells = images.shape[2] * images.shape[3] // options.stride**2  # type: ignore[attr-defined]
    return cells * options.features // 2  # type: ignore[attr-defined, no-any-return]


def _links(images: Tensor, plan: Plan, ratio: float) -> list[Link]:
    """Pictures by an ideal code, and by that of 5G, which leaves 24 bits to see what is lost."""
    symbols = _symbols(images, plan)
    ideal = int(symbols * capacity(ratio) / 8)
    code = fastest(symbols, ratio, plan.experiments["separate"].options["trials"])
    return [
        Link("ideal", *_coded(images, ideal), ratio),
        Link("ldpc", *_coded(images, (code.bits - _CHECK) // 8), ratio, code),
    ]


def _coded(images: Tensor, most: int) -> tuple[Tensor, float]:
    """Pictures, uint8 (N, 3, H, W), each in at most so many bytes, and their mean size."""
    found = [squeezed(image, most) for image in images.cpu().numpy()]
    pictures = torch.from_numpy(np.stack([own for own, _ in found])).to(images.device)
    return pictures, float(np.mean([size for _, size in found]))


if __name__ == "__main__":
    run_experiment("graph_attention_interblock", "separate", measure)

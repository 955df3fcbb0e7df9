"""A vision transformer whose attention says which patches of a picture are worth their bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets.learner import Learner, Losses, Moment
from replications.core.nets.modulation import bit_error_rate
from replications.core.nets.shared_trunk import seeded
from replications.core.tasks.base import Task
from replications.iaq import allocation, quantised
from replications.iaq.options import ModelOptions

RECOVERY = "reconstruction"
Allocate = Callable[[Tensor, int, int], Tensor]
"""Importance, a budget and a limit to what each patch gets; see `allocation`."""
_KEPT = 0.99
"""What the mean picture keeps of itself at a step of training."""


class Block(nn.Module):
    """Attention and two layers behind it, each behind a norm (Dosovitskiy et al., ICLR 2021)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.layers = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, N, D) to the same, and who attends to whom, (B, N, N), the mean over heads."""
        x = self.before(tokens)
        mixed, weights = self.attention(x, x, x)
        tokens = tokens + mixed
        return tokens + self.layers(self.between(tokens)), weights


class ImportanceAware(Learner):
    """Trained on whole pictures; evaluated on pictures as they arrive through a budget of bits.

    The transmitter runs the transformer on the picture and gives bits to patches as the first
    token, from which classes are told, attends to them; the receiver runs it on what arrives.
    """

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__()
        self.options = options
        self.tasks = list(channels)
        self.count = (options.side // options.patch) ** 2
        pixels, width = options.patch**2, options.width
        with seeded(seed, "trunk"):
            self.embed = nn.Linear(pixels, width)
            self.first = nn.Parameter(0.02 * torch.randn(1, 1, width))
            self.places = nn.Parameter(0.02 * torch.randn(1, self.count + 1, width))
            self.blocks = nn.ModuleList(
                Block(width, options.attention_heads) for _ in range(options.depth)
            )
            self.norm = nn.LayerNorm(width)
        self.heads = nn.ModuleDict()
        for task, own in channels.items():
            with seeded(seed, f"head/{task}"):
                self.heads[task] = nn.Linear(width, pixels if task == RECOVERY else own)
        self.register_buffer("mean", torch.zeros(self.count, pixels))

    def encoded(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Patches (B, N, P) to tokens (B, 1 + N, D), and their importance, (B, N), of sum 1: the
        attention of the first token, the mean over blocks."""
        tokens = torch.cat([self.first.expand(len(patches), 1, -1), self.embed(patches)], dim=1)
        tokens = tokens + self.places
        seen = []
        for block in self.blocks:
            tokens, weights = block(tokens)
            seen.append(weights[:, 0, 1:])
        importance = torch.stack(seen).mean(dim=0)
        return self.norm(tokens), importance / importance.sum(dim=1, keepdim=True)

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """Those of the tasks on whole pictures."""
        patches = self.patches(batch.inputs)
        with torch.no_grad():
            now = patches.mean(dim=0)
            mean = self.get_buffer("mean")
            mean.copy_(_KEPT * mean + (1 - _KEPT) * now if mean.any() else now)
        tokens, _ = self.encoded(patches)
        return Losses(
            {
                name: own.loss(self._decoded(tokens, name), batch.labels)
                for name, own in tasks.items()
            }
        )

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task from what arrives in the budget of the condition."""
        bits = condition.get("bits", self.options.bits)
        arrived = self.arrived(inputs, bits, condition.get("snr_db", self.options.snr_db))
        tokens, _ = self.encoded(arrived)
        return {name: self._decoded(tokens, name) for name in self.tasks}

    def arrived(self, pictures: Tensor, bits: float, snr_db: float) -> Tensor:
        """Pictures to the patches that arrive, (B, N, P), of so many bits a pixel."""
        patches = self.patches(pictures)
        unsent, kind = self.get_buffer("mean"), self.options.allocation
        given = self.given(pictures, bits, snr_db)
        if kind in ("resolutions", "mask"):
            return quantised.by_means(patches, given, unsent, snr_db, self.options.mean_bits)
        return quantised.by_pixels(patches, given, unsent, snr_db)

    def given(self, pictures: Tensor, bits: float, snr_db: float) -> Tensor:
        """What each patch gets, (B, N): bits for each of its pixels, or how many means are sent."""
        options, patches = self.options, self.patches(pictures)
        pixels = patches.shape[2]
        _, importance = self.encoded(patches)
        if options.allocation == "energy":
            energy = (patches - self.get_buffer("mean")).square().sum(dim=2)
            importance = energy / energy.sum(dim=1, keepdim=True).clamp(min=1e-12)
        if options.allocation == "shuffled":
            order = torch.rand(importance.shape, device=importance.device).argsort(dim=1)
            importance = importance.gather(1, order)
        total = math.floor(bits * self.count * pixels) - self.side_cost(snr_db)
        if options.allocation in ("resolutions", "mask"):
            means: Allocate = getattr(allocation, options.allocation)
            return means(importance, max(0, total), options.mean_bits)
        weighted = options.allocation in ("shuffled", "energy")
        each: Allocate = getattr(allocation, "incremental" if weighted else options.allocation)
        return each(importance, max(0, total // pixels), options.most)

    def side_cost(self, snr_db: float) -> int:
        """Bits to say which patch gets what, as many as an ideal code needs for it to arrive."""
        each = {"uniform": 0, "mask": 1, "resolutions": 2}
        usual = math.ceil(math.log2(self.options.most + 1))
        wrong = bit_error_rate("qpsk", snr_db)
        carried = 1 + sum(p * math.log2(p) for p in (wrong, 1 - wrong) if p > 0)
        return math.ceil(self.count * each.get(self.options.allocation, usual) / carried)

    def patches(self, pictures: Tensor) -> Tensor:
        """(B, 1, H, W) to (B, N, P)."""
        return F.unfold(pictures, self.options.patch, stride=self.options.patch).transpose(1, 2)

    def learned(self) -> dict[str, Tensor]:
        """`mean`, (H, W): the mean picture, which stands in for what is not sent."""
        return {"mean": self._picture(self.get_buffer("mean")[None])[0, 0]}

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the transformer."""
        heads = set(map(id, self.heads.parameters()))
        return [p for p in self.parameters() if id(p) not in heads]

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's layer."""
        return list(self.heads[task].parameters())

    def _decoded(self, tokens: Tensor, task: str) -> Tensor:
        if task == RECOVERY:
            return self._picture(self.heads[task](tokens[:, 1:]).sigmoid())
        found: Tensor = self.heads[task](tokens[:, 0])
        return found

    def _picture(self, patches: Tensor) -> Tensor:
        """(B, N, P) to (B, 1, H, W)."""
        side, patch = self.options.side, self.options.patch
        return F.fold(patches.transpose(1, 2), (side, side), patch, stride=patch)


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> ImportanceAware:
    """The model for the tasks in `channels` (task: width of its head)."""
    return ImportanceAware(channels, options, seed)

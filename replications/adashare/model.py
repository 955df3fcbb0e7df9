"""AdaShare (Sun et al., NeurIPS 2020): one encoder, whose blocks every task selects or skips."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from replications.adashare.blocks import Choice, Selectable, Selection, selectable
from replications.adashare.options import ModelOptions
from replications.adashare.policy import (
    SELECT,
    difference,
    relaxed,
    sampled,
    shuffled,
    sparsity,
)
from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets.columns import encoder, heads, size_of, widths
from replications.core.nets.learner import Learner, Losses, Moment
from replications.core.nets.passes import Switch, per_task_norms
from replications.core.nets.shared_trunk import seeded
from replications.core.tasks.base import Task, losses_of


class AdaShare(Learner):
    """A pass for each task through the blocks that it selects.

    Where the policy is learned, blocks come under it with every round, the last ones first and in
    the last round all; those below are selected by all tasks. A phase `policy` is a round ahead of
    the weights, which in the first round are trained with all blocks.
    """

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__()
        self.options, self.choice = options, Choice()
        self.trunk = encoder(options, seed)
        self.blocks = selectable(self.trunk, self.choice)
        self.switch = Switch()
        per_task_norms(self.trunk, list(channels), self.switch, weights=False)
        self.heads = heads(channels, options, seed, dict.fromkeys(channels, widths(options)[-1]))
        self.learns = options.policy == "learned" and len(channels) > 1
        if self.learns:
            self.logits = nn.Parameter(torch.zeros(len(channels), self.blocks, 2))
        self.policy: Tensor
        self.register_buffer("policy", torch.ones(len(channels), self.blocks, dtype=torch.bool))

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """The losses of the predictions."""
        if moment.phase == "policy":
            self.trunk.train()  # frozen, but running statistics are of other blocks than these
        draw = self._relaxed(moment) if self.learns else self._fixed()
        size = size_of(batch.inputs)
        predictions = {
            task: [self.heads[task](self.features(batch.inputs, task, draw[task]), size)]
            for task in tasks
        }
        return Losses(losses_of(tasks, predictions, batch.labels))

    def features(self, images: Tensor, task: str, selection: Selection) -> Tensor:
        """(B, 3, H, W) to a task's last features, by way of the blocks that are selected."""
        self.switch.task, self.choice.selection = task, selection
        for stage in self.trunk:
            images = stage(images)
        return images

    def penalties(self, moment: Moment) -> dict[str, Tensor]:
        """What keeps the policy sparse, and the tasks together."""
        if not self.learns:
            return {}
        under = self.logits[:, self.blocks - self._under(moment) :]
        return {
            "sparsity": self.options.sparsity * sparsity(under),
            "sharing": self.options.sharing * difference(self.logits),
        }

    def finish(self, moment: Moment) -> None:
        """Let the policy be the more probable choice: what a learned one is measured with."""
        if self.learns:
            self.policy.copy_(self.logits[..., 0] >= self.logits[..., 1])

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task; no condition changes it."""
        size, fixed = size_of(inputs), self._fixed()
        return {
            task: head(self.features(inputs, task, fixed[task]), size)
            for task, head in self.heads.items()
        }

    def learned(self) -> dict[str, Tensor]:
        """`policy`, (K, blocks): whether a task selects a block, or how probably it will."""
        if self.learns:
            return {"policy": self.logits.detach().softmax(dim=2)[..., SELECT]}
        return {"policy": self.policy}

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the encoder."""
        return list(self.trunk.parameters())

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's head."""
        return list(self.heads[task].parameters())

    def inference_parameters(self) -> list[Parameter]:
        """Without the blocks that no task selects, but for their shortcuts."""
        used = self.policy.any(dim=0).tolist()
        idle = {
            id(p)
            for m in self.trunk.modules()
            if isinstance(m, Selectable) and not used[m.index]
            for name, p in m.block.named_parameters()
            if not name.startswith(("shortcut", "downsample"))
        }
        own = [*self.trunk.parameters(), *self.heads.parameters()]
        return [p for p in own if id(p) not in idle]

    def _under(self, moment: Moment) -> int:
        """How many blocks are under the policy, the last ones."""
        reached = moment.round + (moment.phase == "policy")
        return min(math.ceil(self.blocks * reached / max(1, moment.rounds - 1)), self.blocks)

    def _relaxed(self, moment: Moment) -> dict[str, Selection]:
        cooled = self.options.cooled ** (moment.step / moment.steps)
        draw = relaxed(self.logits, self.options.temperature * cooled)
        free = self.blocks - self._under(moment)
        return {
            task: [True] * free + list(row[free:])
            for task, row in zip(self.heads, draw, strict=True)
        }

    def _fixed(self) -> dict[str, Selection]:
        return dict(zip(self.heads, self.policy.tolist(), strict=True))


def build_model(
    channels: Mapping[str, int],
    options: ModelOptions,
    seed: int,
    needs: Mapping[str, Learner] | None = None,
) -> AdaShare:
    """The model for the tasks in `channels` (task: channels of its prediction); `needs`: the
    network from whose learned policy one is drawn, as `policy`."""
    model = AdaShare(channels, options, seed)
    if needs:
        found = needs["policy"]
        if not isinstance(found, AdaShare) or not found.learns:
            raise TypeError("a policy is drawn from a network that has learned one")
        with seeded(seed, "policy"):
            policy = sampled(found.logits.detach().cpu())
            model.policy.copy_(shuffled(policy) if options.policy == "random" else policy)
    return model

"""The learner: plain, or distilled from a teacher and pruned between two phases."""

import torch
from torch import nn

from replications.core.data.batches import USUAL
from replications.core.nets.learner import Learner, Losses
from replications.core.nets.shared_trunk import seeded
from replications.core.tasks.base import losses_of

TOKENS = 20


class Network(Learner):
    def __init__(self, channels, options, seed, teacher=None):
        super().__init__()
        with seeded(seed, "trunk"):
            self.trunk = nn.Embedding(TOKENS, options.width)
        self.heads = nn.ModuleDict()
        for task, width in channels.items():
            with seeded(seed, f"head/{task}"):
                self.heads[task] = nn.Linear(options.width, width)
        self.register_buffer("mask", torch.ones(options.width))
        self.teacher = (teacher,)  # a tuple: it is no part of this network

    def encode(self, inputs):
        weights = inputs["mask"] / inputs["mask"].sum(1, keepdim=True).clamp(min=1)
        return self.mask * (self.trunk(inputs["tokens"]) * weights[..., None]).sum(1)

    def losses(self, batch, tasks, moment):
        features = self.encode(batch.inputs)
        predictions = {task: [self.heads[task](features)] for task in tasks}
        return Losses(losses_of(tasks, predictions, batch.labels), (features,))

    def predict(self, inputs, condition=USUAL):
        features = self.encode(inputs)
        return {task: head(features) for task, head in self.heads.items()}

    def penalties(self, moment):
        if self.teacher[0] is None or moment.phase != "follow":
            return {}
        difference = self.trunk.weight - self.teacher[0].trunk.weight
        return {"teacher": difference.square().mean()}

    def finish(self, moment):
        if self.teacher[0] is not None and moment.phase == "follow":
            weakest = self.trunk.weight.norm(dim=0).argsort()[: len(self.mask) // 2]
            self.mask[weakest] = 0

    def shared_parameters(self):
        return list(self.trunk.parameters())


def build_model(channels, options, seed, needs=None):
    return Network(channels, options, seed, needs["teacher"] if options.distilled else None)

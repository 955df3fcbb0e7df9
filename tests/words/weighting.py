"""A learned weight per task."""

import torch
from torch import nn

from replications.core.weighting.base import Weighting


def build(options, context):
    return Learned(context.tasks).to(context.device)


class Learned(Weighting):
    def __init__(self, tasks):
        super().__init__()
        self.scale = nn.ParameterDict({task: nn.Parameter(torch.zeros(())) for task in tasks})

    def backward(self, losses, features, model):
        record = {f"weight_{task}": torch.exp(-self.scale[task].detach()) for task in losses}
        terms = [torch.exp(-self.scale[t]) * loss + self.scale[t] for t, loss in losses.items()]
        torch.stack(terms).sum().backward()
        return record

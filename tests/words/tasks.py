"""The two tasks."""

import torch
import torch.nn.functional as F

from replications.core.tasks.base import Accumulator, Metric


class _Mean(Accumulator):
    state = ("found",)

    def __init__(self, name, unit, higher, value):
        self.name, self.unit, self.higher, self.value = name, unit, higher, value
        self.found = []

    def update(self, prediction, labels):
        self.found.append(self.value(prediction, labels).double())

    def compute(self):
        mean = torch.cat(self.found).mean().item()
        return {self.name: Metric(mean, self.unit, self.higher)}


class Topic:
    name, labels, likelihood = "topic", frozenset({"topic"}), "classification"

    def __init__(self, topics):
        self.channels = topics

    def loss(self, prediction, labels):
        return F.cross_entropy(prediction, labels["topic"])

    def accumulator(self, complete):
        return _Mean("right", "%", True, lambda p, y: 100.0 * (p.argmax(1) == y["topic"]))

    def shown(self, prediction, labels):
        return prediction.argmax(1)

    def shown_truth(self, labels):
        return labels["topic"]


class Rare:
    name, labels, likelihood, channels = "rare", frozenset({"rare"}), "regression", 1

    def loss(self, prediction, labels):
        return (prediction[:, 0] - labels["rare"]).abs().mean()

    def accumulator(self, complete):
        return _Mean("error", "tokens", False, lambda p, y: (p[:, 0] - y["rare"]).abs())

    def shown(self, prediction, labels):
        return prediction[:, 0]

    def shown_truth(self, labels):
        return labels["rare"]


def topic(name, options, dataset):
    return Topic(dataset.facts["topics"])


def rare(name, options, dataset):
    return Rare()

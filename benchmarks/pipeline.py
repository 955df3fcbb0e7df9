"""Images per second that reach a model that does nothing: ours against DataLoader over PNG files.

Usage: python -m benchmarks.pipeline data/prepared/streets-64x128
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from replications.core.data.batches import (
    Split,
    indices_of_step,
    read_description,
    read_split,
)
from replications.core.data.pictures.decoding import Pictures, normalised
from replications.core.data.pictures.options import PictureOptions

_LABELS = {"semseg", "instances", "depth"}
_BATCH = 8
_EPOCHS = 5


class Files(Dataset[dict[str, Tensor]]):
    """The usual way: one PNG file per image and label, decoded for every sample."""

    def __init__(self, folder: Path, split: Split) -> None:
        self.folder, self.count = folder, len(split)
        for index in range(self.count):
            image = split.inputs["image"][index].permute(1, 2, 0).numpy()
            Image.fromarray(image).save(folder / f"{index}.image.png")
            for name, values in split.labels.items():
                stored = values[index].numpy() * (256 if name == "depth" else 1)
                kind = np.uint8 if name == "semseg" else np.uint16
                Image.fromarray(stored.astype(kind)).save(folder / f"{index}.{name}.png")

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        def read(name: str) -> Tensor:
            return torch.from_numpy(np.array(Image.open(self.folder / f"{index}.{name}.png")))

        sample = {
            "image": read("image").permute(2, 0, 1),
            "semseg": read("semseg").long(),
            "instances": read("instances").long(),
            "depth": read("depth").float() / 256,
        }
        if torch.rand(()) < 0.5:
            sample = {name: values.flip(-1) for name, values in sample.items()}
        return sample


def ours(split: Split) -> Iterator[Tensor]:
    """Batches as the training loop takes them."""
    for step in range(len(split) // _BATCH):
        batch = split.batch(indices_of_step(len(split), _BATCH, 0, step))
        yield split.decoding.augmented(batch, 0, step).inputs


def rate(epoch: Iterator[Tensor]) -> float:
    """Images per second of one epoch."""
    began, count = time.perf_counter(), 0
    for images in epoch:
        count += len(images)
    return count / (time.perf_counter() - began)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of a prepared dataset")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    dataset = read_description(arguments.data)
    _, height, width = dataset.sample["image"]
    decoding = Pictures(PictureOptions(name=dataset.name, size=(height, width), flip=True))
    split = read_split(arguments.data, "train", _LABELS, torch.device("cpu"), decoding)
    print("| pipeline | images/s, median of 5 epochs | least | most |\n|---|---|---|---|")
    _report("resident tensors (ours)", [rate(ours(split)) for _ in range(_EPOCHS)])
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder), split)
        for workers in (0, 2):
            loader = DataLoader(
                files,
                _BATCH,
                shuffle=True,
                num_workers=workers,
                drop_last=True,
                persistent_workers=workers > 0,
            )
            rates = [rate(normalised(b["image"]) for b in loader) for _ in range(_EPOCHS)]
            _report(f"DataLoader over PNG, {workers} workers", rates)


def _report(name: str, rates: list[float]) -> None:
    print(f"| {name} | {statistics.median(rates):.0f} | {min(rates):.0f} | {max(rates):.0f} |")


if __name__ == "__main__":
    main()

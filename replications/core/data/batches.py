"""Prepared arrays as tensors on the training device, and the batches taken from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from replications.core.errors import StudyError

# Mean and spread of ImageNet's RGB, which pretrained encoders expect.
_MEAN = (0.485, 0.456, 0.406)
_SPREAD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Description:
    """What `dataset.json` says of any prepared dataset; `size` is what it was prepared at."""

    name: str
    size: tuple[int, ...]
    splits: dict[str, int]
    md5: dict[str, str]


@dataclass(frozen=True)
class Pictures(Description):
    """A dataset of pictures; `size` is (H, W)."""

    size: tuple[int, int]
    native_size: tuple[int, int]
    classes: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    things: tuple[int, ...]
    scenes: tuple[str, ...]
    box_classes: tuple[str, ...]
    focal: float


@dataclass(frozen=True)
class Statistics:
    """Mean and spread (standard deviation) of a property in the training split, in its unit."""

    mean: float
    spread: float
    unit: str


@dataclass(frozen=True)
class Molecules(Description):
    """A dataset of molecules; `size` is how many train, validate and test."""

    properties: dict[str, Statistics]


@dataclass(frozen=True)
class Batch:
    """Inputs and labels of one step.

    Attributes:
        inputs: float32; pictures, (B, 3, H, W), normalised, channels last in memory; or molecules,
            (B, N, 4), atomic number and position in angstrom of every atom, 0 for none.
        labels: by name, (B, ...); a label that no sample carries is absent. Samples without a
            label hold its invalid value (255 for `semseg`, 0 elsewhere), which losses pass over.
    """

    inputs: Tensor
    labels: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.inputs)


def read_description(folder: Path) -> Description:
    """Read `dataset.json`.

    Raises:
        StudyError: it is missing or not what `prepare` writes.
    """
    path = folder / "dataset.json"
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        fields["size"] = tuple(fields["size"])
        if "properties" in fields:
            found = fields.pop("properties").items()
            return Molecules(**fields, properties={n: Statistics(**values) for n, values in found})
        for name in ("native_size", "classes", "things", "scenes", "box_classes"):
            fields[name] = tuple(fields[name])
        fields["colours"] = tuple(tuple(colour) for colour in fields["colours"])
        return Pictures(**fields)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StudyError(f"{path}: not a prepared dataset ({error}); run prepare again") from None


def normalised(images: Tensor) -> Tensor:
    """uint8 (B, 3, H, W) to float32 with ImageNet's mean and spread, channels last."""
    mean = torch.tensor(_MEAN, device=images.device).view(1, 3, 1, 1) * 255
    spread = torch.tensor(_SPREAD, device=images.device).view(1, 3, 1, 1) * 255
    return ((images.float() - mean) / spread).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Kind:
    """A kind of input: the array that holds it, how a network is given it, and how many samples
    serve as examples."""

    array: str
    decode: Callable[[Tensor], Tensor]
    shown: int


_KINDS = (Kind("image", normalised, 4), Kind("atoms", Tensor.float, 400))


class Split:
    """One split of a prepared dataset, its needed labels resident on a device."""

    def __init__(self, folder: Path, split: str, labels: set[str], device: torch.device) -> None:
        """Load the inputs and `labels` of `split`.

        Raises:
            StudyError: the file is missing, damaged, or lacks a label.
        """
        path = folder / f"{split}.safetensors"
        try:
            with safe_open(path, framework="pt") as arrays:
                held = set(arrays.keys())
                lacking = labels - held
                if lacking:
                    raise StudyError(f"{path}: no label {', '.join(sorted(lacking))}")
                self.kind = next(kind for kind in _KINDS if kind.array in held)
                self.inputs = arrays.get_tensor(self.kind.array).to(device)
                self.labels = {n: arrays.get_tensor(n).to(device) for n in sorted(labels)}
        except (OSError, SafetensorError) as error:
            raise StudyError(f"{path}: cannot be read ({error}); run prepare again") from None
        self.device = device

    def __len__(self) -> int:
        return len(self.inputs)

    def batch(self, indices: Tensor) -> Batch:
        """The samples at `indices` (int64, (B,), on the CPU), not augmented."""
        indices = indices.to(self.device)
        labels = {name: _decoded(name, values[indices]) for name, values in self.labels.items()}
        return Batch(self.kind.decode(self.inputs[indices]), labels)

    def in_order(self, batch_size: int, limit: int | None = None) -> Iterator[Batch]:
        """The split in order, `batch_size` samples at a time, at most `limit` in all."""
        end = min(len(self), limit or len(self))
        for start in range(0, end, batch_size):
            yield self.batch(torch.arange(start, min(start + batch_size, end)))


def _decoded(name: str, values: Tensor) -> Tensor:
    """Label as losses want it: class ids as int64, normals as unit float32 vectors."""
    if name == "normals":
        return values.float() / 127
    if name in ("semseg", "instances"):
        return values.long()
    return values


@lru_cache(maxsize=8)
def order_of_epoch(n_samples: int, seed: int, epoch: int) -> Tensor:
    """The permutation of the training samples in `epoch`: a function of the seed alone."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(n_samples, generator=generator)


def indices_of_step(n_samples: int, batch_size: int, seed: int, step: int) -> Tensor:
    """int64 (batch_size,): the samples of `step`; runs with the same seed see the same."""
    per_epoch = n_samples // batch_size
    epoch, position = divmod(step, per_epoch)
    start = position * batch_size
    return order_of_epoch(n_samples, seed, epoch)[start : start + batch_size]

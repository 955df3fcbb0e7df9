"""Prepared arrays as tensors on the training device, and the batches taken from them."""

from __future__ import annotations

import hashlib
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from replications.core.errors import StudyError
from replications.core.spec.layout import DESCRIPTION
from replications.core.spec.origin import of_data

Condition = Mapping[str, float]
"""Under which a model is evaluated, such as `{"snr_db": 5}`; empty for the usual one."""
USUAL: Condition = {}


@dataclass(frozen=True)
class Description:
    """What `dataset.json` says of a prepared dataset.

    Attributes:
        variant: what it was prepared at, such as `64x128`.
        splits: samples of each.
        md5: of what it was made from.
        facts: what is particular to it, such as the names of its classes.
        arrays: by split and name, the `shape` of a sample and the `sha256` of the whole array.
    """

    name: str
    variant: str
    splits: dict[str, int]
    md5: dict[str, str]
    facts: dict[str, Any]
    arrays: dict[str, dict[str, dict[str, Any]]]

    @property
    def sample(self) -> dict[str, list[int]]:
        """The shape of each array of a sample."""
        first = next(iter(self.arrays.values()))
        return {name: array["shape"] for name, array in first.items()}

    @property
    def hash(self) -> str:
        """Hash of all arrays and facts."""
        return of_data({"arrays": self.arrays, "facts": self.facts})


def read_description(folder: Path) -> Description:
    """Read `dataset.json`.

    Raises:
        StudyError: it is missing or not what `prepare` writes.
    """
    path = folder / DESCRIPTION
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Description(**{name: fields[name] for name in Description.__dataclass_fields__})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StudyError(f"{path}: not a prepared dataset ({error}); run prepare again") from None


@dataclass(frozen=True)
class Batch:
    """Inputs and labels of one step.

    Attributes:
        inputs: what the learner is given: a tensor, (B, ...), or several by name.
        labels: by name, (B, ...); a label that no sample carries is absent. Samples without a
            label hold its invalid value (255 for `semseg`, 0 elsewhere), which losses pass over.
    """

    inputs: Any
    labels: dict[str, Tensor]

    def __len__(self) -> int:
        first = next(iter(self.inputs.values())) if isinstance(self.inputs, dict) else self.inputs
        return len(first)


class Decoding(ABC):
    """How the stored arrays of a dataset become what learners and losses want."""

    inputs: ClassVar[tuple[str, ...]]
    """The arrays that make the input."""
    shown: ClassVar[int] = 4
    """How many samples serve as examples."""

    def __init__(self, options: Any) -> None:
        self.options = options

    @abstractmethod
    def input(self, arrays: Mapping[str, Tensor]) -> Any:
        """The input of a batch from its stored arrays, by name, (B, ...)."""

    def label(self, name: str, values: Tensor) -> Tensor:
        """A label of a batch as losses want it, from its stored array, (B, ...)."""
        return values

    def augmented(self, batch: Batch, seed: int, step: int) -> Batch:
        """A batch of the training, augmented; a function of seed and step, not of the tasks."""
        return batch

    def under(self, batch: Batch, condition: Condition) -> Batch:
        """A batch of an evaluation under a condition, as far as it concerns the data."""
        return batch


class Split:
    """One split of a dataset, its needed labels resident on a device."""

    def __init__(
        self,
        inputs: Mapping[str, Tensor],
        labels: Mapping[str, Tensor],
        device: torch.device,
        decoding: Decoding,
    ) -> None:
        """`inputs`, `labels`: the stored arrays by name, (N, ...)."""
        self.inputs = {name: values.to(device) for name, values in inputs.items()}
        self.labels = {name: values.to(device) for name, values in labels.items()}
        self.device, self.decoding = device, decoding

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def batch(self, indices: Tensor) -> Batch:
        """The samples at `indices` (int64, (B,), on the CPU), not augmented."""
        indices = indices.to(self.device)
        parts = {name: values[indices] for name, values in self.inputs.items()}
        labels = {
            name: self.decoding.label(name, values[indices]) for name, values in self.labels.items()
        }
        return Batch(self.decoding.input(parts), labels)

    def groups(self, most: int = 50) -> list[tuple[int, int]]:
        """The split cut into at most so many stretches, of samples that belong together: from
        where up to where."""
        size = self.decoding.options.together
        size *= math.ceil(len(self) / (size * most))
        return [(start, min(start + size, len(self))) for start in range(0, len(self), size)]

    def in_order(self, batch_size: int, limit: int | None = None) -> Iterator[Batch]:
        """The split in order, `batch_size` samples at a time, at most `limit` in all."""
        end = min(len(self), limit or len(self))
        for start in range(0, end, batch_size):
            yield self.batch(torch.arange(start, min(start + batch_size, end)))


def read_split(
    folder: Path, split: str, labels: Collection[str], device: torch.device, decoding: Decoding
) -> Split:
    """A split of the dataset prepared in `folder`, with `labels`.

    Raises:
        StudyError: the file is missing or damaged, lacks a label, or an array is not the one that
            was prepared.
    """
    path = folder / f"{split}.safetensors"
    expected = read_description(folder).arrays[split]
    if lacking := set(labels) - set(expected):
        raise StudyError(f"{path}: no label {', '.join(sorted(lacking))}")
    try:
        with safe_open(path, framework="pt") as arrays:
            found = {
                name: _verified(arrays.get_tensor(name), expected[name], path, name)
                for name in (*decoding.inputs, *sorted(labels))
            }
    except (OSError, SafetensorError) as error:
        raise StudyError(f"{path}: cannot be read ({error}); {_AGAIN.format(folder)}") from None
    inputs = {name: found.pop(name) for name in decoding.inputs}
    return Split(inputs, found, device, decoding)


_AGAIN = "delete {} and run again"


def _verified(values: Tensor, expected: Mapping[str, Any], path: Path, name: str) -> Tensor:
    """The array, if it is the one that was prepared."""
    if hashlib.sha256(values.numpy().data).hexdigest() != expected["sha256"]:
        raise StudyError(
            f"{path}: '{name}' is not the array that was prepared: its hash is not the one in "
            f"{DESCRIPTION}; {_AGAIN.format(path.parent)}"
        )
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

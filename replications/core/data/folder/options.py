"""What can be set about a dataset of one's own, and what its description says; free of torch.

The folder holds `dataset.yaml`:

    title: Our garden
    licence: ours
    splits: {train: train.txt, val: val.txt, test: test.txt}  # a name of a picture a line
    image: images/*.jpg                                       # * stands for the name
    semseg: {file: masks/*.png, classes: [lawn, path, shed]}  # ids from 0; 255 counts for nothing
    depth: {file: depth/*.png, metres: 0.001}                 # of a step of the map; 0 is unknown
    boxes: {file: boxes/*.txt, classes: [cat, dog]}           # lines: class x1 y1 x2 y2, in pixels
    scene: {file: scenes.txt, classes: [day, night]}          # lines: name class
    together: 10                                              # neighbours, such as of a film
    redistributable: false                                    # not in papers, not published

Everything after `image` may be left out. Pictures may be of any size; they are brought to the one
that a study names.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from replications.core.data.pictures.options import PictureOptions
from replications.core.spec import reading
from replications.core.spec.options import Positive, Strict


def _of_names(pattern: str) -> str:
    if pattern.count("*") != 1:
        raise ValueError(f"'{pattern}' has to have * once, for the name of a picture")
    return pattern


Pattern = Annotated[str, AfterValidator(_of_names)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]


class SemsegFiles(Strict):
    """Maps of class ids."""

    file: Pattern
    classes: Names
    colours: tuple[tuple[int, int, int], ...] | None = None


class DepthFiles(Strict):
    """Maps of depth: pictures of 8 or 16 bits, or arrays of numpy (`.npy`)."""

    file: Pattern
    metres: Annotated[float, Field(gt=0)] = 1.0
    """Of a step of the map."""


class BoxFiles(Strict):
    """Boxes, a line each: class, left, top, right and bottom edge in pixels."""

    file: Pattern
    classes: Names


class SceneFile(Strict):
    """One file of lines: name of a picture, class."""

    file: str
    classes: Names


class FolderDescription(Strict):
    """`dataset.yaml`."""

    title: str
    licence: str
    splits: dict[Literal["train", "val", "test"], str]
    image: Pattern
    semseg: SemsegFiles | None = None
    depth: DepthFiles | None = None
    boxes: BoxFiles | None = None
    scene: SceneFile | None = None
    together: Positive = 1
    redistributable: bool = True

    @field_validator("splits")
    @classmethod
    def _all_three(cls, splits: dict[str, str]) -> dict[str, str]:
        if lacking := {"train", "val", "test"} - set(splits):
            raise ValueError(f"lacks {', '.join(sorted(lacking))}")
        return splits


class FolderOptions(PictureOptions):
    """A folder of pictures with a description, `dataset.yaml`, see above."""

    name: Literal["folder"] = "folder"
    path: str
    """The folder, from the project's top; it may be a link to elsewhere."""

    @cached_property
    def description(self) -> FolderDescription:
        """What the folder holds.

        Raises:
            StudyError: there is no description, or it is none.
        """
        path = reading.REPLICATIONS.parent / self.path / "dataset.yaml"
        if not path.is_file():
            raise ValueError(
                f"{self.path}/dataset.yaml: missing; it describes what is in {self.path}"
            )
        return reading.checked(FolderDescription, reading.read_yaml(path), path)

    @property
    def labels(self) -> tuple[str, ...]:  # type: ignore[override]
        """What the description has files for."""
        own = self.description
        return tuple(name for name in ("semseg", "depth", "boxes", "scene") if getattr(own, name))

    @property
    def sources(self) -> tuple[str, ...]:  # type: ignore[override]
        """The description and the lists of pictures: to prepare anew what changed in a picture
        alone, delete what was prepared."""
        return tuple(
            f"{self.path}/{name}" for name in ("dataset.yaml", *self.description.splits.values())
        )

    @property
    def together(self) -> int:  # type: ignore[override]
        """Pictures that are no independent pieces."""
        return self.description.together

    @property
    def redistributable(self) -> bool:  # type: ignore[override]
        """Whether its owner passes the pictures on."""
        return self.description.redistributable

    @property
    def variant(self) -> str:
        """The folder, and rows x columns."""
        return f"{Path(self.path).name}-{super().variant}"

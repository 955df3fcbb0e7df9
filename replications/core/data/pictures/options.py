"""What can be set about any dataset of pictures; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from replications.core.errors import StudyError
from replications.core.spec.options import DatasetOptions, Positive


class PictureOptions(DatasetOptions):
    """Pictures of one size, augmented in batches on the device."""

    implementation = "replications.core.data.pictures.decoding:Pictures"
    examples = "replications.core.data.pictures.examples:figure"

    size: tuple[Positive, Positive]
    """Rows and columns that the pictures are reduced to."""
    flip: bool = True
    """Mirror half of the training pictures."""
    zoom: Annotated[list[Annotated[float, Field(ge=1)]], Field(min_length=1)] = [1.0]
    """Factors one of which enlarges each training picture; depth is divided by it."""

    @property
    def variant(self) -> str:
        """Rows x columns."""
        return f"{self.size[0]}x{self.size[1]}"

    @property
    def said(self) -> dict[str, str]:
        """The size, columns x rows."""
        return {"size": rf"{self.size[1]}$\times${self.size[0]}"}

    def reduction(self, native: tuple[int, int]) -> int:
        """By which factor pictures of the size `native` (rows, columns) are reduced.

        Raises:
            StudyError: `size` does not divide it.
        """
        height, width = native
        factor = height // self.size[0]
        if (self.size[0] * factor, self.size[1] * factor) != native:
            allowed = ", ".join(
                f"{height // k}x{width // k}"
                for k in (1, 2, 3, 4, 8)
                if not (height % k or width % k)
            )
            raise StudyError(
                f"size {self.variant} does not divide {self.name}; use one of {allowed}"
            )
        return factor

"""The DVC files of datasets that are not bundled, `data/<name>.dvc`: where they come from.

What DVC leaves to its users, `meta`, holds the rest: of a dataset its title, licence and home, and
how to get files that nobody may hand on; of a file its address.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from replications.core.errors import StudyError, meant
from replications.core.spec import reading

DATA = reading.REPLICATIONS.parent / "data"


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class About(_Read):
    """Of a dataset."""

    title: str
    licence: str
    home: str
    by_hand: str = ""
    """What a person has to do who wants it, where its files need an account or a promise."""
    sign_in: str = ""
    """The form that an account signs in by, of the fields `username` and `password`; they are read
    from the environment, see `credentials`."""


class Address(_Read):
    """Of a file; without `url` and `package` it comes with a repository, or a person puts it
    there."""

    url: str = ""
    package: str = ""
    """The package, `name==version`, that carries it, as `member`."""
    member: str = ""
    holds: list[str] = []
    """Of a folder: files in it by which it is known to be there."""


class File(_Read):
    """A file or folder of a dataset; `path` from the folder of the DVC file."""

    path: str
    md5: str | None = None
    size: int | None = None
    desc: str = ""
    meta: Address = Address()


class Record(_Read):
    """A DVC file."""

    path: Path
    about: About = Field(alias="meta")
    outs: list[File]
    deps: list[dict[str, Any]] = []
    """Where DVC itself imports from: a folder of a git repository."""

    @property
    def name(self) -> str:
        """The dataset."""
        return self.path.stem

    def place(self, file: File) -> Path:
        """Where a file lies."""
        return self.path.parent / file.path

    def shown(self, file: File) -> str:
        """Where a file lies, as messages have it."""
        return reading.shown(self.place(file))

    def known_by(self, file: File) -> list[Path]:
        """The files that are there when a file or folder is."""
        place = self.place(file)
        return [place / held for held in file.meta.holds] or [place]

    @property
    def lacking(self) -> list[File]:
        """The files and folders that are not there."""
        return [file for file in self.outs if not all(map(Path.is_file, self.known_by(file)))]

    @property
    def summary(self) -> str:
        """What fetching brings, from where, in a line."""
        files = "; ".join(file.desc for file in self.lacking)
        by_hand = f" {self.about.by_hand}" if self.about.by_hand else ""
        return f"{self.about.title}, {self.about.licence}: {files}; {self.about.home}.{by_hand}"

    @property
    def credentials(self) -> tuple[str, str]:
        """The environment variables that hold the user's name and password."""
        return f"{self.name.upper()}_USERNAME", f"{self.name.upper()}_PASSWORD"


def names(folder: Path = DATA) -> list[str]:
    """The datasets that are not bundled."""
    return sorted(path.stem for path in folder.glob("*.dvc"))


def all_records(folder: Path = DATA) -> list[Record]:
    """Those of all datasets that are not bundled."""
    return [read_record(name, folder) for name in names(folder)]


def read_record(name: str, folder: Path = DATA) -> Record:
    """The record of a dataset.

    Raises:
        StudyError: there is none, or it is none of ours.
    """
    path = folder / f"{name}.dvc"
    if name not in names(folder):
        known = names(folder)
        raise StudyError(
            f"no dataset '{name}' to fetch{meant(name, known)}; there are: {', '.join(known)}"
        )
    try:
        return Record.model_validate({**yaml.safe_load(path.read_text("utf-8")), "path": path})
    except (ValidationError, yaml.YAMLError, TypeError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: not the record of a dataset: {error}") from None

"""Folders, zips and tars of a dataset, read where they lie: nothing is unpacked.

What would harm who unpacks it is refused at the door: names that lead out of the archive, links,
devices, and files that are far larger than what they are packed in.
"""

from __future__ import annotations

import functools
import stat
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, UnidentifiedImageError

from replications.core.data.labels import Array
from replications.core.errors import StudyError

_RATIO = 200
"""How many times its packed size a file may have; text packs 10 times, empty maps a hundred."""
_SMALL = 50_000_000
"""Bytes below which no ratio harms."""


class Archive(ABC):
    """Files by their names in it, which have slashes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def names(self) -> list[str]:
        """The files, in order."""

    @abstractmethod
    def _read(self, name: str) -> bytes: ...

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            StudyError: it is not there or damaged.
        """
        try:
            return self._read(name)
        except (OSError, KeyError, zipfile.BadZipFile, tarfile.TarError, zlib.error) as error:
            what = "missing" if isinstance(error, (KeyError, FileNotFoundError)) else f"{error}"
            raise StudyError(f"{self.where(name)}: cannot be read ({what})") from None

    def image(self, name: str) -> Array:
        """uint8, (3, H, W), RGB.

        Raises:
            StudyError: the file is missing, cut short or no image.
        """
        return np.ascontiguousarray(self._decoded(name, "RGB").transpose(2, 0, 1))

    def map(self, name: str) -> Array:
        """A label map as it is stored, (H, W): uint8, indices of a palette too, or uint16.

        Raises:
            StudyError: the file is missing, cut short, no image, or one of several channels.
        """
        found = self._decoded(name, None)
        if found.ndim != 2:
            raise StudyError(f"{self.where(name)}: has {found.shape[2]} channels, a map has one")
        return found.astype(np.uint16) if found.dtype == np.int32 else found

    def where(self, name: str) -> str:
        """How messages name a file."""
        return f"{self.path}/{name}"

    def _decoded(self, name: str, mode: str | None) -> Array:
        content = self.read(name)
        try:
            with Image.open(BytesIO(content)) as image:
                return np.array(image.convert(mode) if mode else image)
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            what = "no image" if isinstance(error, UnidentifiedImageError) else str(error)
            raise StudyError(f"{self.where(name)}: cannot be read as an image ({what})") from None


class Folder(Archive):
    """A folder."""

    def names(self) -> list[str]:
        return sorted(
            path.relative_to(self.path).as_posix()
            for path in self.path.rglob("*")
            if path.is_file()
        )

    def _read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()


class Zip(Archive):
    """A zip."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._zip = zipfile.ZipFile(path)
        for member in self._zip.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)  # 0: not said
            refuse_harmful(path, member.filename, plain=kind in (0, stat.S_IFREG, stat.S_IFDIR))
            if member.file_size > max(_SMALL, _RATIO * member.compress_size):
                raise StudyError(
                    f"{path}: {member.filename} would be {member.file_size:,} bytes, unpacked from "
                    f"{member.compress_size:,}: not a file of a dataset; remove the archive"
                )

    def names(self) -> list[str]:
        return sorted(name for name in self._zip.namelist() if not name.endswith("/"))

    def _read(self, name: str) -> bytes:
        return self._zip.read(name)


class Tar(Archive):
    """A tar that is not compressed, of which any file is read at once."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._tar = tarfile.open(path, "r:")  # noqa: SIM115 - closed with the process
        self._members = {}
        for member in self._tar.getmembers():
            refuse_harmful(path, member.name, plain=member.isfile() or member.isdir())
            if member.isfile():
                self._members[member.name.removeprefix("./")] = member

    def names(self) -> list[str]:
        return sorted(self._members)

    def _read(self, name: str) -> bytes:
        content = self._tar.extractfile(self._members[name])
        assert content
        return content.read()


def refuse_harmful(path: Path, name: str, plain: bool) -> None:
    """Refuse what would harm who unpacks it.

    Arguments:
        path: of the archive.
        name: of something in it.
        plain: whether that is a file or a folder.

    Raises:
        StudyError: it leads out of the archive, or is a link or a device.
    """
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in name.split("/")[0]:
        raise StudyError(f"{path}: the name {name!r} leads out of the archive; remove the archive")
    if not plain:
        raise StudyError(f"{path}: {name!r} is a link or a device, not a file; remove the archive")


@functools.cache
def opened(path: Path) -> Archive:
    """What lies at a path; opened once a process.

    Raises:
        StudyError: there is nothing, or an archive that is damaged or harmful.
    """
    try:
        if path.is_dir():
            return Folder(path)
        return Zip(path) if zipfile.is_zipfile(path) else Tar(path)
    except FileNotFoundError:
        raise StudyError(f"{path}: missing") from None
    except (zipfile.BadZipFile, tarfile.TarError) as error:
        raise StudyError(
            f"{path}: not a zip or tar, or damaged ({error}); remove it and fetch it again"
        ) from None

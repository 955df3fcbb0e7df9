"""Files of datasets in folders, zips and tars; archives that would do harm are refused."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from replications.core.data import archives
from replications.core.errors import StudyError

PIXELS = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
DEPTH = np.arange(24, dtype=np.uint16).reshape(4, 6) * 1000


def png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "png")
    return content.getvalue()


FILES = {"a/image.png": png(PIXELS), "a/depth.png": png(DEPTH), "list.txt": b"image\n"}


def folder(path: Path) -> Path:
    for name, content in FILES.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def packed(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("a")
        for name, content in FILES.items():
            archive.writestr(name, content)
    return path


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.size, found.type = len(content), kind
    return found


def tarred(path: Path) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in FILES.items():
            archive.addfile(member(f"./{name}", content), io.BytesIO(content))
    return path


@pytest.mark.parametrize("make", [folder, packed, tarred])
def test_files_are_read_where_they_lie(make: Callable[[Path], Path], tmp_path: Path) -> None:
    archive = archives.opened(make(tmp_path / "set"))
    assert archive.names() == sorted(FILES)
    assert archive.read("list.txt") == b"image\n"
    assert np.array_equal(archive.image("a/image.png"), PIXELS.transpose(2, 0, 1))
    assert np.array_equal(archive.map("a/depth.png"), DEPTH)
    assert archive.map("a/depth.png").dtype == np.uint16
    with pytest.raises(StudyError, match=r"set/a/other\.png: cannot be read \(missing\)"):
        archive.image("a/other.png")
    with pytest.raises(StudyError, match=r"list\.txt: cannot be read as an image \(no image\)"):
        archive.image("list.txt")
    with pytest.raises(StudyError, match=r"image\.png: has 3 channels, a map has one"):
        archive.map("a/image.png")


def test_a_png_that_is_cut_short_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60), dtype=np.uint8)
    (tmp_path / "short.png").write_bytes(png(noise)[:-1000])
    with pytest.raises(StudyError, match=r"short\.png: cannot be read as an image \(image file is"):
        archives.opened(tmp_path).map("short.png")


@pytest.mark.parametrize("name", ["../out.png", "/etc/out.png", "a/../../out.png", "C:/out.png"])
def test_a_name_that_leads_out_is_refused(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, b"")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(member(name))
    for path in (tmp_path / "a.zip", tmp_path / "a.tar"):
        with pytest.raises(StudyError, match="leads out of the archive; remove the archive"):
            archives.opened(path)


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("passwords")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, b"/etc/passwd")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(member("passwords", kind=tarfile.SYMTYPE))
    for path in (tmp_path / "a.zip", tmp_path / "a.tar"):
        with pytest.raises(StudyError, match="'passwords' is a link or a device"):
            archives.opened(path)


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(60_000_000))
    with pytest.raises(StudyError, match=r"zeros would be 60,000,000 bytes, unpacked from"):
        archives.opened(tmp_path / "a.zip")


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"a\.zip: missing"):
        archives.opened(tmp_path / "a.zip")
    (tmp_path / "a.zip").write_bytes(b"<html>please sign in</html>")
    with pytest.raises(StudyError, match=r"not a zip or tar, or damaged .*fetch it again"):
        archives.opened(tmp_path / "a.zip")
    path = packed(tmp_path / "b.zip")
    content = bytearray(path.read_bytes())
    where = content.index(b"a/image.png") + 60
    content[where] ^= 255
    path.write_bytes(content)
    with pytest.raises(StudyError, match=r"b\.zip/a/image\.png: cannot be read"):
        archives.opened(path).image("a/image.png")

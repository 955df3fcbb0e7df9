"""What several tests share: the bundled archives, arrays prepared from them, a micro study."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from replications.core.data.prepare import prepare
from replications.core.data.streets import SPLITS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def archives() -> Path:
    """Folder of the bundled archives, restored by DVC where they are missing."""
    folder = ROOT / "data" / "streets"
    if not all((folder / f"{split}.tar").is_file() for split in SPLITS):
        subprocess.run(["dvc", "pull", "--quiet"], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="session")
def prepared(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset prepared at 32x64."""
    folder = tmp_path_factory.mktemp("prepared") / "streets-32x64"
    prepare(archives, ROOT / "data.dvc", (32, 64), folder)
    return folder


@pytest.fixture(scope="session")
def micro_study(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function that builds the micro study of one replication in a copy of the project, and
    returns the folder of its results."""

    def build(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name) / "project"
        for part in ("replications", "workflow", "config", ".dvc", "data.dvc", "paper"):
            source = ROOT / part
            ignore = shutil.ignore_patterns("__pycache__", "tmp", "main.pdf")
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=ignore)
            else:
                shutil.copy(source, folder / part)
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        command = ["snakemake", "--cores", "2", name, "--config", "study=micro", "device=cpu"]
        command.append(f"replications=[{name}]")
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return folder / "results" / "micro" / name

    return build

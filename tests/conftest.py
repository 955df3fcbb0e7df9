"""What several tests share: the bundled archives and arrays prepared from them."""

from __future__ import annotations

import subprocess
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

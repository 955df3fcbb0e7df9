"""Streets as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from replications.core.data.labels import Array
from replications.core.data.pictures.preparation import reduced, stacked
from replications.core.data.prepare import Prepared, tracked_md5
from replications.core.data.streets import reader
from replications.core.data.streets.options import StreetsOptions


def prepare(
    options: StreetsOptions, source: Path = Path("data/streets"), record: Path = Path("data.dvc")
) -> Prepared:
    """The dataset at a size.

    Arguments:
        source: folder with one archive per split.
        record: the DVC file that tracks the archives; their MD5 must agree with it.

    Raises:
        StudyError: an archive is missing, altered, truncated or holds an invalid frame, or the size
            does not divide that of the frames.
    """
    factor = options.reduction(reader.SIZE)
    archives = {split: source / f"{split}.tar" for split in reader.SPLITS}

    def arrays() -> Iterator[tuple[str, dict[str, Array]]]:
        for split, archive in archives.items():
            yield split, stacked([reduced(frame, factor) for frame in reader.read_split(archive)])

    facts = {
        "classes": reader.CLASSES,
        "colours": reader.COLOURS,
        "things": reader.THINGS,
        "scenes": reader.SCENES,
        "box_classes": reader.BOX_CLASSES,
        "focal": reader.FOCAL / factor,
    }
    md5 = {split: tracked_md5(archive, record) for split, archive in archives.items()}
    return Prepared(arrays(), md5, facts)

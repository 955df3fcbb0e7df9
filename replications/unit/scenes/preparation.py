"""Pictures of streets and texts as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from replications.core.data.prepare import Prepared, Samples, tracked_md5
from replications.core.data.streets import preparation as streets
from replications.core.data.streets.options import StreetsOptions
from replications.core.spec.reading import REPLICATIONS
from replications.unit.scenes import texts
from replications.unit.scenes.options import ScenesOptions

_TOP = REPLICATIONS.parent
_PICTURES = ("image", "instances", "semseg", "scene")


def prepare(options: ScenesOptions) -> Prepared:
    """The dataset.

    Raises:
        StudyError: an archive or a file of text is missing, altered or damaged.
    """
    pictures = streets.prepare(
        StreetsOptions(size=options.size), _TOP / "data" / "streets", _TOP / "data.dvc"
    )
    paths = [_TOP / source for source in options.sources if not source.endswith(".tar")]
    first, second = paths
    own = (
        texts.read_reviews(first, second)
        if options.texts == "book_reviews"
        # The official test set is fewer than there are pictures: all are split anew.
        else texts.read_comments(first) + texts.read_comments(second)
    )
    wanted = {name: options.facts[name] * options.texts_each for name in ("train", "val", "test")}
    read = texts.encoded(texts.split(own, wanted), options.texts_each, options.length)

    def arrays() -> Iterator[tuple[str, Mapping[str, Samples]]]:
        for split, found in pictures.splits:
            yield split, {name: found[name] for name in _PICTURES} | read[split]

    facts = pictures.facts | {
        "text_classes": {label: texts.CLASSES[label] for label in options.text_labels}
    }
    record = _TOP / "data" / f"{options.texts}.dvc"
    md5 = pictures.md5 | {path.name: tracked_md5(path, record) for path in paths}
    return Prepared(arrays(), md5, facts)

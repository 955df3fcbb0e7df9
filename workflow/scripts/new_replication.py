"""Lay out a replication that trains: a folder under replications/, to be made into a paper's."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from replications.core.data.folder.options import FolderOptions
from replications.core.errors import StudyError

_TEMPLATE = Path(__file__).resolve().parents[1] / "template"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the folder, such as my_system")
    parser.add_argument("--replications", type=Path, default=Path("replications"))
    parser.add_argument("--data", help="a folder of pictures of one's own, with its dataset.yaml")
    arguments = parser.parse_args()
    try:
        own = of_pictures(arguments.data) if arguments.data else {}
        folder = laid_out(arguments.name, arguments.replications, own)
    except (ValueError, StudyError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(
        f"{folder} is there and trains: snakemake --cores all {arguments.name} --config study=micro"
        "\nNext: its README.md, replication.yaml, options.py and model.py."
    )
    return 0


def of_pictures(path: str) -> dict[str, str]:
    """What a replication of a folder of pictures has in place of what is in the template.

    Raises:
        ValueError: there is no description, or no map of classes.
        StudyError: the description is none.
    """
    own = FolderOptions(path=path, size=(1, 1))
    if "semseg" not in own.labels:
        raise ValueError(
            f"{path}/dataset.yaml: has no `semseg`, which the template's tasks begin with"
        )
    first = Path(path, own.description.splits["train"]).read_text(encoding="utf-8").split()[0]
    with Image.open(Path(path, own.description.image.replace("*", first))) as image:
        width, height = image.size
    # The encoder reduces by 8, and a micro study has a quarter of the size.
    larger = max(1.0, height / 256)
    rows, columns = (max(32, 32 * round(side / larger / 32)) for side in (height, width))
    sizes = {part: f"size: [{rows // part}, {columns // part}]" for part in (1, 2, 4)}
    replaced = {
        "name: streets, size: [128, 256]": f"name: folder, path: {path}, {sizes[1]}",
        "size: [64, 128]": sizes[2],
        "size: [32, 64]": sizes[4],
    }
    if "depth" not in own.labels:
        replaced |= {"depth": "edges", "abs_err": "ods_f", "깊이": "경계"}
    return replaced


def laid_out(name: str, replications: Path, replaced: Mapping[str, str] = {}) -> Path:
    """The new folder; `replaced`: what of the template, by what.

    Raises:
        ValueError: the name cannot be that of a module, or is taken.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"'{name}' is no name of a module: small letters, digits and _")
    folder = replications / name
    if folder.exists():
        raise ValueError(f"{folder} is there already")
    shutil.copytree(_TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8").replace("NAME", name)
        if replaced:  # at once: what is put in place may look like what is replaced
            found = re.compile("|".join(map(re.escape, replaced)))
            text = found.sub(lambda old: replaced[old[0]], text)
        # LaTeX would take a _ for an index.
        path.write_text(text.replace("TITLE", name.replace("_", " ")), encoding="utf-8")
    return folder


if __name__ == "__main__":
    sys.exit(main())

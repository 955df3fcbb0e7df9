"""What a trained run predicts of images of one's own, as pictures and as arrays; and how long it
takes beside the single-task networks.

python -m replications.core.inference.predict RUN_FOLDER IMAGE_OR_FOLDER... --output FOLDER

Images are scaled to the size that the run was trained on, and cut where their shape is another. Of
each, `<name>.png` shows what is predicted and `<name>.npz` has it as arrays: `image` (3, H, W) and
one of each task. The single-task runs of the same seed are shown beside it where they are trained.
Frames of a film are images: ffmpeg -i film.mp4 frames/%06d.png.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from replications.core.data.labels import Array
from replications.core.engine.cost import timed
from replications.core.engine.devices import training_device
from replications.core.errors import StudyError, run_command
from replications.core.files import replacing
from replications.core.inference.trained import Trained, load_trained
from replications.core.presentation import presentation

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_PASSES = 50
_ALONE = "single-task runs"
Shown = dict[str, Array]
"""What a task predicts of one image, in the form of `Task.shown`, by task."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="results/<study>/<replication>/<run>/<seed>")
    parser.add_argument("images", type=Path, nargs="+", help="images, or folders of them")
    parser.add_argument("--output", type=Path, required=True, help="where to write")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    own = parser.parse_args()
    with training_device(own.device, threads=1) as device:
        predict(own.run, list(found(own.images)), own.output, device)


def predict(run: Path, images: Sequence[Path], output: Path, device: torch.device) -> None:
    """Write what a run predicts of images, and print how long a pass takes."""
    named = stems(images, output)
    joint = load_trained(run, device)
    singles = [load_trained(folder, device) for folder in dict.fromkeys(joint.singles.values())]
    for count, (name, path) in enumerate(named.items(), start=1):
        image = read_image(path, joint.size)
        own = shown(joint, image)
        alone: Shown = {}
        for single in singles:
            alone |= shown(single, image, own)
        with replacing(output / f"{name}.npz") as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, image=image.numpy(), **own)
        with replacing(output / f"{name}.png") as temporary:
            figure = drawn(image, {joint.run: own, _ALONE: alone}, joint.dataset.facts)
            figure.savefig(temporary, format="png", metadata={"Software": None})
        print(f"[{count}/{len(images)}] {output / name}.png", flush=True)
    print(speed(joint, singles))


def stems(images: Sequence[Path], output: Path) -> dict[str, Path]:
    """The images by what is written of them is called.

    Raises:
        StudyError: two would be called the same, or would take the place of images.
    """
    named: dict[str, Path] = {}
    for path in images:
        if path.parent.resolve() == output.resolve():
            raise StudyError(f"{output}: has images that would be overwritten; name another folder")
        other = named.setdefault(path.stem, path)
        if other is not path:
            raise StudyError(f"{other} and {path} have one name; rename one, or call this for each")
    return named


def found(places: Sequence[Path]) -> Iterator[Path]:
    """The images among files and folders, those of a folder by name.

    Raises:
        StudyError: one is missing, or a folder has none.
    """
    for place in places:
        if place.is_dir():
            inside = sorted(p for p in place.iterdir() if p.suffix.lower() in SUFFIXES)
            if not inside:
                raise StudyError(f"{place}: no images in it ({', '.join(SUFFIXES)})")
            yield from inside
        elif place.is_file():
            yield place
        else:
            raise StudyError(f"{place}: neither an image nor a folder of images")


def read_image(path: Path, size: tuple[int, int]) -> Tensor:
    """uint8 (3, H, W), scaled to cover a size and cut around its middle.

    Raises:
        StudyError: it is no image.
    """
    try:
        with Image.open(path) as image:
            fitted = ImageOps.fit(
                ImageOps.exif_transpose(image).convert("RGB"),
                size[::-1],
                Image.Resampling.BILINEAR,
            )
    except (UnidentifiedImageError, OSError) as error:
        raise StudyError(f"{path}: not an image that can be read ({error})") from None
    return torch.from_numpy(np.asarray(fitted).transpose(2, 0, 1).copy())


@torch.no_grad()
def shown(trained: Trained, image: Tensor, others: Mapping[str, Array] | None = None) -> Shown:
    """What a run predicts of an image.

    Instances are looked for inside semantic classes: those that it predicts itself, else those in
    `others`; without any they are left out.
    """
    device = next(trained.learner.parameters()).device
    inputs = trained.decoding.input({"image": image[None].to(device)})
    predictions = trained.learner.predict(inputs)
    classes = dict(others or {})
    ordered = sorted(trained.tasks, key=lambda name: name != "semseg")
    result: Shown = {}
    for name in ordered:
        known = {"semseg": torch.from_numpy(classes["semseg"])[None]} if "semseg" in classes else {}
        if name == "instances" and not known:
            continue
        result[name] = trained.tasks[name].shown(predictions[name], known)[0].cpu().numpy()
        classes[name] = result[name]
    if not result:
        raise StudyError(
            f"{trained.folder}: instances are looked for inside semantic classes, which this run "
            "does not predict; name a run that does"
        )
    return {name: result[name] for name in trained.tasks if name in result}


def drawn(image: Tensor, predicted: Mapping[str, Shown], facts: Mapping[str, object]) -> Figure:
    """A row for each of the runs that predict something: the image with what is drawn on it, and a
    picture of every other task."""
    rows = {name: own for name, own in predicted.items() if own}
    tasks = list(next(iter(rows.values())))
    apart = [name for name in tasks if presentation(name).draw and not presentation(name).overlay]
    height, width = image.shape[-2:]
    columns = 1 + len(apart)
    cell = 3.2
    figure = Figure(
        figsize=(cell * columns, (cell * height / width + 0.25) * len(rows)),
        dpi=150,
        layout="constrained",
    )
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes, (row, own) in zip(grid, rows.items(), strict=True):
        picture = image.numpy().transpose(1, 2, 0).astype(float)
        for name in tasks:
            overlay = presentation(name).overlay
            if overlay and name in own:
                picture = overlay(axes[0], picture, own[name], facts)
        axes[0].imshow(np.rint(picture).astype(np.uint8))
        axes[0].set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
        axes[0].set_title(row, fontsize=8)
        for axis, name in zip(axes[1:], apart, strict=True):
            draw = presentation(name).draw
            if draw and name in own:
                draw(axis, own[name], own[name], facts)
            axis.set_title(presentation(name).english or name, fontsize=8)
        for axis in axes:
            axis.set_axis_off()
    return figure


def speed(joint: Trained, singles: Sequence[Trained]) -> str:
    """How long one pass of the run takes, and those of the single-task networks one after the
    other: medians of passes taken in turn."""
    device = next(joint.learner.parameters()).device
    image = torch.zeros(1, 3, *joint.size, dtype=torch.uint8, device=device)
    sample = joint.decoding.input({"image": image})
    networks = [trained.learner for trained in (joint, *singles)]
    own, *others = (statistics.median(t) for t in timed(networks, sample, _PASSES, warm_up=5))
    text = f"one pass: {own:.2f} ms (median of {_PASSES}, {device})"
    if len(others) == len(joint.tasks):
        text += (
            f"; {len(others)} single-task networks in turn: {sum(others):.2f} ms, "
            f"so {100 * (1 - own / sum(others)):.0f} % less"
        )
    return text


if __name__ == "__main__":
    run_command(main)

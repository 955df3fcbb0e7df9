"""Trained models put to use: on images, and as ONNX in a program that knows nothing of torch."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from replications.core.errors import StudyError
from replications.core.inference import predict

RUN = "results/micro/uncertainty/equal/0"

pytestmark = pytest.mark.micro("uncertainty")


@pytest.fixture(scope="module")
def project(micro_study: Callable[[str], Path]) -> Path:
    return micro_study("uncertainty").parents[2]


def call(project: Path, module: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"replications.core.inference.{module}", *map(str, arguments)]
    return subprocess.run(command, cwd=project, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def example(project: Path) -> dict[str, np.ndarray]:
    """What the training itself left of a test image and its predictions."""
    with np.load(project / RUN / "examples.npz") as arrays:
        return {name: values[0] for name, values in arrays.items() if not name.startswith("l")}


@pytest.fixture
def images(example: dict[str, np.ndarray], tmp_path: Path) -> Path:
    """That image as it is, and as a larger photograph of another shape."""
    folder = tmp_path / "images"
    folder.mkdir()
    picture = Image.fromarray(example["image"].transpose(1, 2, 0))
    picture.save(folder / "street.png")
    picture.resize((300, 300)).save(folder / "photo.jpg")
    (folder / "notes.txt").write_text("no image")
    return folder


def test_predictions_of_images_are_those_of_the_study(
    project: Path, example: dict[str, np.ndarray], images: Path, tmp_path: Path
) -> None:
    output = tmp_path / "predicted"
    done = call(project, "predict", RUN, images, "--output", output, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in output.iterdir()) == [
        *("photo.npz", "photo.png", "street.npz", "street.png"),
    ]
    with np.load(output / "street.npz") as arrays:
        assert set(arrays.files) == {"image", "semseg", "instances", "depth"}
        assert np.array_equal(arrays["image"], example["image"])
        assert np.array_equal(arrays["semseg"], example["predicted_semseg"])
        # Passes of one image and of several differ in the last bits.
        assert np.allclose(arrays["depth"], example["predicted_depth"], rtol=1e-4, atol=1e-5)
        # Instances lie inside the classes of things that were predicted.
        assert arrays["instances"].shape == example["predicted_instances"].shape
    with np.load(output / "photo.npz") as arrays:
        assert arrays["image"].shape == example["image"].shape
    with Image.open(output / "photo.png") as picture:
        assert picture.width > picture.height > 200  # the run above, the single-task runs below
    assert re.search(
        r"one pass: [\d.]+ ms \(median of 50, cpu\); 3 single-task networks in turn: [\d.]+ ms",
        done.stdout,
    )


def test_what_cannot_be_predicted_is_explained(
    project: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(run: str, *given: Path, output: Path = tmp_path / "out") -> str:
        arguments = ["predict", run, *map(str, given), "--output", str(output)]
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(StudyError) as told:
            predict.main()
        return str(told.value)

    monkeypatch.chdir(project)
    assert "neither an image nor a folder of images" in refused(RUN, tmp_path / "none.png")
    alone = "results/micro/uncertainty/single_instances/0"
    assert "inside semantic classes, which this run does not predict" in refused(alone, images)
    assert "has images that would be overwritten" in refused(RUN, images, output=images)
    twin = images.parent / "twin"
    twin.mkdir()
    (twin / "street.jpg").write_bytes((images / "photo.jpg").read_bytes())
    both = refused(RUN, images, twin)
    assert re.search(r"street\.png and \S+street\.jpg have one name", both)
    assert "not an image that can be read" in refused(RUN, images / "notes.txt")
    (tmp_path / "empty").mkdir()
    assert "no images in it" in refused(RUN, tmp_path / "empty")
    assert "not a run folder; name one such as" in refused("results/micro/uncertainty", images)
    weights = project / RUN / "model.pt"
    content = weights.read_bytes()
    weights.unlink()
    try:
        assert "snakemake --cores all -f" in refused(RUN, images)
        said = call(project, "predict", RUN, images, "--output", tmp_path / "out")
        assert said.returncode == 1
        assert "Traceback" not in said.stderr
    finally:
        weights.write_bytes(content)


@pytest.mark.parametrize("run", ["equal", "single_depth"])
def test_onnx_says_what_torch_says(
    project: Path, example: dict[str, np.ndarray], tmp_path: Path, run: str
) -> None:
    path = tmp_path / "model.onnx"
    folder = project / "results" / "micro" / "uncertainty" / run / "0"
    done = call(project, "export", folder, "--output", path)
    assert done.returncode == 0, done.stderr
    assert "any number of images at once; differs from torch by" in done.stdout
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    image = np.repeat(example["image"][None].astype(np.float32), 5, axis=0)
    found = dict(zip(names, session.run(None, {"image": image}), strict=True))
    with np.load(folder / "examples.npz") as arrays:
        assert np.allclose(found["depth"][3, 0], arrays["predicted_depth"][0], rtol=1e-3, atol=1e-4)
        if run == "equal":
            assert (found["semseg"][0].argmax(0) == arrays["predicted_semseg"][0]).mean() > 0.999

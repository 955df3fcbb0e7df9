"""MobileNetV2 as an encoder: its grids, its dilation, and its real ImageNet weights."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models import MobileNet_V2_Weights

from conftest import ROOT, copy_project
from replications.core.data.pretrained import PACKAGED, fetch
from replications.core.errors import StudyError
from replications.core.nets.registry import MOBILENET_V2
from replications.core.nets.registry.dense import DENSE
from replications.core.nets.registry.multiscale import MULTISCALE
from replications.core.nets.registry.pyramid import PYRAMIDS
from replications.core.nets.weights import torchvision_model
from replications.core.spec import layout
from replications.core.spec.plan import model_options

NAME = "mobilenet_v2"
KINDS = {
    "dense": lambda: DENSE[NAME].build(0, 16, True),
    "pyramid": lambda: PYRAMIDS[NAME].build(0, 16, True),
    "multiscale": lambda: MULTISCALE[NAME].build(0, 8, True),
}


@pytest.fixture(scope="module")
def weights() -> Path:
    """The real file, fetched where it is missing."""
    path = ROOT / layout.weights_folder() / MOBILENET_V2
    if not path.is_file():
        try:
            fetch(PACKAGED[MOBILENET_V2], path)
        except StudyError as error:
            pytest.skip(str(error))
    return path


def dense(stride: int) -> nn.Module:
    """The same random weights at every stride."""
    torch.manual_seed(0)
    return DENSE[NAME].build(0, stride, False).eval()


def images() -> Tensor:
    return torch.randn(2, 3, 64, 128, generator=torch.Generator().manual_seed(1))


def shapes(maps: tuple[Tensor, ...]) -> list[tuple[int, ...]]:
    return [tuple(feature.shape[1:]) for feature in maps]


@pytest.mark.parametrize("stride", DENSE[NAME].strides)
def test_grids_have_the_stride(stride: int) -> None:
    with torch.no_grad():
        features = dense(stride)(images())
        pyramid = PYRAMIDS[NAME].build(0, stride, False).eval()(images())
    assert tuple(features.shape) == (2, DENSE[NAME].channels(0), 64 // stride, 128 // stride)
    maps = PYRAMIDS[NAME].maps(0, stride)
    assert shapes(pyramid) == [
        (c, 64 // s, 128 // s) for c, s in zip(maps.channels, maps.strides, strict=True)
    ]


def test_four_scales_have_a_pyramid_behind_them() -> None:
    with torch.no_grad():
        maps = MULTISCALE[NAME].build(0, 8, False).eval()(images())
    assert shapes(maps) == [(8, 64 // s, 128 // s) for s in (4, 8, 16, 32)]


@pytest.mark.parametrize(
    ("stride", "dilations"),
    [(32, [1] * 18), (16, [1] * 15 + [2] * 3), (8, [1] * 8 + [2] * 7 + [4] * 3)],
)
def test_convolutions_behind_a_stride_that_is_gone_are_dilated(
    stride: int, dilations: list[int]
) -> None:
    found = [
        layer.dilation[0]
        for layer in dense(stride).modules()
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3)
    ]
    assert found == dilations


@pytest.mark.parametrize("stride", [8, 16])
def test_a_finer_grid_holds_the_coarse_one(stride: int) -> None:
    """At the places of torchvision's own grid, of stride 32, the features are torchvision's."""
    torch.manual_seed(0)
    theirs = torchvision.models.mobilenet_v2().features[:18].eval()
    step = 32 // stride
    with torch.no_grad():
        fine, coarse = dense(stride)(images()), theirs(images())
    assert coarse.std() > 0
    assert torch.allclose(fine[..., ::step, ::step], coarse, rtol=1e-3, atol=1e-5 * coarse.std())


@pytest.mark.parametrize("name", ["uncertainty", "multinet", "mti_net"])
def test_a_specification_may_start_from_its_weights(name: str) -> None:
    extra = {"grid": [4, 8]} if name == "multinet" else {}
    given: dict[str, Any] = {"encoder": NAME, "pretrained": True, **extra}
    assert model_options(name, given).weights == (MOBILENET_V2,)
    assert model_options(name, given | {"pretrained": False}).weights == ()


def test_the_workflow_fetches_the_weights_only_for_a_run_that_uses_them(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    file = project / "replications" / "uncertainty" / "replication.yaml"
    command = ["snakemake", "uncertainty", "--cores", "1", "--dry-run"]
    command += ["--config", "study=micro", "device=cpu", "replications=[uncertainty]"]

    def plan() -> str:
        return subprocess.run(
            command, cwd=project, check=True, capture_output=True, text=True
        ).stdout

    before = plan()
    text = file.read_text(encoding="utf-8")
    run = "tasks: [depth]"
    model = f"{run}, model: {{encoder: {NAME}, pretrained: true}}"
    file.write_text(text.replace(f"{run}}}", f"{model}}}", 1), encoding="utf-8")
    assert "\nweights " not in before
    assert "\nweights " in plan()


def test_the_workflow_and_torchvision_mean_the_same_file() -> None:
    assert MobileNet_V2_Weights.IMAGENET1K_V1.url.endswith(f"/{MOBILENET_V2}")
    assert MOBILENET_V2.split("-")[1].startswith(PACKAGED[MOBILENET_V2].sha256[:8])


@pytest.mark.parametrize("kind", KINDS)
def test_encoders_hold_the_weights_of_the_file(
    kind: str, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(layout.WEIGHTS_VARIABLE, str(weights.parent))
    state = torch.load(weights, weights_only=True)
    convolutions = [m for m in KINDS[kind]().modules() if isinstance(m, nn.Conv2d)]
    assert torch.equal(convolutions[0].weight, state["features.0.0.weight"])
    assert any(torch.equal(c.weight, state["features.17.conv.2.weight"]) for c in convolutions)


def test_photographs_are_what_they_show(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cat of scikit-image and the palace of scikit-learn, as torchvision prepares them."""
    from PIL import Image
    from skimage.data import chelsea
    from sklearn.datasets import load_sample_image

    monkeypatch.setenv(layout.WEIGHTS_VARIABLE, str(weights.parent))
    known = MobileNet_V2_Weights.IMAGENET1K_V1
    pictures = [chelsea(), load_sample_image("china.jpg")]
    prepared = torch.stack([known.transforms()(Image.fromarray(picture)) for picture in pictures])
    with torch.no_grad():
        likeliest = torchvision_model(NAME, pretrained=True).eval()(prepared).argmax(dim=1)
    assert [known.meta["categories"][i] for i in likeliest] == ["Egyptian cat", "palace"]

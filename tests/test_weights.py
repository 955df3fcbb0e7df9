"""ImageNet weights: taken from a folder, checked, and asked for by name where they are missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from replications.core.errors import StudyError
from replications.core.files import sha256_of
from replications.core.nets.registry.dense import DENSE
from replications.core.nets.registry.multiscale import MULTISCALE
from replications.core.nets.registry.pyramid import PYRAMIDS
from replications.core.spec import layout

NOWHERE = "http://127.0.0.1:9/models/"
"""Nobody listens there."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights on a machine without network."""
    import huggingface_hub.constants

    monkeypatch.setenv(layout.WEIGHTS_VARIABLE, str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def resnet50_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, torch.Tensor]:
    """A file of random weights whose name carries its hash, and the first of the weights;
    torchvision asks for that file."""
    state = torchvision.models.resnet50().state_dict()
    torch.save(state, folder / "new.pth")
    name = f"resnet50-{sha256_of(folder / 'new.pth')[:8]}.pth"
    _at(NOWHERE + name, monkeypatch)
    return (folder / "new.pth").rename(folder / name), state["conv1.weight"]


def _at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Weights:
        def __init__(self) -> None:
            self.url = url

    found = {"IMAGENET1K_V1": Weights()}
    monkeypatch.setattr(torchvision.models, "get_model_weights", lambda name: found)


def test_torchvisions_weights_are_taken_from_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first = resnet50_file(folder, monkeypatch)
    encoder = DENSE["resnet50"].build(0, 8, True)
    assert torch.equal(encoder.state_dict()["network.conv1.weight"], first)
    pyramid = PYRAMIDS["resnet50"].build(0, 8, True)
    assert torch.equal(next(pyramid.parameters()), first)


def test_damaged_weights_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = resnet50_file(folder, monkeypatch)
    with path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(StudyError, match=r"resnet50-.*\.pth: damaged: its SHA-256 starts with"):
        DENSE["resnet50"].build(0, 8, True)


def test_missing_weights_of_torchvision_are_asked_for_by_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at(f"{NOWHERE}vgg16-01234567.pth", monkeypatch)
    asked = rf"{folder}/vgg16-01234567\.pth: .* missing .* get vgg16-01234567\.pth from {NOWHERE}"
    with pytest.raises(StudyError, match=asked):
        PYRAMIDS["vgg16"].build(0, 8, True)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["resnet18", "hrnet_w18_small_v2"])
def test_timms_weights_are_taken_from_the_folder(name: str, folder: Path) -> None:
    import timm

    network: Any = timm.create_model(name)
    path = folder / Path(network.pretrained_cfg["hf_hub_id"]).name / "model.safetensors"
    path.parent.mkdir()
    state = network.state_dict()
    save_file(state, path)
    backbone = MULTISCALE[name].build(0, 64, True)
    own = {key.removeprefix("encoder."): value for key, value in backbone.state_dict().items()}
    shared = [key for key in own if key in state]
    assert len(shared) > 50
    assert all(torch.equal(own[key], state[key]) for key in shared)
    save_file({key: value for key, value in state.items() if key != "conv1.weight"}, path)
    with pytest.raises(StudyError, match=r"not the weights of this network.*conv1\.weight"):
        MULTISCALE[name].build(0, 64, True)


def test_missing_weights_of_timm_are_asked_for_by_name(folder: Path) -> None:
    asked = r"resnet18\.a1_in1k/model\.safetensors: .* missing .* the model timm/resnet18\.a1_in1k"
    with pytest.raises(StudyError, match=asked):
        MULTISCALE["resnet18"].build(0, 64, True)

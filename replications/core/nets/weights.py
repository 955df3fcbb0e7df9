"""Networks of torchvision and timm, and their ImageNet weights: files of one folder, which are
downloaded only where they are missing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from replications.core.errors import StudyError
from replications.core.files import sha256_of
from replications.core.spec import layout


def torchvision_model(name: str, pretrained: bool, **options: Any) -> Any:
    """torchvision's network `name`; `pretrained`: with its weights IMAGENET1K_V1.

    Raises:
        StudyError: the weights are missing and cannot be downloaded, or are damaged.
    """
    import torchvision  # seconds to import, and the thin encoders do without

    network: nn.Module = torchvision.models.get_model(name, weights=None, **options)
    if pretrained:
        url = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"].url
        path = _fetched(url.rpartition("/")[2], url, lambda path: _download(url, path))
        state = torch.load(path, map_location="cpu", weights_only=True)
        _fill(network, state, path)
    return network


def timm_model(name: str, pretrained: bool, **options: Any) -> Any:
    """timm's network `name`; `pretrained`: with its default weights, as far as it has such parts.

    Raises:
        StudyError: the weights are missing and cannot be downloaded, or are those of another model.
    """
    import timm  # seconds to import, and the thin encoders do without
    from safetensors.torch import load_file

    network: Any = timm.create_model(name, pretrained=False, **options)
    if pretrained:
        hub: str = network.pretrained_cfg["hf_hub_id"]
        file = f"{hub.rpartition('/')[2]}/model.safetensors"
        path = _fetched(file, f"the model {hub} of timm's hub", lambda path: _from_hub(hub, path))
        _fill(network, load_file(path), path)
    return network


def _fetched(file: str, source: str, fetch: Callable[[Path], None]) -> Path:
    """The path of a file of the folder, once it is there and, as far as its name tells, whole."""
    path = layout.weights_folder() / file
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            fetch(path)
        except (OSError, RuntimeError) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise StudyError(
                f"{path}: these ImageNet weights are missing and cannot be downloaded ({reason}). "
                f"On a machine with network, get {path.name} from {source}, and put it there; or "
                "set pretrained: false under settings.model"
            ) from None
    # Names of torchvision's files end with the first digits of their SHA-256.
    expected = re.search(r"-([0-9a-f]{8,})\.", file)
    if expected and not (found := sha256_of(path)).startswith(expected[1]):
        raise StudyError(
            f"{path}: damaged: its SHA-256 starts with {found[: len(expected[1])]} instead of "
            f"{expected[1]}; delete it, and get it again from {source}"
        )
    return path


def _download(url: str, path: Path) -> None:
    torch.hub.download_url_to_file(url, str(path), progress=False)


def _from_hub(hub: str, path: Path) -> None:
    from huggingface_hub import hf_hub_download

    hf_hub_download(hub, path.name, local_dir=path.parent)


def _fill(network: nn.Module, state: dict[str, torch.Tensor], path: Path) -> None:
    """Load what the network has of the weights; every parameter must be among them."""
    own = network.state_dict()
    try:
        network.load_state_dict({name: value for name, value in state.items() if name in own})
    except RuntimeError as error:
        # One line of what may be hundreds of names.
        reason = str(error).splitlines()[-1].strip()[:200]
        raise StudyError(f"{path}: not the weights of this network: {reason}") from None

"""MultiNet's network: encoders with finer features, decoders, RoI alignment, rezoom."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import roi_align as reference

from replications.core.nets.fcn import FCN8s, upsampling
from replications.core.nets.registry.pyramid import PYRAMIDS, Maps
from replications.core.nets.resize import bilinear
from replications.core.nets.roi_align import roi_align
from replications.core.nets.shared_trunk import SharedTrunk
from replications.multinet.model import build_model
from replications.multinet.options import ModelOptions

CHANNELS = {"road": 2, "vehicles": 6, "scene": 3}


def options(**changes: Any) -> ModelOptions:
    small = {"encoder": "thin", "width": 4, "stride": 8, "grid": (4, 8), "hidden": 12}
    return ModelOptions.model_validate(small | {"rezoom_hidden": 8, "dropout": 0.0} | changes)


def images(n: int = 2) -> torch.Tensor:
    return torch.randn(n, 3, 32, 64, generator=torch.Generator().manual_seed(1))


# Encoders


@pytest.mark.parametrize("stride", [8, 16, 32])
@pytest.mark.parametrize("name", ["vgg16", "resnet50"])
def test_pyramids_have_the_strides_and_channels_they_state(name: Any, stride: Any) -> None:
    encoder = PYRAMIDS[name].build(0, stride, False).eval()
    with torch.no_grad():
        features = encoder(torch.zeros(1, 3, 64, 128))
    maps = PYRAMIDS[name].maps(0, stride)
    assert maps.strides[-1] == stride
    assert [tuple(feature.shape) for feature in features] == [
        (1, channels, 64 // s, 128 // s)
        for channels, s in zip(maps.channels, maps.strides, strict=True)
    ]


def hooked(layers: dict[str, torch.nn.Module]) -> dict[str, torch.Tensor]:
    """What the layers give, by name, once a network with them has been called."""
    found: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Any:
        return lambda module, inputs, output: found.update({name: output.clone()})

    for name, layer in layers.items():
        layer.register_forward_hook(keep(name))
    return found


def test_vgg16_gives_what_the_decoders_of_the_authors_take() -> None:
    """pool3, pool4 and pool5 to FCN8s, and conv4_3 after its ReLU to the rezoom layer."""
    import torchvision

    torch.manual_seed(0)
    ours = PYRAMIDS["vgg16"].build(0, 32, False).eval()
    torch.manual_seed(0)
    theirs = torchvision.models.vgg16().features.eval()
    pools = [layer for layer in theirs if isinstance(layer, torch.nn.MaxPool2d)]
    relus = [layer for layer in theirs if isinstance(layer, torch.nn.ReLU)]
    expected = hooked(dict(zip(("pool3", "pool4", "pool5"), pools[2:], strict=True)))
    early = hooked({"conv4_3": relus[2 + 2 + 3 + 3 - 1]})
    with torch.no_grad():
        theirs(images())
        features = ours(images())
    maps = PYRAMIDS["vgg16"].maps(0, 32)
    for index, name in zip(maps.skips, expected, strict=True):
        assert torch.equal(features[index], expected[name])
    assert torch.equal(features[maps.early], early["conv4_3"])


def test_vgg16_at_stride_8_keeps_the_layers_it_takes_them_from() -> None:
    """Without pool4 and pool5: pool3, conv4_3 in place of pool4, and conv5_3."""
    encoder = PYRAMIDS["vgg16"].build(0, 8, False).eval()
    convolutions = [m for m in encoder.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [c.dilation[0] for c in convolutions] == [1] * 10 + [2] * 3
    third = hooked({"conv3_3": convolutions[6], "conv4_3": convolutions[9]})
    with torch.no_grad():
        features = encoder(images())
    maps = PYRAMIDS["vgg16"].maps(0, 8)
    assert torch.equal(features[0], F.max_pool2d(third["conv3_3"].relu(), 2))
    assert torch.equal(features[maps.early], third["conv4_3"].relu())
    assert torch.equal(features[maps.skips[1]], features[maps.early])


def test_resnet50_gives_its_last_three_stages() -> None:
    import torchvision

    torch.manual_seed(0)
    ours = PYRAMIDS["resnet50"].build(0, 32, False).eval()
    torch.manual_seed(0)
    theirs = torchvision.models.resnet50().eval()
    expected = hooked({f"layer{n}": getattr(theirs, f"layer{n}") for n in (2, 3, 4)})
    with torch.no_grad():
        theirs(images())
        for mine, other in zip(ours(images()), expected.values(), strict=True):
            assert torch.equal(mine, other)


def test_the_thin_pyramid_has_stride_8() -> None:
    features = PYRAMIDS["thin"].build(4, 8, False)(images())
    shapes = [tuple(feature.shape[1:]) for feature in features]
    assert shapes == [(4, 16, 32), (8, 8, 16), (16, 4, 8)]


# FCN8s


@pytest.mark.parametrize("factor", [2, 8])
def test_upsampling_starts_out_bilinear(factor: int) -> None:
    x = torch.randn(1, 2, 6, 7)
    with torch.no_grad():
        found = upsampling(2, factor)(x)
    expected = bilinear(x, (6 * factor, 7 * factor))
    inner = (..., slice(factor, -factor), slice(factor, -factor))
    assert torch.allclose(found[inner], expected[inner], atol=1e-6)


def test_fcn8s_gives_the_size_of_the_image_or_says_why_not() -> None:
    decoder = FCN8s(Maps((3, 4, 5), (2, 4, 8)), 2)
    maps = (torch.zeros(1, 3, 16, 32), torch.zeros(1, 4, 8, 16), torch.zeros(1, 5, 4, 8))
    assert decoder(maps, (32, 64)).shape == (1, 2, 32, 64)
    with pytest.raises(ValueError, match=r"\(32, 64\) of an image of \(33, 64\)"):
        decoder(maps, (33, 64))


def test_every_scale_reaches_the_segmentation() -> None:
    decoder = FCN8s(Maps((3, 4, 5), (2, 4, 8)), 2)
    maps = tuple(
        torch.randn(1, c, 16 // s, 32 // s, requires_grad=True) for c, s in ((3, 1), (4, 2), (5, 4))
    )
    decoder(maps, (32, 64))[:, 1].sum().backward()
    assert all(feature.grad is not None and feature.grad.any() for feature in maps)


def test_maps_of_one_stride_are_added_as_they_are() -> None:
    """Strides 8, 8, 8, of four maps the second unused: the sum of the scores, brought up by 8."""
    decoder = FCN8s(Maps((3, 9, 4, 5), (8, 8, 8, 8), skips=(0, 2, 3)), 2)
    maps = tuple(torch.randn(1, c, 4, 8) for c in (3, 9, 4, 5))
    with torch.no_grad():
        found = decoder(maps, (32, 64))
        scores = (score(maps[i]) for score, i in zip(decoder.scores, (0, 2, 3), strict=True))
        assert torch.allclose(found, upsampling(2, 8)(sum(scores)), atol=1e-6)
    assert [tuple(p.shape) for p in decoder.last.parameters()] == [(2, 2, 16, 16)]
    assert not list(decoder.doubling.parameters())


# RoI alignment


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 4))
def test_roi_align_is_that_of_torchvision(seed: int, bins: int) -> None:
    """Values and gradients, boxes that leave the image and empty ones included."""
    generator = torch.Generator().manual_seed(seed)
    ours = torch.randn(2, 3, 8, 16, generator=generator, dtype=torch.float64).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    low = torch.rand(2, 5, 2, generator=generator) * torch.tensor([80.0, 48.0]) - 10
    boxes = torch.cat([low, low + 30 * torch.rand(2, 5, 2, generator=generator)], dim=-1)
    boxes[0, 0, 2:] = boxes[0, 0, :2]
    found = roi_align(ours, boxes, (32, 64), bins)
    expected = reference(
        theirs,
        [b.double() for b in boxes],
        bins,
        spatial_scale=0.25,
        sampling_ratio=1,
        aligned=True,
    ).view_as(found)
    assert torch.allclose(found, expected, atol=1e-5)
    weights = torch.randn(found.shape, generator=generator, dtype=torch.float64)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    assert ours.grad is not None
    assert theirs.grad is not None
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-5)


def test_roi_align_of_boxes_that_are_not_numbers_is_zero() -> None:
    """So that a training that diverges ends with the engine's message and not in an index."""
    boxes = torch.tensor([[[float("nan")] * 4, [0.0, 0.0, float("inf"), 8.0]]])
    found = roi_align(torch.ones(1, 2, 4, 4), boxes, (16, 16), 3)
    assert not found[0, 0].any()
    assert found.isfinite().all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_roi_align_is_deterministic_on_cuda() -> None:
    torch.set_deterministic_debug_mode("error")
    try:
        features = torch.randn(4, 16, 32, 64, device="cuda")
        boxes = torch.rand(4, 300, 4, device="cuda") * 60
        gradients: list[torch.Tensor] = []
        for _ in range(3):
            leaf = features.clone().requires_grad_()
            loss = roi_align(leaf, boxes, (64, 128), 3).square().sum()
            gradients += torch.autograd.grad(loss, leaf)
        assert all(torch.equal(gradients[0], other) for other in gradients[1:])
    finally:
        torch.set_deterministic_debug_mode("default")


# The model


SHAPES = ((256, (4, 8)), (512, (4, 8)), (512, (2, 4)), (512, (1, 2)))
"""Channels and size of VGG16's maps of an image of 32x64, at stride 32."""


def model(**changes: Any) -> SharedTrunk:
    return build_model(CHANNELS, options(**changes), seed=0)


def test_predictions_have_the_shapes_the_tasks_expect() -> None:
    shapes = {task: tuple(p.shape) for task, p in model()(images()).items()}
    assert shapes == {"road": (2, 2, 32, 64), "vehicles": (2, 12, 4, 8), "scene": (2, 3)}
    without = model(rezoom=False)(images())
    assert without["vehicles"].shape == (2, 6, 4, 8)


def test_rezoom_takes_the_early_map() -> None:
    """Of VGG16 the first 256 channels of conv4_3; nothing else but the deepest map is looked at."""
    net = model(encoder="vgg16", stride=32, grid=(1, 2)).eval()
    generator = torch.Generator().manual_seed(2)
    maps = [torch.randn(1, c, *size, generator=generator) for c, size in SHAPES]
    leaves = tuple(feature.requires_grad_() for feature in maps)
    net.decode(leaves, (32, 64), ["vehicles"])["vehicles"].sum().backward()
    assert [feature.grad is not None for feature in leaves] == [False, True, False, True]
    reached = leaves[1].grad
    assert reached is not None
    assert reached[:, :256].any()
    assert not reached[:, 256:].any()


@pytest.mark.parametrize("task", CHANNELS)
def test_single_and_multi_start_from_the_same_weights(task: str) -> None:
    joint = build_model(CHANNELS, options(), seed=3)
    single = build_model({task: CHANNELS[task]}, options(), seed=3)
    for mine, theirs in zip(single.shared_parameters(), joint.shared_parameters(), strict=True):
        assert torch.equal(mine, theirs)
    for mine, theirs in zip(single.task_parameters(task), joint.task_parameters(task), strict=True):
        assert torch.equal(mine, theirs)
    with torch.no_grad():
        assert torch.equal(single.eval()(images())[task], joint.eval()(images())[task])


def test_a_grid_that_does_not_fit_the_images_is_named() -> None:
    with pytest.raises(ValueError, match=r"model\.grid is \(4, 9\).*grid of \(4, 8\)"):
        model(grid=(4, 9))(images())


def test_rezoom_adds_to_the_first_box_and_sends_gradients_to_finer_features() -> None:
    net = model()
    features = net.encode(images())
    assert isinstance(features, tuple)
    for feature in features:
        feature.retain_grad()
    prediction = net.decode(features, (32, 64), ["vehicles"])["vehicles"]
    prediction[:, 6:8].square().sum().backward()
    assert features[0].grad is not None
    assert features[0].grad.any()
    assert features[1].grad is None or not (features[1].grad - features[1].grad).any()
    rezoom: Any = net.heads["vehicles"].rezoom
    for parameter in rezoom.correction[-1].parameters():
        torch.nn.init.zeros_(parameter)
    unchanged = net.decode(net.encode(images()), (32, 64), ["vehicles"])["vehicles"]
    assert torch.equal(unchanged[:, 8:], unchanged[:, 2:6])


def test_decoding_some_tasks_is_decoding_them_of_all() -> None:
    net = model().eval()
    with torch.no_grad():
        features = net.encode(images())
        whole = net.decode(features, (32, 64))
        part = net.decode(features, (32, 64), ["scene"])
    assert list(part) == ["scene"]
    assert torch.equal(part["scene"], whole["scene"])


def test_the_classification_decoder_sees_the_whole_grid() -> None:
    net = model().eval()
    image = images(1).requires_grad_()
    F.softplus(net(image)["scene"]).sum().backward()
    assert image.grad is not None
    assert image.grad[..., :4, :4].any()
    assert image.grad[..., -4:, -4:].any()

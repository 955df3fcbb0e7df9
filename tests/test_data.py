"""Data: the reader against the archive, damage refused by name, batches and augmentation."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import load_file, save_file

from conftest import ROOT
from replications.core.data.batches import Batch, indices_of_step, read_description, read_split
from replications.core.data.labels import VOID
from replications.core.data.pictures.augment import augment, flipped, zoomed
from replications.core.data.pictures.decoding import Pictures
from replications.core.data.pictures.preparation import reduced
from replications.core.data.prepare import tracked_md5, write
from replications.core.data.streets import reader as streets
from replications.core.data.streets.options import StreetsOptions
from replications.core.data.streets.preparation import prepare
from replications.core.errors import StudyError
from replications.core.files import md5_of

CPU = torch.device("cpu")
SMALL = StreetsOptions(size=(32, 64))
PICTURES = Pictures(SMALL)


def copied(archives: Path, folder: Path) -> tuple[Path, Path]:
    """A copy of the archives and of data.dvc that a test may damage."""
    shutil.copytree(archives, folder / "data" / "streets")
    shutil.copy(ROOT / "data.dvc", folder)
    return folder / "data" / "streets", folder / "data.dvc"


def accept(archive: Path, dvc_file: Path) -> None:
    """Enter the archive's present hash, as if this content were the tracked one."""
    record = yaml.safe_load(dvc_file.read_text(encoding="utf-8"))
    for out in record["outs"]:
        if Path(out["path"]).name == archive.name:
            out["md5"] = md5_of(archive)
    dvc_file.write_text(yaml.safe_dump(record), encoding="utf-8")


def test_reader_yields_what_the_archive_holds(archives: Path) -> None:
    frame = next(streets.read_split(archives / "val.tar"))
    with tarfile.open(archives / "val.tar") as tar:
        parts = {}
        for member in list(tar)[:6]:
            content = tar.extractfile(member)
            assert content is not None
            parts[member.name.partition(".")[2]] = content.read()
    image = np.array(Image.open(io.BytesIO(parts["image.jpg"])))
    assert np.array_equal(frame.image.transpose(1, 2, 0), image)
    semseg = np.array(Image.open(io.BytesIO(parts["semseg.png"])))
    assert np.array_equal(frame.semseg, semseg)
    depth = np.array(Image.open(io.BytesIO(parts["depth.png"])))
    assert np.array_equal(frame.depth, depth / np.float32(256))
    labels = json.loads(parts["labels.json"])
    assert frame.scene == streets.SCENES.index(labels["scene"])
    assert len(frame.boxes) == len(labels["boxes"])


def test_splits_are_complete_and_share_no_street(archives: Path) -> None:
    layouts = {}
    for split, count in streets.SPLITS.items():
        with tarfile.open(archives / f"{split}.tar") as tar:
            found = []
            for member in tar:
                content = tar.extractfile(member)
                if member.name.endswith(".labels.json") and content:
                    found.append(json.loads(content.read())["layout_seed"])
        assert len(found) == count
        layouts[split] = set(found)
    assert not layouts["train"] & layouts["val"]
    assert not layouts["train"] & layouts["test"]
    assert not layouts["val"] & layouts["test"]


def test_prepared_arrays_are_the_reduced_frames(archives: Path, prepared: Path) -> None:
    arrays = load_file(prepared / "val.safetensors")
    for index, frame in enumerate(streets.read_split(archives / "val.tar")):
        if index % 40:
            continue
        small = reduced(frame, 4)
        for name in ("image", "semseg", "instances", "depth", "normals"):
            assert np.array_equal(arrays[name][index], getattr(small, name)), name
        assert arrays["boxes"][index, : len(small.boxes)] == pytest.approx(small.boxes)
        assert (arrays["boxes"][index, len(small.boxes) :] == -1).all()


def test_reduction_averages_the_image_and_picks_labels(archives: Path) -> None:
    frame = next(streets.read_split(archives / "val.tar"))
    small = reduced(frame, 2)
    assert abs(small.image.mean() - frame.image.mean()) < 0.5
    assert set(np.unique(small.semseg)) <= set(np.unique(frame.semseg))
    assert reduced(frame, 1) is frame


def test_a_flipped_byte_is_refused_by_name(archives: Path, tmp_path: Path) -> None:
    source, dvc_file = copied(archives, tmp_path)
    content = bytearray((source / "val.tar").read_bytes())
    content[len(content) // 2] ^= 1
    (source / "val.tar").write_bytes(content)
    with pytest.raises(StudyError, match=r"val\.tar: MD5 is .* altered or cut short"):
        write(SMALL, prepare(SMALL, source, dvc_file), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_files_of_which_no_hash_is_known_hinder_none_that_have_one(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("content", encoding="utf-8")
    digest = md5_of(tmp_path / "one.txt")
    outs = [{"path": "other.txt"}, {"path": "one.txt", "md5": digest}]
    record = tmp_path / "own.dvc"
    record.write_text(yaml.safe_dump({"outs": outs}), encoding="utf-8")
    assert tracked_md5(tmp_path / "one.txt", record) == digest
    (tmp_path / "other.txt").write_text("anything", encoding="utf-8")
    assert tracked_md5(tmp_path / "other.txt", record) == md5_of(tmp_path / "other.txt")
    (tmp_path / "third.txt").write_text("content", encoding="utf-8")
    with pytest.raises(StudyError, match=r"no entry for third\.txt"):
        tracked_md5(tmp_path / "third.txt", record)


def test_a_missing_split_is_refused_by_name(archives: Path, tmp_path: Path) -> None:
    source, dvc_file = copied(archives, tmp_path)
    (source / "test.tar").unlink()
    with pytest.raises(StudyError, match=r"test\.tar: missing; restore it with: dvc pull"):
        write(SMALL, prepare(SMALL, source, dvc_file), tmp_path / "out")


def test_a_truncated_archive_is_refused_even_with_a_fitting_hash(
    archives: Path, tmp_path: Path
) -> None:
    source, dvc_file = copied(archives, tmp_path)
    archive = source / "val.tar"
    archive.write_bytes(archive.read_bytes()[:100_000])
    accept(archive, dvc_file)
    with pytest.raises(StudyError, match=r"val\.tar: (broken archive|frame .* lacks|\d+ frames)"):
        list(streets.read_split(archive))
    with pytest.raises(StudyError):
        write(SMALL, prepare(SMALL, source, dvc_file), tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_labels_that_contradict_each_other_are_refused(archives: Path, tmp_path: Path) -> None:
    altered = tmp_path / "val.tar"
    with tarfile.open(archives / "val.tar") as old, tarfile.open(altered, "w") as new:
        for member in old:
            content = old.extractfile(member)
            assert content is not None
            data = content.read()
            if member.name.endswith("000003.instances.png"):
                buffer = io.BytesIO()
                Image.fromarray(np.ones((128, 256), np.uint16)).save(buffer, "png")
                data = buffer.getvalue()
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    with pytest.raises(StudyError, match="val_000003: instances do not cover"):
        list(streets.read_split(altered))


def test_a_size_that_does_not_divide_is_refused(tmp_path: Path) -> None:
    options = StreetsOptions(size=(60, 100))
    with pytest.raises(StudyError, match=r"60x100 does not divide .* 128x256, 64x128"):
        prepare(options, tmp_path, tmp_path / "data.dvc")


def test_damaged_prepared_arrays_are_refused(prepared: Path, tmp_path: Path) -> None:
    shutil.copytree(prepared, tmp_path / "data")
    (tmp_path / "data" / "train.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(StudyError, match=r"train\.safetensors: cannot be read"):
        read_split(tmp_path / "data", "train", {"semseg"}, CPU, PICTURES)
    (tmp_path / "data" / "dataset.json").write_text("{}")
    with pytest.raises(StudyError, match="not a prepared dataset"):
        read_description(tmp_path / "data")
    with pytest.raises(StudyError, match="no label edges"):
        read_split(prepared, "val", {"edges"}, CPU, PICTURES)


def test_arrays_other_than_the_prepared_ones_are_refused(prepared: Path, tmp_path: Path) -> None:
    shutil.copytree(prepared, tmp_path / "data")
    arrays = load_file(tmp_path / "data" / "val.safetensors")
    arrays["semseg"] = arrays["semseg"].copy()
    arrays["semseg"][0, 0, 0] ^= 1
    save_file(arrays, tmp_path / "data" / "val.safetensors")
    with pytest.raises(StudyError, match=r"val\.safetensors: 'semseg' is not the array that was"):
        read_split(tmp_path / "data", "val", {"semseg"}, CPU, PICTURES)
    assert len(read_split(tmp_path / "data", "val", {"depth"}, CPU, PICTURES)) == 120


def test_batches_decode_labels(prepared: Path) -> None:
    labels = {"semseg", "depth", "normals", "instances"}
    split = read_split(prepared, "val", labels, CPU, PICTURES)
    batch = split.batch(torch.tensor([0, 5]))
    assert batch.inputs.shape == (2, 3, 32, 64)
    assert batch.inputs.is_contiguous(memory_format=torch.channels_last)
    lengths = batch.labels["normals"].norm(dim=1)
    valid = batch.labels["depth"] > 0
    assert (lengths[valid] - 1).abs().max() < 0.02
    assert set(batch.labels["semseg"].unique().tolist()) <= {*range(11), VOID}


@given(st.integers(8, 60), st.integers(1, 8), st.integers(0, 5))
def test_an_epoch_sees_every_sample_once(n: int, batch_size: int, seed: int) -> None:
    steps = n // batch_size
    seen = torch.cat([indices_of_step(n, batch_size, seed, step) for step in range(steps)])
    assert len(set(seen.tolist())) == steps * batch_size
    again = torch.cat([indices_of_step(n, batch_size, seed, step) for step in range(steps)])
    assert torch.equal(seen, again)


def random_batch(seed: int) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(4, 3, 6, 10, generator=generator)
    boxes = torch.tensor([[[1.0, 2, 4, 5, 0, 0, 0, 3], [-1.0] * 8]]).repeat(4, 1, 1)
    return Batch(
        images.contiguous(memory_format=torch.channels_last),
        {
            "semseg": torch.randint(0, 11, (4, 6, 10), generator=generator),
            "normals": torch.randn(4, 3, 6, 10, generator=generator),
            "boxes": boxes,
            "scene": torch.arange(4),
        },
    )


def without_boxes(batch: Batch) -> Batch:
    """The batch with a depth map in place of its boxes."""
    labels = {name: values for name, values in batch.labels.items() if name != "boxes"}
    return Batch(batch.inputs, {**labels, "depth": batch.inputs[:, 0].abs()})


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_flipping_twice_is_the_identity(seed: int) -> None:
    batch = random_batch(seed)
    mirror = torch.rand(4, generator=torch.Generator().manual_seed(seed)) < 0.5
    back = flipped(flipped(batch, mirror), mirror)
    assert torch.equal(back.inputs, batch.inputs)
    for name, values in batch.labels.items():
        assert torch.equal(back.labels[name], values), name


def test_flip_mirrors_labels_with_the_image() -> None:
    batch = random_batch(0)
    once = flipped(batch, torch.tensor([True, False, True, True]))
    assert torch.equal(once.labels["semseg"][0], batch.labels["semseg"][0].flip(-1))
    assert torch.equal(once.labels["semseg"][1], batch.labels["semseg"][1])
    assert torch.equal(once.labels["normals"][0, 0], -batch.labels["normals"][0, 0].flip(-1))
    # Box 1..4 of a 10 pixels wide image becomes 6..9; padding stays.
    assert once.labels["boxes"][0, 0, :4].tolist() == [6, 2, 9, 5]
    assert once.labels["boxes"][0, 1].tolist() == [-1] * 8


def test_zoom_enlarges_a_window_and_brings_it_nearer() -> None:
    """A factor of 2 at the upper left shows that quarter, each pixel twice, at half the depth."""
    batch = without_boxes(random_batch(3))
    twice = zoomed(batch, torch.full((4,), 2.0), torch.zeros(4, 2))
    for name in ("semseg", "normals"):
        quarter = batch.labels[name][..., :3, :5]
        assert torch.equal(
            twice.labels[name], quarter.repeat_interleave(2, -2).repeat_interleave(2, -1)
        )
    quarter = batch.labels["depth"][..., :3, :5] / 2
    assert torch.equal(
        twice.labels["depth"], quarter.repeat_interleave(2, -2).repeat_interleave(2, -1)
    )


@given(seed=st.integers(0, 100), factor=st.floats(1, 3), place=st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_zoomed_images_are_those_of_grid_sample(seed: int, factor: float, place: float) -> None:
    """Against torch's own sampler."""
    batch = without_boxes(random_batch(seed))
    found = zoomed(batch, torch.full((4,), factor), torch.full((4, 2), place)).inputs
    height, width = found.shape[-2:]
    shift = (2 * place - 1) * (1 - 1 / factor)
    theta = torch.tensor([[1 / factor, 0, shift], [0, 1 / factor, shift]]).expand(4, 2, 3)
    grid = torch.nn.functional.affine_grid(theta, [4, 3, height, width], align_corners=False)
    expected = torch.nn.functional.grid_sample(
        batch.inputs, grid, padding_mode="border", align_corners=False
    )
    assert torch.allclose(found, expected, atol=1e-4)


def test_zoom_by_one_is_the_identity_and_boxes_are_refused() -> None:
    batch = without_boxes(random_batch(1))
    same = zoomed(batch, torch.ones(4), torch.rand(4, 2))
    assert torch.equal(same.inputs, batch.inputs)
    assert all(torch.equal(same.labels[name], batch.labels[name]) for name in batch.labels)
    with pytest.raises(StudyError, match="boxes"):
        zoomed(random_batch(1), torch.ones(4), torch.ones(4, 2))


def test_augmentation_depends_on_seed_and_step_not_on_the_labels() -> None:
    batch = random_batch(1)
    fewer = Batch(batch.inputs, {"semseg": batch.labels["semseg"]})
    one, other = augment(batch, True, [1.0], 3, 7), augment(fewer, True, [1.0], 3, 7)
    assert torch.equal(one.inputs, other.inputs)
    assert torch.equal(one.labels["semseg"], other.labels["semseg"])
    assert any(
        not torch.equal(augment(batch, True, [1.0], 3, step).inputs, one.inputs)
        for step in range(8)
    )

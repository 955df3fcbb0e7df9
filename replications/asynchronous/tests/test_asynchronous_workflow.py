"""`snakemake asynchronous` on the micro study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file

from replications.asynchronous.model import build_model
from replications.asynchronous.options import ModelOptions
from replications.core.spec import load_plan

pytestmark = pytest.mark.micro("asynchronous")


@pytest.fixture(scope="module")
def results(micro_study: Callable[[str], Path]) -> Path:
    return micro_study("asynchronous")


def test_a_later_task_changes_nothing_for_the_first(results: Path) -> None:
    table = pd.read_csv(results / "later" / "table.csv")
    assert (table["kept"] > 10).all()
    assert (table["moved"] == 0).all()
    assert (table["change"] == 0).all()
    claims = pd.read_csv(results / "claims.csv", dtype={"claim": str}).set_index("claim")
    assert claims.loc["2", "verdict"] == "reproduced"


def test_contrast_is_trained_first_and_measured_nowhere(results: Path) -> None:
    history = pd.read_csv(results / "contrastive" / "0" / "history.csv")
    assert history["loss_contrast"].notna().tolist() == [True, True, False, False]
    assert history["loss_category"].notna().tolist() == [False, False, True, True]
    assert "contrast" not in set(pd.read_csv(results / "runs.csv")["task"])


def test_traffic_is_counted_by_hand(results: Path) -> None:
    found = pd.read_csv(results / "traffic" / "table.csv").set_index("training")["symbols"]
    # 10 dB carry 3.459 bits, of 32 that a symbol's two numbers have: for each symbol of four steps,
    # the gradient's; for each of the 64 pictures, the picture's own. And 64 pictures of 784 bytes.
    targets = 64 * 784 * 8 / 3.4594
    together = targets + 4 * 16 * 49 * (1 + 32 / 3.4594)
    assert found["together"] == pytest.approx(together, rel=1e-4)
    assert found["anew"] == pytest.approx(targets + 2 * 16 * 49, rel=1e-4)
    assert found["once"] == pytest.approx(targets + 64 * 49 * 32 / 3.4594, rel=1e-4)


def test_an_encoder_that_learns_nothing_has_seen_pictures(results: Path) -> None:
    """Its weights are as they were drawn; its batch norms know the mean of what passes."""
    options = load_plan("asynchronous", "micro").model_of("untrained")
    assert isinstance(options, ModelOptions)
    drawn = build_model({"reconstruction": 1, "category": 10}, options, 0).encoder.state_dict()
    trained = torch.load(results / "untrained" / "0" / "model.pt", weights_only=True)
    for name, before in drawn.items():
        after = trained[f"encoder.{name}"]
        assert torch.equal(before, after) == ("running" not in name and "batches" not in name)


def test_pictures_are_sent_and_arrive_at_every_ratio(results: Path) -> None:
    table = pd.read_csv(results / "arrives" / "table.csv")
    assert table["at"].isna().sum() == 6
    assert table["at"].value_counts().to_dict() == {0.0: 6, 10.0: 6}
    prepared = results.parents[2] / "data" / "prepared" / "mnist-64x32x48"
    stored = load_file(prepared / "test.safetensors")["image"]
    whole = {picture.tobytes().hex() for picture in stored}
    assert set(table.loc[table["at"].isna(), "pixels"]) <= whole
    assert set(table["pixels"].str.len()) == {2 * 28 * 28}
    assert (results / "figure_arrives.pdf").stat().st_size > 1000


def test_structural_similarity_is_measured_on_whole_splits(results: Path) -> None:
    runs = pd.read_csv(results / "runs.csv", keep_default_na=False)
    own = runs[(runs["task"] == "reconstruction") & (runs["split"] == "test")]
    assert set(own["metric"]) == {"psnr", "mse", "ms_ssim"}
    assert own.loc[own["metric"] == "ms_ssim", "value"].between(0, 1).all()

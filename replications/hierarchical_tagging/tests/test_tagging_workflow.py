"""`snakemake` on the micro studies of tagging, from the package to what the paper inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from replications.core.data.text.ids import VOCABULARY
from replications.core.spec import load_plan
from replications.hierarchical.model import Hierarchical
from replications.hierarchical_tagging.model import build_model
from replications.hierarchical_tagging.options import ModelOptions

pytestmark = pytest.mark.micro("hierarchical_tagging", "sluice_text", "sparse_sharing_text")


@pytest.fixture(scope="module")
def results(micro_study: Callable[[str], Path]) -> Path:
    """The results of tagging, with those of its two other replications beside them."""
    micro_study("sparse_sharing_text")
    micro_study("sluice_text")
    return micro_study("hierarchical_tagging").parent


def test_low_tasks_sit_low() -> None:
    for run, depths in (
        ("top", {"seg": 4, "pos": 4}),
        ("hierarchical", {"seg": 2, "pos": 4}),
        ("reversed", {"seg": 4, "pos": 2}),
    ):
        options = load_plan("hierarchical_tagging", "micro").model_of(run)
        assert isinstance(options, ModelOptions)
        model = build_model({"seg": 4, "pos": 43}, options, 0)
        assert isinstance(model, Hierarchical)
        assert model.depths == depths


def test_a_study_of_chinese(results: Path) -> None:
    runs = pd.read_csv(results / "hierarchical_tagging" / "runs.csv")
    of_task = runs[runs["split"] == "test"].groupby("task")["metric"].agg(set).to_dict()
    assert of_task == {"seg": {"accuracy", "word_f1"}, "pos": {"accuracy"}}
    claims = pd.read_csv(results / "hierarchical_tagging" / "claims.csv")
    assert claims["claim"].tolist() == [1, 2, 3, 4]


def test_a_subnetwork_of_half_the_weights(results: Path) -> None:
    """Its parameters: fewer than those of hard sharing, the masks counted, the embeddings too."""
    costs = pd.read_csv(results / "sparse_sharing_text" / "costs.csv").set_index("run")
    parameters = costs["parameters"]
    assert VOCABULARY * 8 < parameters["sparse_sharing"] < parameters["top"]
    folder = results / "sparse_sharing_text" / "sparse_sharing" / "0"
    with np.load(folder / "examples.npz") as arrays:
        overlap = arrays["learned_overlap"]
    assert overlap.shape == (2, 2)
    assert 0 < overlap[0, 1] < 1


def test_subspaces_of_words_are_shared(results: Path) -> None:
    runs = pd.read_csv(results / "sluice_text" / "runs.csv")
    assert {"sluice", "stitch", "without_penalty", "top"} <= set(runs["run"])
    history = pd.read_csv(results / "sluice_text" / "sluice" / "0" / "history.csv")
    assert (history["penalty_orthogonality"] > 0).all()
    with np.load(results / "sluice_text" / "sluice" / "0" / "examples.npz") as arrays:
        assert arrays["learned_alpha"].shape == (4, 4, 4)
        assert arrays["learned_beta"].shape == (2, 4)
    assert (results / "sluice_text" / "figure_sharing.pdf").is_file()

"""A replication like another has the other's sizes, and compares with its runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import Edit
from replications.core import spec
from replications.core.errors import StudyError
from replications.core.spec import layout, origin, reading
from replications.uncertainty import options

STUDY = {"runs": ["single_semseg", "single_instances", "single_depth", "equal", "pair"]}


@pytest.fixture
def like(
    planned: Callable[[Edit], spec.Plan], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., spec.Plan]:
    """The plan of a replication like uncertainty, each with a change."""
    monkeypatch.setitem(sys.modules, "replications.pairs.options", options)

    def plan(other: Edit = lambda c: None, **own: Any) -> spec.Plan:
        planned(lambda c: [c["studies"]["quick"].update(ladder=[40, 80]), other(c)])
        folder = reading.REPLICATIONS / "pairs"
        folder.mkdir(exist_ok=True)
        content: dict[str, Any] = {"title": "Pairs", "korean": "쌍", "paper": "nobody2026pairs"}
        content |= {"order": 9, "family": "sharing", "like": "uncertainty", "reference": "pair"}
        content["runs"] = {"pair": {"title": "A pair", "tasks": ["semseg", "depth"]}}
        compared = {"run": "pair", "against": ["equal", "single_depth"], "task": "depth"}
        content["claims"] = {"1": {"title": "better", "korean": "낫다", "better": compared}}
        content["studies"] = {"quick": STUDY}
        text = yaml.safe_dump(content | own, sort_keys=False)
        (folder / "replication.yaml").write_text(text, encoding="utf-8")
        return spec.load_plan("pairs", "quick")

    return plan


def test_it_takes_over_sizes_and_runs(like: Callable[..., spec.Plan]) -> None:
    plan = like()
    other = spec.load_plan("uncertainty", "quick")
    assert plan.settings == other.settings
    assert (plan.seeds, plan.ladder) == (other.seeds, [40, 80, 160])
    assert {run for run in plan.runs if not spec.base_of(run).startswith("pair")} == {
        f"{run}{budget}"
        for run in ("single_semseg", "single_instances", "single_depth", "equal")
        for budget in ("", "@steps=40", "@steps=80")
    }
    assert plan.single_of("depth", "pair@steps=40") == "single_depth@steps=40"


def test_a_run_is_trained_once(like: Callable[..., spec.Plan]) -> None:
    """By the plan of the replication that it is taken over from, into its folder."""
    wider = {"quick": STUDY | {"settings": {"model": {"width": 20}}}}
    plan = like(studies=wider)
    other = spec.load_plan("uncertainty", "quick")
    for run in ("single_depth", "equal@steps=80"):
        assert plan.owner(run) == other
        assert plan.settings_of(run) == other.settings_of(run)
        assert plan.model_of(run) == other.model_of(run)
        assert origin.of_run(plan, run, 1, "cpu") == origin.of_run(other, run, 1, "cpu")
        own = layout.run_folder(Path("results/quick/pairs"), plan, run, 3)
        assert own == Path("results/quick/uncertainty", run, "3")
    assert plan.owner("pair") is plan
    assert plan.model_of("pair").model_dump()["width"] == 20
    assert layout.run_folder(Path("a/pairs"), plan, "pair", 0) == Path("a/pairs/pair/0")


def test_what_is_trained_along_with_it(like: Callable[..., spec.Plan]) -> None:
    like()
    config = {"study": "quick", "families": "sharing", "replications": ["pairs"]}
    study = spec.load_study(config)
    assert list(study.plans) == study.families["sharing"] == ["pairs"]
    assert set(study.training) == {"pairs", "uncertainty"}


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"like": "nobody"}, "like: no replication 'nobody'"),
        ({"studies": {"huge": STUDY}}, "studies.huge: 'uncertainty' has no such study"),
        (
            {"runs": {"equal": {"title": "Mine", "tasks": ["semseg", "depth"]}}},
            "runs.equal: 'uncertainty' has a run of that name",
        ),
        (
            {"settings": {"batch_size": 4}},
            "settings.batch_size is not that of 'uncertainty'",
        ),
        (
            {"studies": {"quick": {"runs": [*STUDY["runs"], "initial_2"]}}},
            "'uncertainty' does not train 'initial_2' in it",
        ),
        (
            {"runs": {"pair": {"title": "A pair", "tasks": ["semseg", "depth"], "of": "mti_net"}}},
            "runs.pair.of is not to be set by hand",
        ),
    ],
)
def test_what_is_refused(like: Callable[..., spec.Plan], own: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=r"replications/pairs/replication\.yaml") as error:
        like(**own)
    assert message in str(error.value)


def test_one_like_itself_is_refused(like: Callable[..., spec.Plan]) -> None:
    with pytest.raises(StudyError, match="'pairs' is itself like 'pairs'"):
        like(like="pairs")

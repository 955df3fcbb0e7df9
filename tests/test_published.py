"""Published values: our delta_m of the papers' own tables, rebuilt values against published ones,
what tasks do to each other, and whether what we publish is whole."""

from __future__ import annotations

import io
import math
import re
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from replications.core.errors import StudyError
from replications.core.evidence.archive import pack, unpack
from replications.core.evidence.claims import claims_table
from replications.core.evidence.compare import compared
from replications.core.evidence.delta_m import DELTA_KEY
from replications.core.evidence.publish import PAGE, READMES, page, with_found
from replications.core.evidence.reported import disagreements, recomputed
from replications.core.evidence.tidy import COSTS_KEY, RUNS_KEY, read_table
from replications.core.evidence.transfer import overfitting_table, transfer_table
from replications.core.evidence.values import observed
from replications.core.files import write_json
from replications.core.spec import (
    Bound,
    Claim,
    Plan,
    base_of,
    load_plan,
    load_replication,
    load_study,
    origin,
)
from replications.core.spec.layout import ORIGIN, figures
from replications.core.spec.origin import published_plans

PUBLISHED = ROOT / "results" / "published"
KEY = ["replication", "run", "role", "condition", "seed", "split", "task", "metric"]
KEY += ["higher_is_better"]


def values_of(
    numbers: dict[int, float],
    run: str = "joint",
    split: str = "test",
    axis: str = "",
    condition: str = "",
) -> pd.DataFrame:
    """As the files have them: a run's place on axes is a column."""
    rows = [
        ("multinet", run, "multi", condition, seed, split, "road", "max_f1", True, value)
        for seed, value in numbers.items()
    ]
    return pd.DataFrame(rows, columns=[*KEY, "value"]).assign(axis=axis)


@pytest.mark.parametrize(
    ("rebuilt", "outcome"),
    [
        ({0: 90.0, 1: 91.0}, "identical"),
        ({0: 90.0, 1: 91.0, 2: 92.0, 7: 50.0}, "identical"),
        ({0: 90.1, 1: 91.1, 2: 91.7}, "within interval"),
        ({0: 80.0, 1: 80.1, 2: 79.9}, "differs"),
    ],
)
def test_rebuilt_against_published(rebuilt: dict[int, float], outcome: str) -> None:
    published = values_of({0: 90.0, 1: 91.0, 2: 92.0})
    table = compared(values_of(rebuilt), published)
    assert table["outcome"].tolist() == [outcome]
    assert table["published"].tolist() == [91.0]


def test_runs_that_only_one_has_are_not_compared() -> None:
    assert compared(values_of({0: 1.0}, run="other"), values_of({0: 1.0})).empty
    assert compared(values_of({0: 1.0}, split="val"), values_of({0: 1.0})).empty
    assert compared(values_of({0: 1.0}, axis="steps=640"), values_of({0: 1.0})).empty
    assert compared(values_of({0: 1.0}, condition="snr_db=0"), values_of({0: 1.0})).empty


def two_tasks() -> pd.DataFrame:
    """MultiNet's runs on two seeds: the road gains 10 % from the others, vehicles lose 20 %."""
    rows = []
    for run, road, vehicles in (("joint", 88.0, 40.0), ("single", 80.0, 50.0)):
        for seed in range(2):
            for split, better in (("test", 1.0), ("train", 1.25)):
                names = [("road", "max_f1", road), ("vehicles", "ap_moderate", vehicles)]
                for task, metric, value in [*names, ("scene", "accuracy", 80.0)]:
                    name = run if run == "joint" else f"single_{task}"
                    row = ("multinet", name, "multi", "", seed, split, task, metric, True)
                    # A little noise that leaves the means of pairs alone.
                    rows.append((*row, value * better * (1 + 1e-9 * seed)))
    return pd.DataFrame(rows, columns=[*KEY, "value"])


def test_transfer_and_overfitting_by_hand() -> None:
    plan = load_plan("multinet", "micro").model_copy(update={"seeds": 2})
    transfer = transfer_table(plan, two_tasks()).set_index("task")
    assert transfer["gain"].to_dict() == pytest.approx({"road": 10, "vehicles": -20, "scene": 0})
    assert transfer.loc["road", "together_with"] == "vehicles+scene"
    assert transfer.loc["vehicles", "transfer"] == "negative"
    overfitting = overfitting_table(plan, two_tasks())
    assert overfitting["gap"].tolist() == pytest.approx([25.0] * len(overfitting))


def test_delta_m_of_a_published_table_by_hand() -> None:
    """MultiNet's table: +3 losses against separate networks, three tasks of one metric each."""
    replication = load_plan("multinet", "micro").replication
    reported = pd.read_csv(Path("replications/multinet/reported.csv"))
    names = [("road", "max_f1"), ("vehicles", "ap_moderate"), ("scene", "accuracy")]
    higher = pd.Series(True, pd.MultiIndex.from_tuples(names, names=["task", "metric"]))
    table = recomputed(replication, reported, higher)
    found = table[table["method"] == "3 losses"].set_index("definition")["recomputed"]
    gain = 100 * (95.13 / 95.83 + 84.39 / 83.35 + 94.38 / 92.65 - 3) / 3
    assert found["per_task_primary"] == pytest.approx(gain)
    assert found["per_metric"] == pytest.approx(-gain)
    assert not disagreements(table, "recomputed", ["method"]).any()


INCONSISTENT = {("nyuv2", "IMTL-G")}
"""Where a paper's delta_m is not that of its own metrics: -0.76 printed, -0.60 of its nine."""
FALLING = {"abs_err", "rel_err", "rmse", "angle_mean", "angle_median", "mae"}


def half_a_digit(value: str) -> float:
    """What a printed number may be away from the unrounded one."""
    return 0.5 * 10.0 ** -len(value.partition(".")[2])


@pytest.mark.parametrize("name", ["mti_net", "nash_mtl", "nash_qm9"])
def test_published_delta_m_is_that_of_our_code_within_rounding(name: str) -> None:
    """Every row whose paper prints a delta_m, the error of rounding carried through."""
    replication = load_replication(name)
    text = pd.read_csv(Path(f"replications/{name}/reported.csv"), dtype=str)
    reported = text.assign(value=text["value"].astype(float), half=text["value"].map(half_a_digit))
    metrics = reported[reported["task"] != "all"]
    index = pd.MultiIndex.from_frame(metrics[["task", "metric"]].drop_duplicates())
    higher = pd.Series([metric not in FALLING for _, metric in index], index)
    table = recomputed(replication, reported, higher).dropna(subset="published")
    assert len(table) >= 8
    singles = {run for run, spec in replication.runs.items() if spec.role == "single"}
    baselines = set(metrics.loc[metrics["run"].isin(singles), "method"])
    for row in table.itertuples():
        own = metrics[metrics["dataset"] == row.dataset].set_index(["task", "metric"])
        # The digits of a column, of which trailing zeros are lost.
        half = own.groupby(level=[0, 1])["half"].min()
        base = own.loc[own["method"].isin(baselines), "value"]
        values = own.loc[own["method"] == row.method, "value"]
        if row.definition == "per_task_primary":
            values = values[[key in replication.headline.items() for key in values.index]]
        base, half = base[values.index], half[values.index]
        slack = 100 * (half / base + half * values / base**2).mean() + 0.05
        found = abs(row.recomputed - row.published) <= slack
        assert found == ((row.dataset, row.method) not in INCONSISTENT), row


def measured_claim(plan: Plan, bound: Bound) -> Plan:
    sentence = {"reproduced": "r", "contradicted": "c", "undecided": "u"}
    claim = Claim(title="t", sentence=sentence, measured=[bound])
    replication = plan.replication.model_copy(update={"claims": {"1": claim}})
    return plan.model_copy(update={"replication": replication})


@pytest.mark.parametrize(
    ("bound", "verdict"),
    [
        ({"least": 0.5}, "reproduced"),
        ({"most": 0.5}, "contradicted"),
        ({"least": 0.9, "most": 0.95}, "reproduced"),
        # An interval: both ends have to lie on the other side.
        ({"least": 0.9, "opposite": "high"}, "reproduced"),
        ({"least": 0.95, "opposite": "high"}, "undecided"),
        ({"least": 0.98, "opposite": "high"}, "contradicted"),
        ({"number": "never", "least": 0.9, "opposite": "high"}, "undecided"),
    ],
)
def test_a_claim_on_a_measured_number(
    tmp_path: Path, bound: dict[str, object], verdict: str
) -> None:
    (tmp_path / "toy").mkdir()
    write_json(tmp_path / "toy" / "numbers.json", {"share": 0.93, "high": 0.97})
    wanted = Bound.model_validate({"experiment": "toy", "number": "share"} | bound)
    plan = measured_claim(load_plan("multinet", "micro"), wanted)
    found = claims_table(plan, observed(two_tasks()), pd.DataFrame(), tmp_path)
    assert found["verdict"].tolist() == [verdict]
    assert math.isnan(found["p_for_holm"].iloc[0])


PUBLISHED_NAMES = sorted(path.parent.name for path in PUBLISHED.glob("*/" + ORIGIN))


@pytest.mark.parametrize("name", PUBLISHED_NAMES)
def test_the_published_results_are_whole(name: str) -> None:
    """Every file is sealed, and is what was sealed; every run is one of the replication's."""
    folder = PUBLISHED / name
    record = origin.verified(folder)
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert there == {ORIGIN, *record["files"]}
    plan = load_plan(name, record["study"])
    keys = {"runs": RUNS_KEY, "costs": COSTS_KEY, "delta_m": DELTA_KEY}
    tables = {table: read_table(folder / f"{table}.csv", key) for table, key in keys.items()}
    assert all((table["replication"] == name).all() for table in tables.values())
    assert {base_of(run) for run in tables["runs"]["run"]} <= set(plan.replication.runs)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs behind published results."""
    folder = tmp_path_factory.mktemp("unpacked") / "sluice_text"
    assert unpack(PUBLISHED / "sluice_text", folder) > 50
    return folder


def test_restored_folders_are_equally_old(unpacked: Path) -> None:
    """None is later than one that was trained from it, which would be trained again."""
    times = {path.stat().st_mtime_ns for path in unpacked.rglob("*.json")}
    assert len(times) == 1


def test_weights_that_were_not_published_are_named(unpacked: Path) -> None:
    """By whoever begins with them, and how to have them again."""
    run = next(unpacked.rglob(f"[0-9]*/{ORIGIN}")).parent
    with pytest.raises(StudyError, match=rf"model\.pt: left out of .* Delete {run.parent}, and"):
        origin.verified(run, ["model.pt"])


def test_samples_that_may_not_be_passed_on_stay_behind(
    unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = load_plan("sluice_text", "cpu")
    before = {path: origin.read(path) for path in unpacked.rglob(ORIGIN)}
    assert _samples_behind(plan, unpacked, tmp_path / "with.tar.xz")
    monkeypatch.setattr(type(plan.data), "redistributable", False)
    assert not _samples_behind(plan, unpacked, tmp_path / "without.tar.xz")
    assert {path: origin.read(path) for path in before} == before  # packing changes nothing
    assert "figure_examples" not in figures(load_plan("multinet_camvid", "tuning"))


def _samples_behind(plan: Plan, folder: Path, path: Path) -> list[str]:
    """The arrays of samples in what lies behind results."""
    pack(plan, folder, path)
    found = []
    with tarfile.open(path) as archive:
        for member in archive:
            if member.name.endswith("examples.npz"):
                content = archive.extractfile(member)
                assert content
                with np.load(io.BytesIO(content.read())) as arrays:
                    found += [name for name in arrays.files if not name.startswith("learned_")]
    return found


def test_the_published_page_is_that_of_the_published_results() -> None:
    assert (PUBLISHED / PAGE).read_text(encoding="utf-8") == page(PUBLISHED)


def test_whatever_is_published_is_drafted_with_its_family() -> None:
    """Also where the study that drafts is none of its own, as with photographs."""
    study = load_study({"study": "quick"})
    for name, plan in published_plans(PUBLISHED).items():
        assert name in study.asked[plan.replication.family]
    assert "multinet_camvid" not in study.plans


@pytest.mark.parametrize(("readme", "korean"), READMES.items())
def test_the_front_page_says_what_is_published(readme: str, korean: bool) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    assert text == with_found(text, PUBLISHED, korean)
    for name in published_plans(PUBLISHED):
        assert f"(replications/{name}/README.md) | " in text
    table = text.partition("<!-- found -->")[2].partition("<!-- /found -->")[0]
    ends = re.findall(r"\((-?[\d.]+) … (-?[\d.]+)\)", table)
    signs = [(low[0] != "-") - (high[0] == "-") for low, high in ends]
    sentence = re.sub(r"-?\d+( … -?\d+)? %", "", table.strip().splitlines()[-1])  # what is saved
    counts = [len(signs), signs.count(1), signs.count(-1), signs.count(0)]
    assert [int(n) for n in re.findall(r"\d+", sentence)] == counts

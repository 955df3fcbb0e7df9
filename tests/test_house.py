"""The house: which code a hash covers, who imports whom, what is found and what stays light."""

from __future__ import annotations

import ast
import functools
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT, copy_project
from replications.core.errors import StudyError
from replications.core.spec import Plan, closure, load_plan, load_study

ROOMS = ("spec", "data", "tasks", "nets", "weighting", "engine", "inference", "evidence", "page")
"""Of core, from the ground up; `errors`, `files`, `presentation`, `drawing` lie beside them."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy whose code the tests change."""
    return copy_project(tmp_path_factory.mktemp("house") / "project")


HASHES = """
import json
from pathlib import Path
from replications.core.spec import load_study, origin
plans = load_study({"study": "micro"}).plans
plans = {name: plan for name, plan in plans.items() if plan.replication.family == "kcc"}
print(json.dumps({
    name: {run: origin.of_run(plan, run, 1, "cpu")["source"] for run in plan.runs}
    for name, plan in plans.items()
} | {"prepare": {n: origin.of_preparation(p.data)["source"] for n, p in plans.items()}}
  | {"evidence": {n: origin.of_evidence(p, Path(n))["source"] for n, p in plans.items()}}))
"""


def hashes(project: Path) -> dict[str, dict[str, str]]:
    """The hash of the code of every run, and by replication of preparing and of evidence."""
    command = [sys.executable, "-c", HASHES]
    done = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True)
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


@functools.cache
def unchanged(project: Path) -> dict[str, dict[str, str]]:
    """The hashes of the project as it is."""
    return hashes(project)


def moved(project: Path, path: str, old: str, new: str) -> set[str]:
    """Whose hashes move when a file changes; it is put back."""
    before = unchanged(project)
    file = project / path
    text = file.read_text(encoding="utf-8") if file.exists() else None
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(new if text is None else text.replace(old, new, 1), encoding="utf-8")
    assert text is None or old in text
    after = hashes(project)
    if text is None:
        file.unlink()
    else:
        file.write_text(text, encoding="utf-8")
    return {
        f"{group}/{name}"
        for group, own in before.items()
        for name in own
        if own[name] != after[group][name]
    }


def runs_of(*names: str) -> set[str]:
    return {f"{name}/{run}" for name in names for run in load_plan(name, "micro").runs}


def trainings(found: set[str]) -> set[str]:
    return {name for name in found if not name.startswith(("prepare/", "evidence/"))}


def test_a_module_in_a_sub_folder_counts(project: Path) -> None:
    found = moved(
        project,
        "replications/nash_mtl/weighting/bargaining.py",
        "_MOST_STEPS = 100",
        "_MOST_STEPS = 99",
    )
    expected = {"nash_mtl/nash", "nash_mtl/nash_features", "nash_mtl/nash_every_10"}
    others = {"nash_qm9/nash", "nash_qm9/nash@steps=3"}
    assert trainings(found) == expected | others


def test_a_module_of_another_replication_counts(project: Path) -> None:
    """QM9 is weighted by the uncertainty objective in the study that has such a run."""
    plan = load_plan("nash_qm9", "cpu")
    modules = closure.of_training(plan, "uncertainty").modules
    assert "replications.uncertainty.objective.weighting" in modules
    assert "replications.uncertainty.model" not in modules
    assert (
        "replications.uncertainty.objective.weighting"
        not in closure.of_training(plan, "equal").modules
    )


def test_imports_are_followed_in_all_their_forms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "replications" / "own"
    (folder / "inner").mkdir(parents=True)
    for name in ("a", "b", "c", "d", "e", "never"):
        (folder / f"{name}.py").write_text("x = 1\n")
    (folder / "inner" / "__init__.py").write_text("from ..e import x\n")
    (folder / "inner" / "f.py").write_text("import scipy.special\n")
    (folder / "model.py").write_text(
        "from typing import TYPE_CHECKING\nfrom importlib import import_module\n"
        "from replications.own import a\nfrom . import b\nfrom .inner.f import y\n"
        "if TYPE_CHECKING:\n    from replications.own import never\n"
        "else:\n    from replications.own import c\n"
        "def late():\n    return import_module('.d', __package__)\n"
    )
    monkeypatch.setattr("replications.core.spec.reading.REPLICATIONS", folder.parent)
    found = closure.closure(frozenset(["replications.own.model"]))
    names = {name.removeprefix("replications.own.") for name in found.modules}
    assert names == {"model", "a", "b", "c", "d", "e", "inner", "inner.f"}
    assert found.packages == ("scipy",)
    (folder / "other.py").write_text("import importlib\nimportlib.import_module('x' + 'y')\n")
    with pytest.raises(StudyError, match="by a computed name"):
        closure.closure(frozenset(["replications.own.other"]))


def test_a_file_is_parsed_once_for_all_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And again when its content is another, whatever its time stamp says."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").mkdir()
    file = tmp_path / "model.py"

    def hashed(text: str) -> str:
        file.write_text(text)
        os.utime(file, (0, 0))
        closure._parsed.cache_clear()  # as another process begins
        return closure.source_hash([file])

    first = hashed("import a\nx = 1\n")
    assert hashed("import a\nx = 2\n") != first
    assert hashed("import a\nx = 1  # a comment\n") == first
    monkeypatch.setattr(ast, "parse", None)
    assert hashed("import a\nx = 1\n") == first


def test_the_loop_counts_for_every_run(project: Path) -> None:
    found = moved(project, "replications/core/engine/loop.py", "_RECORDS = 100", "_RECORDS = 99")
    assert trainings(found) == runs_of(*load_study({"study": "micro"}).families["kcc"])


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("replications/core/weighting/unused.py", "", "x = 1\n"),
        ("replications/core/weighting/unused/options.py", "", "x = 1\n"),
        (
            "replications/core/engine/progress.py",
            ", _LONGEST = 2.0, 60.0",
            ", _LONGEST = 3.0, 60.0",
        ),
        ("replications/core/errors.py", 'f"error: {error}"', 'f"problem: {error}"'),
        ("replications/core/tasks/depth/presentation.py", "깊이", "거리"),
        ("replications/core/evidence/statistics.py", "ALPHA = 0.05", "ALPHA = 0.04"),
        ("replications/core/engine/loop.py", "def train(", "# A comment.\ndef train("),
        ("replications/core/data/streets/reader.py", "FOCAL = 201.0", "FOCAL = 202.0"),
    ],
)
def test_what_cannot_change_a_number_retrains_nothing(
    project: Path, path: str, old: str, new: str
) -> None:
    assert trainings(moved(project, path, old, new)) == set()


def test_a_reader_counts_for_preparing_its_dataset(project: Path) -> None:
    found = moved(
        project, "replications/core/data/streets/reader.py", "FOCAL = 201.0", "FOCAL = 202.0"
    )
    assert found == {f"prepare/{n}" for n in ("multinet", "uncertainty", "mti_net", "nash_mtl")}


def test_how_a_task_is_drawn_counts_for_the_evidence(project: Path) -> None:
    found = moved(project, "replications/core/tasks/edges/presentation.py", "경계", "윤곽")
    assert found == {"evidence/mti_net"}


@pytest.mark.parametrize("name", ["uncertainty", "nash_mtl", "multinet", "mti_net", "nash_qm9"])
def test_the_hash_covers_just_what_a_training_imports(
    name: str, archives: Path, tmp_path: Path
) -> None:
    """Whatever a training of the reference run has imported is in its closure, or outside by
    declaration; nothing of the code of another task or weighting is in it."""
    plan = load_plan(name, "micro")
    code = f"""
import sys, json, importlib
sys.argv = ["train"]
from replications.core.spec import closure, load_plan
plan = load_plan({name!r}, "micro")
roots = closure.of_training(plan, plan.replication.reference)
for module in list(sys.modules):
    if module.startswith("replications.") and not module.startswith("replications.core.spec"):
        del sys.modules[module]
importlib.import_module("replications.core.engine.train")
importlib.import_module("replications.{name}.model")
run, settings = plan.runs[plan.replication.reference], plan.settings
for options in (run.weighting, settings.data, *(settings.tasks[t] for t in run.trained)):
    options.load(options.implementation)
own = [m for m in sys.modules if m.startswith("replications.")]
print(json.dumps([own, roots.modules]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    imported, covered = json.loads(done.stdout)
    outside = [
        module
        for module in imported
        if any(module == o or module.startswith(f"{o}.") for o in closure.OUTSIDE)
    ]
    assert set(imported) - set(outside) <= set(covered)
    assert "replications.core.engine.loop" in covered
    others = {f"replications.core.tasks.{t}.task" for t in ("semseg", "depth", "edges", "road")}
    trained = plan.runs[plan.replication.reference].trained
    used = {f"replications.core.tasks.{task}.task" for task in trained}
    assert not set(covered) & (others - used)


def imports(path: Path) -> Iterator[str]:
    """Every import of a file, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def floor(name: str) -> int:
    """How high a room lies, or a module beside the rooms."""
    if name in ROOMS:
        return ROOMS.index(name)
    return 0 if name in ("presentation", "drawing") else -1


def test_no_room_uses_one_above_it() -> None:
    core = ROOT / "replications" / "core"
    wrong = []
    for path in core.rglob("*.py"):
        own = floor(path.relative_to(core).parts[0].removesuffix(".py"))
        for module in imports(path):
            names = module.split(".")
            if names[0] == "replications" and len(names) > 2:
                above = names[1] == "core" and floor(names[2]) > own
                if names[1] != "core" or above:
                    wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert wrong == []


def test_evidence_knows_nothing_of_training() -> None:
    evidence = ROOT / "replications" / "core" / "evidence"
    used = {m for path in evidence.glob("*.py") for m in imports(path)}
    rooms = {m.split(".")[2] for m in used if m.startswith("replications.core.")}
    assert rooms <= {"spec", "data", "evidence", "errors", "files", "drawing", "presentation"}


def test_whatever_can_be_named_is_declared_without_torch() -> None:
    """Every options.py and presentation.py of the house imports no torch."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for kind in ("options", "presentation")
        for path in (ROOT / "replications").rglob(f"{kind}.py")
    ]
    assert len(names) > 20
    code = f"import importlib, sys\nfor m in {names}: importlib.import_module(m)\n"
    code += "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_every_declared_thing_has_an_implementation() -> None:
    from replications.core.spec import DatasetOptions, TaskOptions, WeightingOptions, declared

    for kind in (DatasetOptions, TaskOptions, WeightingOptions):
        for options in declared(kind).values():
            assert callable(options.load(options.implementation))
    for task in declared(TaskOptions).values():
        assert task.load(task.presentation)
    for dataset in declared(DatasetOptions).values():
        assert callable(dataset.load(dataset.preparation))
        assert not dataset.examples or callable(dataset.load(dataset.examples))


def versions(plan: Plan, run: str) -> dict[str, str]:
    return closure.of_training(plan, run).versions


def test_versions_are_those_of_the_packages_a_run_executes() -> None:
    plan = load_plan("nash_mtl", "cpu")
    assert set(versions(plan, "equal")) >= {"torch", "numpy", "safetensors"}
    assert "libmtl" not in {name.lower() for name in versions(plan, "equal")}
    full = load_plan("nash_mtl", "full_variants")
    assert "LibMTL" in versions(full, "pcgrad")
    assert "scipy" in versions(plan, "cagrad")
    assert {"cvxpy", "ecos"} <= set(versions(full, "nash_published"))
    assert "missing" not in versions(full, "nash_published").values()
    assert importlib.import_module("torch").__version__.startswith(versions(plan, "nash")["torch"])


def commands(readme: str) -> set[str]:
    """What a page of the project tells to type."""
    text = " ".join((ROOT / readme).read_text(encoding="utf-8").split())
    return set(re.findall(r"`((?:snakemake|make|dvc|python -m) [^`]+)`", text))


def test_the_korean_and_the_english_page_name_the_same_commands() -> None:
    english = commands("README.md")
    assert commands("README.ko.md") == english
    assert len(english) > 15

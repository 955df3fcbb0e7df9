"""The code that a job executes, and hashes of it; free of torch.

Snakemake does not see imported modules. What a job executes is found from the modules it starts at,
by following their imports, those inside functions and of packages included. Hashed are syntax trees
without docstrings: a comment makes nothing anew.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import json
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from replications.core.errors import StudyError
from replications.core.files import sha256_of, write_json
from replications.core.spec import reading
from replications.core.spec.options import DatasetOptions, Declared, TaskOptions
from replications.core.spec.plan import Plan, digest

OUTSIDE = (
    "replications.core.spec",  # what it makes of a specification is hashed itself
    "replications.core.errors",  # messages
    "replications.core.files",  # how files are put in place
    "replications.core.engine.progress",
    "replications.core.engine.provenance",
    "pydantic",
)
"""Modules, and packages with all they hold, that cannot change what a training measures. A change
of anything else that a run executes trains it again."""
_ROOT = "replications"
_KEPT = Path(".snakemake", "parsed")
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "skimage": "scikit-image", "PIL": "pillow"}
"""Packages that are installed under another name than they are imported by."""
_COMPANIONS = {"cvxpy": ("ecos",)}
"""Packages that others import by themselves when they are asked to."""


@dataclass(frozen=True)
class Closure:
    """What is executed, starting at some modules: ours, and the packages of others."""

    modules: tuple[str, ...]
    packages: tuple[str, ...]

    @property
    def hash(self) -> str:
        """Hash of our modules."""
        paths = ((name, _path(name)) for name in self.modules)
        return digest([(name, _read(path).digest) for name, path in paths if path])

    @property
    def origin(self) -> dict[str, Any]:
        """What the origin of results says of the code."""
        return {"source": self.hash, "packages": self.versions}

    @property
    def versions(self) -> dict[str, str]:
        """The installed version of each package."""
        return {name: _version(name) for name in self.packages}


def source_hash(files: Iterable[Path]) -> str:
    """Hash of the syntax trees of `files`, docstrings left out."""
    return digest(sorted((path.name, _read(path).digest) for path in files))


@functools.cache
def closure(roots: frozenset[str], outside: Collection[str] = ()) -> Closure:
    """What is executed, starting at modules, without what is `outside`."""
    seen: set[str] = set()
    packages: set[str] = set()
    ahead = list(roots)
    while ahead:
        name = ahead.pop()
        if name in seen or any(name == o or name.startswith(f"{o}.") for o in outside):
            continue
        if name.partition(".")[0] != _ROOT:
            packages.add(name.partition(".")[0])
            continue
        path = _path(name)
        if path is None:  # an object of a module, which is followed by itself
            continue
        seen.add(name)
        ahead += _read(path).imports
        if "." in name:
            ahead.append(name.rpartition(".")[0])
    for package, companions in _COMPANIONS.items():
        packages |= set(companions) if package in packages else set()
    others = packages - set(sys.stdlib_module_names)
    return Closure(tuple(sorted(seen)), tuple(sorted(others)))


def of_training(plan: Plan, run: str) -> Closure:
    """What a training of a run executes, and those of the runs it needs."""
    return closure(frozenset(_training_roots(plan, run)), OUTSIDE)


def of_preparation(data: DatasetOptions) -> Closure:
    """What turns a dataset into arrays."""
    roots = ["replications.core.data.prepare", *_declared_at(data, data.preparation)]
    return closure(frozenset(roots), OUTSIDE)


def of_evidence(plan: Plan) -> Closure:
    """What turns run folders into tables, figures and numbers."""
    roots = ["replications.core.evidence.__main__", f"{_ROOT}.{plan.name}.figures"]
    for options in plan.settings.tasks.values():
        roots += _declared_at(options, options.presentation)
    roots += _declared_at(plan.data, plan.data.examples)
    return closure(frozenset(roots))


def of_join() -> Closure:
    """What joins the results of replications into those of their family."""
    return closure(frozenset(["replications.core.evidence.join"]))


def of_experiment(plan: Plan, experiment: str) -> Closure:
    """What an experiment executes."""
    return closure(frozenset([f"{_ROOT}.{plan.name}.{experiment}"]), OUTSIDE)


def of_floor(plan: Plan) -> Closure:
    """What measures the floors of a replication."""
    roots = ["replications.core.engine.floor"]
    for run, spec in plan.runs.items():
        roots += _training_roots(plan, run) if spec.role == "single" else []
    return closure(frozenset(roots) - {"replications.core.engine.train"}, OUTSIDE)


def _training_roots(plan: Plan, run: str) -> Iterator[str]:
    plan = plan.owner(run)
    yield "replications.core.engine.train"
    yield from (f"{_ROOT}.{plan.name}.{module}" for module in ("model", "options"))
    spec, settings = plan.runs[run], plan.settings_of(run)
    tasks: list[TaskOptions] = [settings.tasks[task] for task in spec.trained]
    for options in (spec.weighting, settings.data, *tasks):
        yield from _declared_at(options, options.implementation)
    for needed in spec.needs.values():
        yield from _training_roots(plan, needed)


def _declared_at(options: Declared, reference: str) -> list[str]:
    """Where options are declared, and the module of a reference of theirs."""
    return [type(options).__module__, *filter(None, [options.module_of(reference)])]


@dataclass(frozen=True)
class _Module:
    """Of a file: the hash of its syntax tree, and the full names of all that it imports."""

    digest: str
    imports: tuple[str, ...]


def _read(path: Path) -> _Module:
    stat = path.stat()
    return _parsed(path, stat.st_mtime_ns, stat.st_size)


@functools.cache
def _parsed(path: Path, changed: int, size: int) -> _Module:
    """Parsing takes milliseconds that every call of Snakemake and every job would spend on every
    file: what was found is kept beside Snakemake's own records, by the content it was found of."""
    source = path.read_bytes()
    try:
        own = path.relative_to(reading.REPLICATIONS.parent).with_suffix("").parts
    except ValueError:
        own = (path.stem,)
    package = own[:-1]
    given = (sys.version, _this(), "/".join(package), hashlib.sha256(source).hexdigest())
    kept = _KEPT / f"{digest(given)}.json"
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(kept.read_text(encoding="utf-8"))
        return _Module(found["digest"], tuple(found["imports"]))
    try:
        tree = ast.parse(source, str(path))
    except SyntaxError as error:
        raise StudyError(f"{reading.shown(path)}: line {error.lineno}: {error.msg}") from None
    imports = tuple(dict.fromkeys(_imports(tree, package)))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            del body[0]
    module = _Module(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imports)
    if _KEPT.parent.is_dir():
        with contextlib.suppress(OSError):
            _KEPT.mkdir(exist_ok=True)
            write_json(kept, asdict(module))
    return module


@functools.cache
def _this() -> str:
    """Hash of what finds it."""
    return sha256_of(Path(__file__))


def _imports(node: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    """Full names of what a tree imports, but for the eyes of type checkers alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _name(child.test) == "TYPE_CHECKING":
            for executed in child.orelse:
                yield from _imports(ast.Module([executed], []), package)
            continue
        if isinstance(child, ast.Import):
            yield from (name.name for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            module = _absolute("." * child.level + (child.module or ""), package)
            yield module
            yield from (f"{module}.{name.name}" for name in child.names)
        elif isinstance(child, ast.Call) and _name(child.func) in ("import_module", "__import__"):
            given = [*child.args, *(k.value for k in child.keywords if k.arg == "name")]
            if isinstance(given[0], ast.Constant):
                yield _absolute(str(given[0].value), package)
            elif package[:2] != (_ROOT, "core"):
                raise StudyError(
                    f"{'/'.join(package)}: line {child.lineno} of a module there imports another "
                    "by a computed name, which the hash of a training cannot follow; write it out"
                )
        yield from _imports(child, package)


def _absolute(name: str, package: tuple[str, ...]) -> str:
    """The full name of a module that may be given relative to a package."""
    level = len(name) - len(name.lstrip("."))
    above = package[: len(package) - level + 1] if level else ()
    return ".".join([*above, *filter(None, [name.lstrip(".")])])


def _name(node: ast.AST) -> str:
    """The last part of a name such as `importlib.import_module`."""
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _path(name: str) -> Path | None:
    """The file of one of our modules."""
    stem = reading.REPLICATIONS.parent.joinpath(*name.split("."))
    for path in (stem.with_suffix(".py") if stem.name else stem, stem / "__init__.py"):
        if path.is_file():
            return path
    return None


@functools.cache
def _version(package: str) -> str:
    try:
        # Of one version that was built with CUDA and without, on a CPU both do the same.
        return version(_DISTRIBUTIONS.get(package, package)).partition("+")[0]
    except PackageNotFoundError:
        found = packages_distributions().get(package)
        return version(found[0]) if found else "missing"


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )

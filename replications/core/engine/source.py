"""Hashes of the code a training depends on; free of torch.

Snakemake does not see imported modules, so the training rules carry these as parameters. The hash
is of the syntax tree without docstrings: a comment retrains nothing.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

from replications.core.spec import REPLICATIONS, load_replication

_CORE = REPLICATIONS / "core"
_ROOMS_OF_TRAINING = ("data", "tasks", "nets", "weighting", "engine")
_READERS = {"prepare.py", "streets.py", "camvid.py", "kitti.py", "qm9.py"}
"""Files of `data` that make the arrays; training sees them through the arrays alone."""


def training_hash(replication: str) -> str:
    """Hash of core, as far as training uses it, and of the replication's own modules."""
    files = [p for room in _ROOMS_OF_TRAINING for p in (_CORE / room).glob("*.py")]
    files = [p for p in files if p.name not in _READERS]
    beside = {"figures", *load_replication(replication).experiments}
    own = (REPLICATIONS / replication).glob("*.py")
    return source_hash([*files, *(path for path in own if path.stem not in beside)])


def experiment_hash(replication: str, experiment: str) -> str:
    """Hash of an experiment's module and of all that training uses."""
    module = REPLICATIONS / replication / f"{experiment}.py"
    return training_hash(replication) + source_hash([module])


def prepare_hash(dataset: str) -> str:
    """Hash of what turns a dataset's files into arrays."""
    names = ("labels.py", "prepare.py", f"{dataset}.py")
    return source_hash(_CORE / "data" / name for name in names)


def evidence_hash(replication: str = "") -> str:
    """Hash of what turns run folders into tables, figures and numbers; with the name of a
    replication, its own figures included."""
    shared = [path for room in ("evidence", "spec") for path in (_CORE / room).glob("*.py")]
    shared.append(_CORE / "layout.py")
    return source_hash([*shared, *(REPLICATIONS / replication).glob("figures.py")])


def source_hash(files: Iterable[Path]) -> str:
    """Hash of the syntax trees of `files`, docstrings left out."""
    digest = hashlib.sha256()
    for path in sorted(files):
        tree = ast.parse(path.read_bytes(), str(path))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and _is_docstring(body[0]):
                del body[0]
        digest.update(f"{path.name}\n{ast.dump(tree)}\n".encode())
    return digest.hexdigest()[:16]


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )

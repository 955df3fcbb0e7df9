"""Specifications that somebody has spoilt: each is read, or refused by name in a few lines."""

from __future__ import annotations

import copy
import random
import shutil
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import ROOT
from replications.core import spec
from replications.core.errors import StudyError
from replications.core.spec import reading
from tests.faults.counted import tried

NAMES = spec.replication_names()
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 10**4200, 0.5, -0.0, float("inf"), float("nan"), 1e308),
    *("", " ", "x", "한글", "../up", "$(ls)", "a" * 5000, "1e400", "2024-13-45", "\u0000"),
    *([], {}, [[]], [None], {"": None}, {"x": {"y": {"z": []}}}),
)
CHARACTERS: list[str] = [*"{}[]:,&*!|>'\"%@`#-?\t\n 0a", "\ud800", "é", "\x00", "<<:", "---", "..."]
Place = tuple[Any, Any]
"""A mapping or a list, and a key or an index of it."""


def places(node: Any) -> Iterator[Place]:
    """Everywhere in a specification."""
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from places(node[key])


def other_content(draw: random.Random, content: Any) -> bytes:
    """The specification with something of it gone, replaced, renamed, or put elsewhere."""
    content = copy.deepcopy(content)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        found = list(places(content))
        node, key = draw.choice(found)
        action = draw.randrange(4)
        if action == 0:
            del node[key]
        elif action == 1:
            node[key] = draw.choice(VALUES)
        elif action == 2:
            other, its = draw.choice(found)
            node[key] = copy.deepcopy(other[its])
        elif isinstance(node, dict):
            node[draw.choice((f"{key}x", "", "steps", "runs", 3, None))] = node.pop(key)
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return text.encode()


def other_text(draw: random.Random, text: str) -> bytes:
    """The text with characters gone, more of them, lines in another order, or a broken byte."""
    at = draw.randrange(len(text))
    action = draw.randrange(5)
    if action == 0:
        return text[:at].encode()
    if action == 1:
        return (text[:at] + text[at + draw.randrange(1, 30) :]).encode()
    if action == 2:
        put = draw.choice(CHARACTERS).encode(errors="surrogatepass")
        return text[:at].encode() + put + text[at:].encode()
    if action == 3:
        lines = text.splitlines(keepends=True)
        one, two = (draw.randrange(len(lines)) for _ in range(2))
        lines[one], lines[two] = lines[two], lines[one]
        return "".join(lines).encode()
    return text[:at].encode() + bytes([draw.randrange(128, 256)]) + text[at:].encode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all specifications, which is where they are looked for."""
    kinds: tuple[Any, ...] = (spec.TaskOptions, spec.DatasetOptions, spec.WeightingOptions)
    for kind in kinds:
        spec.declared(kind)  # those of the project, before its folder is another
    for name in NAMES:
        (tmp_path / "replications" / name).mkdir(parents=True)
        for file in (ROOT / "replications" / name).glob("*.[yc][as][mv]*"):
            shutil.copy(file, tmp_path / "replications" / name)
    monkeypatch.setattr(reading, "REPLICATIONS", tmp_path / "replications")
    return tmp_path / "replications"


def problem_of(name: str) -> str:
    """What is wrong with how a specification is read in each of its studies; nothing if it is read,
    or refused in few lines that say where."""
    try:
        for study in spec.load_replication(name).studies:
            spec.load_plan(name, study)
    except StudyError as error:
        message = str(error)
        named = "replication.yaml" in message or name in message
        short = len(message) < 4000 and len(message.splitlines()) <= 5
        return "" if named and short else f"refused: {message[:500]}"
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({at.filename}, line {at.lineno})"
    return ""


def test_a_spoilt_specification_is_read_or_refused_in_few_lines(folder: Path) -> None:
    outcomes: Counter[str] = Counter()
    for number in tried("specifications", few=40):
        draw = random.Random(number)
        name = draw.choice(NAMES)
        file = folder / name / "replication.yaml"
        text = file.read_text(encoding="utf-8")
        whole = yaml.safe_load(text)
        spoilt = other_text(draw, text) if draw.random() < 0.4 else other_content(draw, whole)
        file.write_bytes(spoilt)
        outcomes[f"{number}, {name}: {problem}" if (problem := problem_of(name)) else "fine"] += 1
        file.write_text(text, encoding="utf-8")
    assert set(outcomes) == {"fine"}, "\n".join(outcomes)

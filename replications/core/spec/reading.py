"""Reading YAML; a mistake in it becomes an error that says where, what, and what is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from replications.core.errors import StudyError

REPLICATIONS = Path(__file__).resolve().parents[2]
Model = TypeVar("Model", bound=BaseModel)
_SAID = 4
"""Mistakes that are told at a time."""
_LONGEST = 2000
"""Characters of a message."""


_LIBYAML: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML has it: seven times as fast, and all specifications are always read."""


class _Loader(_LIBYAML):  # type: ignore[misc]
    """Refuses a key that a mapping has twice, of which PyYAML takes the last."""

    def flatten_mapping(self, node: Any) -> None:
        """Called before a mapping is made; what `<<` lays under it comes in here."""
        keys: set[str] = set()
        for key, _ in node.value if not hasattr(node, "unique") else ():
            if isinstance(key, yaml.ScalarNode) and key.value in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' is there twice", key.start_mark
                )
            keys.add(str(key.value))
        node.unique = True
        super().flatten_mapping(node)


def read_yaml(path: Path) -> Any:
    """The content of a file.

    Raises:
        StudyError: it is not valid YAML, or says something twice.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except UnicodeDecodeError as error:
        raise StudyError(
            f"{shown(path)}: not UTF-8: {error.reason} at byte {error.start}"
        ) from None
    except RecursionError:
        raise StudyError(f"{shown(path)}: nested too deep") from None
    except (yaml.YAMLError, ValueError) as error:  # such as a date that there is not
        raise StudyError(f"{shown(path)}: not valid YAML: {error}") from None


def checked(model: type[Model], value: Any, path: Path, where: str = "") -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise StudyError(explained(error, path, where, model)) from None


def explained(
    error: ValidationError, path: Path, where: str, model: type[BaseModel] | None = None
) -> str:
    # What is there and wrong before what is not there.
    lines, problems = [], sorted(error.errors(), key=lambda own: own["type"] == "missing")
    for problem in problems[:_SAID]:
        message = message_of(problem, model)[:_LONGEST]
        if problem["type"] != "missing" and problem["loc"]:
            message += f" (found: {brief(problem['input'])})"
        # A check of the whole specification has no key of its own; its message names one.
        key = ".".join(str(part) for part in problem["loc"])
        lines.append(": ".join(part for part in (shown(path), where, key, message) if part))
    if len(problems) > _SAID:
        lines.append(f"and {len(problems) - _SAID} more")
    return "\n       ".join(lines)


def message_of(problem: Any, model: type[BaseModel] | None) -> str:
    """What is wrong, in words; of an unknown key, which keys there are."""
    if problem["type"] == "extra_forbidden":
        return f"unknown key{_allowed(model, problem['loc'])}"
    message: str = problem["msg"]
    return message.removeprefix("Value error, ")


def _allowed(model: type[BaseModel] | None, loc: tuple[int | str, ...]) -> str:
    """The keys allowed where an unknown one was found, as far as the model's fields tell."""
    current: Any = model
    for part in loc[:-1]:
        field = getattr(current, "model_fields", {}).get(part)
        current = next(_models_in(field.annotation), None) if field else current
    fields = getattr(current, "model_fields", None)
    return f"; allowed: {', '.join(fields)}" if fields else ""


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _models_in(part)


def brief(value: Any) -> str:
    """A value as Python writes it, cut where it is long."""
    try:
        text = repr(value)
    except RecursionError:
        text = "something nested deep"
    return text if len(text) <= 60 else text[:57] + "..."


def shown(path: Path) -> str:
    """`path` as the user would type it from the project's top."""
    top = REPLICATIONS.parent
    return (path.relative_to(top) if path.is_relative_to(top) else path).as_posix()


def path_of(name: str) -> Path:
    """The specification of a replication."""
    return REPLICATIONS / name / "replication.yaml"

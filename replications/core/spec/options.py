"""What may be named in a specification: datasets, tasks, weightings.

Each is declared by a class in an `options.py` somewhere under `replications`, free of torch, with
what can be set about it as fields and a reference to its implementation, which is imported when it
is used. Whatever is declared is found: there is no list to enter it in.
"""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from replications.core.errors import StudyError, meant
from replications.core.spec import reading

Positive = Annotated[int, Field(ge=1)]


class Strict(BaseModel):
    """A specification: unknown keys and infinite numbers are refused, and values do not change
    afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Declared(Strict):
    """Something that specifications name. References are `module:object`; a module that begins
    with a dot lies beside the `options.py` of the class."""

    implementation: ClassVar[str] = ""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """What specifications call it: the default of its field `name`; nothing without one."""
        default = cls.model_fields["name"].default
        return (default,) if isinstance(default, str) else ()

    @classmethod
    def module_of(cls, reference: str) -> str:
        """The module of a reference of this class, by its full name."""
        module = reference.partition(":")[0]
        return cls.__module__.rpartition(".")[0] + module if module.startswith(".") else module

    @classmethod
    def load(cls, reference: str) -> Any:
        """The object a reference of this class names."""
        found = importlib.import_module(cls.module_of(reference))
        return getattr(found, reference.partition(":")[2])


class TaskOptions(Declared):
    """A task. Its implementation is a function `build(name, options, dataset) -> Task`."""

    called: ClassVar[tuple[str, ...]] = ()
    labels: ClassVar[tuple[str, ...]] = ()
    """The labels its loss and metrics need; none given: the one with its own name."""
    metrics: ClassVar[tuple[str, ...]] = ()
    """What it may measure; a specification that names anything else is refused."""
    presentation: ClassVar[str] = ".presentation:PRESENTATION"
    """How it is named and drawn: a `drawing.Presentation`, or a mapping from names to them."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The tasks that the class declares."""
        return cls.called


class WeightingOptions(Declared):
    """A weighting. Its implementation is a function `build(options, context) -> Weighting`."""

    name: str
    lr: Annotated[float, Field(gt=0)] | None = None
    """The learning rate of what the weighting learns; none given: that of the model."""


class DatasetOptions(Declared):
    """A dataset. Its implementation is a class of decodings, see `data.batches.Decoding`."""

    name: str
    labels: ClassVar[tuple[str, ...]] = ()
    """The labels that its samples carry."""
    sources: ClassVar[tuple[str, ...]] = ()
    """The files that preparing reads, from the project's top."""
    preparation: ClassVar[str] = ".preparation:prepare"
    """A function `prepare(options) -> data.prepare.Prepared`."""
    examples: ClassVar[str] = ""
    """A function `figure(Examples) -> Figure` that draws what runs predict of it, see
    `data.examples`; none given: there is no such figure. Beside it may stand `slides(Examples)`,
    see `data.pictures.examples`, what the page of results slides over each other."""
    redistributable: ClassVar[bool] = True
    """Whether samples may be passed on: drawn in a paper, and kept with published results."""
    facts: ClassVar[dict[str, Any]] = {}
    """What papers may say of it, as `\\result{data.<name>.<fact>}`."""
    conditions: ClassVar[tuple[str, ...]] = ()
    """The conditions of an evaluation that its decoding brings about."""
    together: ClassVar[int] = 1
    """How many consecutive samples of a split are one independent piece, such as the frames of a
    street; how much the test samples matter is found by drawing pieces."""

    @property
    def variant(self) -> str:
        """What is particular to the prepared arrays, such as their size, for a folder's name."""
        return "arrays"

    @property
    def training_samples(self) -> int | None:
        """How many samples the training split has; None where only preparing tells."""
        count: int | None = self.facts.get("train")
        return count

    @property
    def said(self) -> dict[str, str]:
        """What a paper may say of the prepared arrays, as `\\result{<replication>.<key>}`."""
        return {}

    @property
    def folder(self) -> str:
        """Where the prepared dataset lies, from the project's top."""
        return f"data/prepared/{self.name}-{self.variant}"

    @property
    def prepared_with(self) -> dict[str, Any]:
        """The options with their defaults for all that the prepared arrays do not depend on, such
        as augmentation: datasets in one folder are prepared in one way."""
        chosen = self
        for name, field in type(self).model_fields.items():
            if not field.is_required():
                plain = chosen.model_copy(update={name: field.get_default()})
                chosen = plain if plain.folder == self.folder else chosen
        return chosen.model_dump(mode="json")


class ModelOptions(Strict):
    """What can be set about a replication's model: `ModelOptions` of its `options.py`."""

    conditions: ClassVar[tuple[str, ...]] = ()
    """The conditions of an evaluation that the model brings about, such as `snr_db`."""

    @property
    def weights(self) -> tuple[str, ...]:
        """The files of `layout.weights_folder()` that the workflow fetches for the model."""
        return ()


Kind = TypeVar("Kind", bound=Declared)


@functools.cache
def declared(kind: type[Kind]) -> dict[str, type[Kind]]:
    """Every class of a kind that some `options.py` declares, by name.

    Raises:
        StudyError: two classes share a name, or an `options.py` cannot be imported.
    """
    found: dict[str, type[Kind]] = {}
    for path in sorted(reading.REPLICATIONS.glob("**/options.py")):
        for value in vars(_imported(path)).values():
            if not (isinstance(value, type) and issubclass(value, kind) and value.implementation):
                continue
            for name in value.names():
                other = found.setdefault(name, value)
                if other is not value:
                    raise StudyError(
                        f"'{name}' is declared twice, in {other.__module__} and "
                        f"{value.__module__}; rename one of them"
                    )
    return found


def named(kind: type[Kind], name: Any) -> type[Kind]:
    """The class of a kind with a name.

    Raises:
        ValueError: there is none; says which there are.
    """
    known = declared(kind)
    if not isinstance(name, str) or name not in known:
        what = kind.__name__.removesuffix("Options").lower()
        there = f"known: {', '.join(known)}{meant(name, known)}"
        raise ValueError(f"unknown {what} {reading.brief(name)}; {there}")
    return known[name]


def chosen(kind: type[Kind], value: Any) -> Any:
    """A value of a specification, a name or a mapping with a name, as options of a kind."""
    if isinstance(value, str):
        value = {"name": value}
    if isinstance(value, dict) and "name" in value:
        return validated(named(kind, value["name"]), value)
    return value  # refused by its type


def validated(declaration: type[Kind], options: Any) -> Kind:
    """Options of a declared class.

    Raises:
        ValueError: they are none; in words that suit the message of a larger specification.
    """
    try:
        return declaration.model_validate(options)
    except ValidationError as error:
        problems = [
            ": ".join([*map(str, problem["loc"]), reading.message_of(problem, declaration)])
            for problem in error.errors()
        ]
        raise ValueError("; ".join(problems)) from None


def _imported(path: Path) -> Any:
    parts = path.relative_to(reading.REPLICATIONS.parent).with_suffix("").parts
    try:
        return importlib.import_module(".".join(parts))
    except Exception as error:
        raise StudyError(f"{reading.shown(path)}: cannot be imported: {error!r}") from None

"""The statements of a paper, in a form that a machine can decide."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from replications.core.tasks.options import Strict

Verdict = Literal["reproduced", "contradicted", "undecided"]
DeltaM = Literal["per_task_primary", "per_metric", "per_task_mean"]
ALL_TASKS = "all"
"""What a metric of all tasks together has as its task: `delta_m_<definition>`."""
DELTA_METRICS = {definition: f"delta_m_{definition}" for definition in get_args(DeltaM)}
"""What delta_m in each definition is called as a metric."""
SINGLES = "single"
"""What stands for the single-task runs, whose delta_m is 0, in a comparison of delta_m."""


class Comparison(Strict):
    """One run against another on one metric of the test split."""

    run: str
    against: str
    task: str
    metric: str
    margin: Annotated[float, Field(ge=0)] = 0.0
    """How much worse the run may be, in the metric's unit: above 0 it need only not be worse."""
    beyond: str | None = None
    """Another metric of the task: the gain on `metric` must exceed the gain on this one."""

    @model_validator(mode="after")
    def _compares_a_run(self) -> Comparison:
        if self.run == self.against:
            raise ValueError(f"compares '{self.run}' with itself")
        return self

    @property
    def runs(self) -> list[str]:
        """The runs of the replication that it compares."""
        stands_in = self.task == ALL_TASKS
        return [r for r in (self.run, self.against) if not (stands_in and r == SINGLES)]


class Saving(Strict):
    """What a multi-task run costs against the sum of the single-task networks of its tasks."""

    run: str
    cost: Literal["parameters", "flops", "latency_ms"]
    percent: Annotated[float, Field(ge=0, lt=100)] = 0.0
    """The least saving; 0: any."""
    dearer: bool = False
    """The run costs more instead."""

    @model_validator(mode="after")
    def _dearer_by_any_amount(self) -> Saving:
        if self.dearer and self.percent:
            raise ValueError("percent is the least saving of a run that is not dearer")
        return self


class Agreement(Strict):
    """Columns of the histories of `runs` whose last values lie within `margin` of each other."""

    runs: Annotated[list[str], Field(min_length=2)]
    columns: Annotated[list[str], Field(min_length=1)]
    margin: Annotated[float, Field(gt=0)]


class Bound(Strict):
    """A number an experiment leaves in its `numbers.json`, and where it should lie."""

    experiment: str
    number: str
    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _is_bounded(self) -> Bound:
        if self.least is None and self.most is None:
            raise ValueError("needs 'least' or 'most'")
        return self


class Claim(Strict):
    """A statement of the paper: it holds where every comparison holds.

    `better` asks whether the run beats the other. Without a test, `cheaper` asks whether the run
    saves enough, or costs more, at every seed, `agree` whether histories end alike, and `measured`
    whether numbers of experiments lie within bounds.
    """

    title: str
    sentence: dict[Verdict, str]
    better: list[Comparison] = []
    cheaper: list[Saving] = []
    agree: Agreement | None = None
    measured: list[Bound] = []

    @model_validator(mode="after")
    def _of_one_kind(self) -> Claim:
        if sum(map(bool, (self.better, self.cheaper, self.agree, self.measured))) != 1:
            raise ValueError("a claim has just one of better, cheaper, agree and measured")
        missing = set(get_args(Verdict)) - set(self.sentence)
        if missing:
            raise ValueError(f"sentence lacks {', '.join(sorted(missing))}")
        return self

    @property
    def runs(self) -> list[str]:
        """The runs of the replication that it is about."""
        compared = [run for comparison in self.better for run in comparison.runs]
        agreeing = self.agree.runs if self.agree else []
        return [*compared, *(saving.run for saving in self.cheaper), *agreeing]

"""The statements of a paper, in a form that a machine can decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from replications.core.spec.options import Strict

Verdict = Literal["reproduced", "partly", "mixed", "contradicted", "undecided"]
DeltaM = Literal["per_task_primary", "per_metric", "per_task_mean"]
Every = Literal["every"]
ALL_TASKS = "all"
"""What a metric of all tasks together has as its task: `delta_m_<definition>`."""
DELTA_METRICS = {definition: f"delta_m_{definition}" for definition in get_args(DeltaM)}
"""What delta_m in each definition is called as a metric."""
SINGLES = "single"
"""What stands for the single-task runs, whose delta_m is 0, in a comparison of delta_m."""
_SENTENCES: dict[Verdict, str] = {
    "reproduced": "‘{}’라는 주장은 재현되었다",
    "partly": "‘{}’라는 주장은 일부만 재현되었다",
    "mixed": "‘{}’라는 주장은 비교에 따라 엇갈렸다",
    "contradicted": "‘{}’라는 주장은 반박되었다",
    "undecided": "‘{}’라는 주장은 본 연구의 시드 수와 실행 목록으로 판정할 수 없었다",
}


_REASONS = {
    "not settled": "‘{}’라는 주장은 학습을 늘리면 판정이 달라질 수 있어 판정하지 않았다",
    "not trained": "‘{}’라는 주장은 비교할 실행이 바닥을 넘지 못하여 판정하지 않았다",
    "not meaningful": "‘{}’라는 주장은 기준이 불안정하여 판정하지 않았다",
}
"""Why a claim is undecided, where it is not for want of seeds or runs."""


class Better(Strict):
    """One run against others, on metrics of the test split."""

    run: str
    against: str | list[str] = []
    """None given: nothing, for a slope of the run's own metric."""
    task: str | None = None
    """`all` with a metric `delta_m_<definition>`; the single-task runs are then called `single`."""
    tasks: list[str] | Literal["all"] = []
    """Several tasks on their primary metrics, instead of `task`."""
    metric: str | None = None
    """None given: the primary one of the task."""
    margin: Annotated[float, Field(ge=0)] = 0.0
    """How much worse the run may be, in the metric's unit: above 0 it need only not be worse."""
    beyond: str | None = None
    """Another metric of the task: the gain on `metric` must exceed the gain on this one."""
    relative: bool = False
    """The difference is taken in percent of the other run's mean over seeds."""
    over: dict[str, int | float] | Every | None = None
    """The axis values at which the runs are compared; none given: those of the settings."""
    at: dict[str, float] | Every | None = None
    """The condition under which the runs are compared; none given: the usual one, of which `every`
    is one."""
    slope: str | None = None
    """An axis: what must be above 0 is the slope of the difference along it, per doubling."""

    @model_validator(mode="after")
    def _is_complete(self) -> Better:
        if self.run in self.rivals:
            raise ValueError(f"compares '{self.run}' with itself")
        if not self.rivals and self.slope is None:
            raise ValueError("needs 'against'")
        if self.relative and (not self.rivals or SINGLES in self.rivals):
            raise ValueError("relative to another run; needs 'against'")
        if (self.task is None) == (not self.tasks):
            raise ValueError("needs either 'task' or 'tasks'")
        if self.task == ALL_TASKS and self.metric is None:
            raise ValueError(f"task: all needs a metric, such as {DELTA_METRICS['per_metric']}")
        return self

    @property
    def rivals(self) -> list[str]:
        """The runs it is compared with."""
        return [self.against] if isinstance(self.against, str) else self.against

    @property
    def axes(self) -> list[str]:
        """The axes that it names."""
        return [*(self.over if isinstance(self.over, dict) else []), *filter(None, [self.slope])]

    @property
    def runs(self) -> list[str]:
        """The runs of the replication that it compares."""
        stands_in = self.task == ALL_TASKS
        return [r for r in (self.run, *self.rivals) if not (stands_in and r == SINGLES)]


class Crossing(Better):
    """The run is worse than the others at the least value of an axis and better at the greatest."""

    axis: str

    @property
    def axes(self) -> list[str]:
        """The axes that it names."""
        return [*super().axes, self.axis]


@dataclass(frozen=True)
class Comparison:
    """One run against another on one metric of the test split, under one condition.

    Attributes:
        pairs: the runs that are compared, `against` empty for none, by the value of the axis of a
            slope; a single pair at 0 where there is none.
    """

    pairs: dict[float, tuple[str, str]]
    task: str
    metric: str
    margin: float = 0.0
    beyond: str | None = None
    relative: bool = False
    condition: str = ""
    slope: str = ""

    @property
    def run(self) -> str:
        """The run that should be better; of a slope, at the first value."""
        return next(iter(self.pairs.values()))[0]

    @property
    def against(self) -> str:
        """The run it is compared with; of a slope, at the first value."""
        return next(iter(self.pairs.values()))[1]

    @property
    def runs(self) -> set[str]:
        """The runs of the replication that it compares."""
        stands_in = {"", SINGLES} if self.task == ALL_TASKS else {""}
        return {run for pair in self.pairs.values() for run in pair} - stands_in


class Saving(Strict):
    """What a multi-task run costs against another run, or against the sum of the single-task
    networks of its tasks."""

    run: str
    cost: Literal["parameters", "flops", "latency_ms"]
    against: str | None = None
    """None given: the single-task networks."""
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
    opposite: str | None = None
    """The number, such as the other end of an interval, that has to lie beyond the bound for the
    claim to be contradicted; where neither does its part, or one was not measured (is absent), it
    is undecided."""

    @model_validator(mode="after")
    def _is_bounded(self) -> Bound:
        if self.least is None and self.most is None:
            raise ValueError("needs 'least' or 'most'")
        return self


class Claim(Strict):
    """A statement of the paper: it holds where every comparison holds.

    `better` asks whether runs beat others, or whether differences rise along an axis, `crossing`
    whether they change sign along it. Without a test, `cheaper` asks whether the run saves enough,
    or costs more, at every seed, `agree` whether histories end alike, and `measured` whether
    numbers of experiments lie within bounds.
    """

    title: str
    ours: bool = False
    """A question that the paper does not ask: it is corrected apart from the paper's claims."""
    korean: str | None = None
    """The title as a Korean clause that ends in 다, for sentences that are not written out."""
    short: str = ""
    """The title in a few Korean words, over a panel of a figure."""
    sentence: dict[Verdict, str] = {}
    better: list[Better] = []
    crossing: list[Crossing] = []
    cheaper: list[Saving] = []
    agree: Agreement | None = None
    measured: list[Bound] = []

    @model_validator(mode="before")
    @classmethod
    def _one_may_stand_alone(cls, claim: Any) -> Any:
        if not isinstance(claim, dict):
            return claim
        lists = ("better", "crossing", "cheaper", "measured")
        return claim | {key: [claim[key]] for key in lists if isinstance(claim.get(key), dict)}

    @model_validator(mode="after")
    def _of_one_kind(self) -> Claim:
        kinds = (self.better or self.crossing, self.cheaper, self.agree, self.measured)
        if sum(map(bool, kinds)) != 1:
            raise ValueError("a claim has just one of better, cheaper, agree and measured")
        return self

    def said(self, verdict: Verdict, reason: str = "") -> str:
        """What the paper says of a verdict, in Korean, without a full stop; `reason`: why it is
        undecided."""
        name = self.korean or self.title
        if reason in _REASONS:
            return _REASONS[reason].format(name)
        return self.sentence.get(verdict, _SENTENCES[verdict].format(name))

    @property
    def tested(self) -> bool:
        """Whether it is decided by a test over seeds."""
        return bool(self.better or self.crossing)

    @property
    def statements(self) -> Sequence[Better]:
        """What is compared."""
        return [*self.better, *self.crossing]

    @property
    def runs(self) -> list[str]:
        """The runs of the replication that it is about."""
        compared = [run for statement in self.statements for run in statement.runs]
        agreeing = self.agree.runs if self.agree else []
        saving = [run for one in self.cheaper for run in (one.run, one.against) if run]
        return [*compared, *saving, *agreeing]

"""Studies: which replications, grouped into the families of our papers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from replications.core.errors import StudyError, meant
from replications.core.spec import reading
from replications.core.spec.loading import load_plan, load_replication, replication_names
from replications.core.spec.options import Positive, Strict
from replications.core.spec.plan import Plan
from replications.core.spec.reading import checked


class StudyConfig(Strict):
    """The content of `config/config.yaml`."""

    study: str
    families: Literal["all"] | str | list[str] = "all"
    """Those that `snakemake` builds; the others are built by name."""
    replications: Literal["all"] | list[str] = "all"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Positive = 1
    trainings_per_gpu: Positive = 1
    """How many trainings share a CUDA device."""
    hung_after_minutes: Positive = 60
    """Without a word from a training, until it is ended and carried on from its checkpoint."""


class StudyPlans(Strict):
    """A study as the workflow runs it."""

    config: StudyConfig
    plans: dict[str, Plan]
    """By replication, in the order that they state."""
    asked: dict[str, list[str]]
    """The replications of each family that are asked for, also those that lack the study: they may
    be published of another."""

    @property
    def training(self) -> dict[str, Plan]:
        """The plans by which runs are trained: those of the study, and of what they are like."""
        lenders = [plan.lender for plan in self.plans.values() if plan.lender]
        return {plan.name: plan for plan in lenders} | self.plans

    @property
    def families(self) -> dict[str, list[str]]:
        """The replications of each family."""
        found: dict[str, list[str]] = {}
        for name, plan in self.plans.items():
            found.setdefault(plan.replication.family, []).append(name)
        return found

    @property
    def built(self) -> list[str]:
        """The families that are built unless others are asked for: of replications asked for,
        theirs."""
        if self.config.replications != "all":
            return list(self.families)
        wanted = self.config.families
        names = [wanted] if isinstance(wanted, str) and wanted != "all" else wanted
        return list(self.families) if names == "all" else [n for n in names if n in self.families]


def load_study(config: Mapping[str, Any]) -> StudyPlans:
    """The study's configuration and the plan of each replication in it.

    A replication that lacks the study is left out, but where it is asked for by name.

    Raises:
        StudyError: naming file, key, value and what is allowed.
    """
    path = reading.REPLICATIONS.parent / "config" / "config.yaml"
    own = checked(StudyConfig, config, path)
    known = {name: load_replication(name) for name in replication_names()}
    families = {replication.family for replication in known.values()}
    wanted = own.families if isinstance(own.families, list) else [own.families]
    if unknown := set(wanted) - families - {"all"}:
        raise StudyError(
            f"config/config.yaml: no family {', '.join(sorted(unknown))}; "
            f"there are: {', '.join(sorted(families))}{meant(min(unknown), families)}"
        )
    if both := families & set(known):
        raise StudyError(f"a family and a replication are both called {', '.join(sorted(both))}")
    names = list(known) if own.replications == "all" else own.replications
    chosen = names
    if own.replications == "all":
        having = [name for name in names if own.study in known[name].studies]
        chosen = [name for name in having if "all" in wanted or known[name].family in wanted]
        chosen = having if chosen else names  # of which the first says that it has no such study
    plans = {name: load_plan(name, own.study) for name in chosen}  # refuses names that are unknown
    asked: dict[str, list[str]] = {}
    for name in names:
        asked.setdefault(known[name].family, []).append(name)
    return StudyPlans(config=own, plans=plans, asked=asked)

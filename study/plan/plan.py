"""The expanded matrix of a study as one frozen value: what Snakemake, training and the report read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from study.axes.base import Frozen, digest
from study.axes.dataset import Dataset
from study.axes.recipe import RECIPE
from study.errors import Damaged, Refused
from study.metric import Select
from study.metrics import METRICS
from study.plan.arm import Arm, own_kinds
from study.plan.elsewhere.models import PlannedRuns, own_metrics
from study.plan.file.claim import LATER, Measured, PlannedClaim
from study.plan.search import Search
from study.plan.style import FigureStyle, Style, TableStyle
from study.store.layout import Block, Store, missing
from study.store.notes import note_text, write_note
from study.target import Target
from study.wording import counted

if TYPE_CHECKING:
    from study.plan.file.models import Comparison

FEWEST_ROUNDS = 6  # of timing: a median of fewer has no 95 % interval


class PlannedArm(Frozen):
    """``arm`` is the one that the comparison's first metric is read from."""

    arm: str
    label: str
    values: dict[str, str]  # varying key → what the label shows for it
    # Selection → the arm tuned by it; empty where the comparison tunes nothing.
    tuned: dict[Select, str] = Field(default_factory=dict)


class PlannedComparison(Measured, Frozen):
    name: str
    title: str
    keys: tuple[str, ...]  # the keys that vary, in the order written
    arms: tuple[PlannedArm, ...]
    skipped: int = 0
    metrics: tuple[str, ...]
    reference: str
    seeds: int
    target: Target | None = None
    source: str | None  # of the reported figures
    reported: dict[str, dict[str, str]]  # label → metric → as printed
    claims: tuple[PlannedClaim, ...]
    # Metric, shown or claimed → what its arms are tuned by; empty without tuning.
    selections: dict[str, Select] = Field(default_factory=dict)
    # Label → its ``label:`` in the study file, which stands for the ``coupled`` keys.
    given: dict[str, str] = Field(default_factory=dict)
    coupled: tuple[str, ...] = ()
    figure: FigureStyle | None = None
    table: TableStyle | None = None
    runs: PlannedRuns | None = None  # that its arms are known by; None where they are trained here

    @property
    def here(self) -> bool:
        """Whether its arms are trained here."""
        return self.runs is None

    @property
    def paired(self) -> bool:
        """Whether a seed gives every arm the same."""
        return self.runs is None or self.runs.file.paired

    @property
    def levels(self) -> dict[str, list[str]]:
        """What the arms have of every key that varies, in their order."""
        return {key: list(dict.fromkeys(arm.values[key] for arm in self.arms)) for key in self.keys}

    @property
    def grid(self) -> list[str | None]:
        """The label in every place where levels of all keys meet, row by row; None where there is no arm."""
        labels = {tuple(arm.values[key] for key in self.keys): arm.label for arm in self.arms}
        return [labels.get(place) for place in product(*self.levels.values())]

    @property
    def wanted(self) -> dict[str, int]:
        """How many runs there are to be of each arm."""
        if self.runs:
            return {arm: len(seeds) for arm, seeds in self.runs.seeds.items()}
        return dict.fromkeys(self.trained, self.seeds)

    @property
    def each(self) -> str:
        """How many runs there are to be of an arm: ``10 runs``, ``8 to 10 runs``."""
        counts = sorted({*self.wanted.values()})
        return f"{counts[0]} to {counts[-1]} runs" if len(counts) > 1 else counted(counts[0], "run")

    @property
    def labels(self) -> dict[str, str]:
        """Label by arm id: of the arms that the first metric is read from."""
        return {arm.arm: arm.label for arm in self.arms}

    @property
    def trained(self) -> dict[str, str]:
        """Label by arm id: of the arms of every selection."""
        return {arm: planned.label for planned in self.arms for arm in (planned.arm, *planned.tuned.values())}

    @property
    def names(self) -> dict[str, str]:
        """As ``trained``; where arms of one label are tuned by several metrics, by which: ``adam, by val_loss``."""
        several = len({*self.selections.values()}) > 1
        by = {arm: f", by {select}" for planned in self.arms for select, arm in planned.tuned.items() if several}
        return {arm: f"{label}{by.get(arm, '')}" for arm, label in self.trained.items()}

    def arms_for(self, metric: str) -> dict[str, str]:
        """Label → the arm that ``metric`` is read from."""
        select = self.selections.get(metric, "val_accuracy")
        return {arm.label: arm.tuned.get(select, arm.arm) for arm in self.arms}


class Timing(Frozen):
    """The timing job of a study: the arms that it times, in so many rounds."""

    id: str
    arms: tuple[str, ...]
    rounds: int

    @classmethod
    def of(cls, comparisons: Sequence[PlannedComparison]) -> Timing | None:
        """That of the arms of comparisons that show or claim a time or memory; None without any."""
        timed = [(c, metric) for c in comparisons for metric in c.used if METRICS[metric].timed]
        if not timed:
            return None
        arms = tuple(sorted({arm for comparison, metric in timed for arm in comparison.arms_for(metric).values()}))
        rounds = rounds_of(comparisons)
        return cls(id=digest(json.dumps([RECIPE, rounds, *arms])), arms=arms, rounds=rounds)


def rounds_of(comparisons: Iterable[Comparison | PlannedComparison], seeds: int = 0) -> int:
    """Of the timing job: as many as the most ``seeds`` of what is timed; ``seeds``: of comparisons that give none."""
    timed = [c.seeds or seeds for c in comparisons if any(METRICS[metric].timed for metric in c.used)]
    return max([FEWEST_ROUNDS, *timed])


class Plan(Frozen):
    study: str
    title: str
    target: Target | None
    comparisons: tuple[PlannedComparison, ...]
    arms: dict[str, Arm]
    seeds: dict[str, int]  # seeds wanted of each arm
    timing: Timing | None
    question: str = ""  # that it is to answer; "" where that is its title
    looks: int = 1  # at the results, as announced
    style: Style = Style()
    folder: str = "."  # of the study file: what a person's own code is imported from
    places: dict[str, str] = Field(default_factory=dict)  # of own code: factory → where the study file first names it

    @cached_property
    def datasets(self) -> dict[str, Dataset]:
        """What the engine learns from, by id: to be prepared. What scripts read is their own matter."""
        return {arm.dataset_id: arm.dataset for arm in self.arms.values() if not arm.outline.trainer.free}

    @property
    def given(self) -> dict[str, PlannedRuns]:
        """Where the runs of an arm are that was not trained here, by arm."""
        return {arm: c.runs for c in self.comparisons if c.runs for arm in c.runs.seeds}

    @property
    def wanted(self) -> dict[str, int]:
        """How many runs there are to be of each arm, whoever trains them."""
        return self.seeds | {arm: len(runs.seeds[arm]) for arm, runs in self.given.items()}

    def declare(self) -> None:
        """Make its own metrics known, in place of those of any study before it: a process has one study in hand."""
        parts = [c.runs.metrics for c in self.comparisons if c.runs]
        METRICS.declared = own_metrics({name: one for part in parts for name, one in part.items()})

    @property
    def stated(self) -> str:
        """A digest of all that verdicts depend on but the records: claims, looks, seeds, targets, timing; no names."""
        parts = [
            [
                *([c.paired, c.runs.read] if c.runs else [c.seeds, c.target and c.target.model_dump()]),
                [
                    claim.model_dump(exclude=LATER) | claim.model_dump(include=LATER, exclude_defaults=True)
                    for claim in c.claims
                ],
            ]
            for c in self.comparisons
        ]
        return digest(json.dumps([parts, self.looks, self.timing and self.timing.id], sort_keys=True))

    @classmethod
    def load(cls, path: Path) -> Plan:
        """Raises OSError, and Damaged where it is not what was written there."""
        try:
            return cls.model_validate_json(note_text(path))
        except ValueError:
            raise Damaged(path, "is damaged; run the study again, which writes it") from None

    def missing(self, store: Store) -> dict[str, list[Block]]:
        """The blocks of seeds that must be trained, by arm; arms that are complete are left out."""
        present = store.present(self.arms)
        gaps = {arm: missing(present[arm], seeds) for arm, seeds in self.seeds.items()}
        return {arm: blocks for arm, blocks in gaps.items() if blocks}

    def write(self, store: Store, arms: Iterable[str]) -> None:
        """Write plan.json where it changed, and recipe.json of the ``arms`` that are still to be trained."""
        text = self.model_dump_json(indent=1 if len(self.arms) < 1000 else None)
        write_note(store.study(self.study) / "plan.json", text)
        for arm in arms:
            with suppress(OSError, Damaged):
                if f'"arm": "{arm}"' in note_text(store.recipe(arm)):  # its name says what else it holds
                    continue
            content = {"arm": arm, "recipe_version": RECIPE, "recipe": self.arms[arm].model_dump(mode="json")}
            write_note(store.recipe(arm), json.dumps(content, indent=1))

    @cached_property
    def searches(self) -> dict[str, Search]:
        """Every search of the study, by id: of arms that are tuned by seed one for each run."""
        return {search.id: search for name in self.arms for search in self.searches_of(name)}

    def searches_of(self, arm: str) -> list[Search]:
        """Those that choose the settings of an arm's runs; none where it is not tuned."""
        return self.arms[arm].searches(range(self.seeds[arm]))

    @cached_property
    def names(self) -> dict[str, str]:
        """Arms for people, by id: the first comparison that has it, its name there, its id."""
        return {
            arm: f"{comparison.name}, {name} ({arm})"
            for comparison in reversed(self.comparisons)
            for arm, name in comparison.names.items()
        }

    @cached_property
    def own(self) -> dict[str, Arm]:
        """One arm of each kind that has something of a person's own, whatever their rates."""
        return own_kinds(self.arms.values())

    @property
    def dry_id(self) -> str:
        """12 hex digits over the kinds of ``own``."""
        return digest(" ".join(sorted(self.own)))

    def untimed(self, store: Store) -> Timing | None:
        """Its timing, where that is still to be done."""
        return None if self.timing is None or store.timing(self.timing.id).exists() else self.timing

    @property
    def timed(self) -> dict[str, Arm]:
        """The arms of the timing job, by id."""
        return {arm: self.arms[arm] for arm in (self.timing.arms if self.timing else ())}

    @property
    def timed_searches(self) -> list[str]:
        """The searches whose choice changes how long a step of a timed arm takes."""
        timed = (name for name, arm in self.timed.items() if arm.changes_steps)
        return list({search.id: None for name in timed for search in self.searches_of(name)})


def open_plan(path: str | Path) -> tuple[Plan, Store]:
    """The plan at ``results/studies/{study}/plan.json`` and its store. Raises Refused where there is none."""
    path = Path(path)
    if path.name != "plan.json" or not path.is_file():
        right = "give results/studies/STUDY/plan.json, which `evenhand run` writes"
        raise Refused([f"{path}: there is no plan; {right}"])
    parents = path.parents if len(path.parents) > 3 else path.absolute().parents
    plan = Plan.load(path)
    plan.declare()
    return plan, Store(parents[2])


def restated(plan: Plan, store: Store) -> bool:
    """Whether snakemake ran last on another plan; arms are known by their ids, wherever their data lie."""
    try:
        last = Plan.load(store.study(plan.study) / "plan.json")
    except (OSError, ValueError):
        return True
    return last.model_copy(update={"arms": plan.arms, "folder": plan.folder, "places": plan.places}) != plan

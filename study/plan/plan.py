"""The expanded matrix of a study as one frozen value: what Snakemake, training and the report read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from study.axes import AnyDataset
from study.plan.arm import RECIPE, Arm, digest
from study.plan.metrics import METRICS
from study.plan.mistakes import Refused, suggest
from study.plan.store import Block, Store, missing, write_if_changed
from study.plan.study_file import Target

FEWEST_ROUNDS = 6  # of timing: a median of fewer has no 95 % interval


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlannedArm(Frozen):
    arm: str
    label: str
    values: dict[str, str]  # varying key → what the label shows for it


class PlannedComparison(Frozen):
    name: str
    title: str
    keys: tuple[str, ...]  # the keys that vary, in the order written
    arms: tuple[PlannedArm, ...]
    skipped: int
    metrics: tuple[str, ...]
    reference: str
    seeds: int
    target: Target | None
    source: str | None  # of the reported figures
    reported: dict[str, dict[str, str]]  # label → metric → as printed

    @property
    def labels(self) -> dict[str, str]:
        """Label by arm id."""
        return {arm.arm: arm.label for arm in self.arms}


class Timing(Frozen):
    id: str
    arms: tuple[str, ...]
    rounds: int


class Plan(Frozen):
    study: str
    title: str
    target: Target | None
    comparisons: tuple[PlannedComparison, ...]
    arms: dict[str, Arm]
    seeds: dict[str, int]  # seeds wanted of each arm
    timing: Timing | None

    @property
    def datasets(self) -> dict[str, AnyDataset]:
        return {arm.dataset_id: arm.dataset for arm in self.arms.values()}

    def comparison(self, name: str) -> PlannedComparison:
        """The comparison of that name. Raises Refused where there is none."""
        found = {comparison.name: comparison for comparison in self.comparisons}
        if name not in found:
            raise Refused([f"{self.study}: {suggest(name, found, 'comparison')}"])
        return found[name]

    @classmethod
    def load(cls, path: Path) -> Plan:
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def missing(self, store: Store) -> dict[str, list[Block]]:
        """The blocks of seeds that must be trained, by arm; arms that are complete are left out."""
        present = store.present(self.arms)
        gaps = {arm: missing(present[arm], seeds) for arm, seeds in self.seeds.items()}
        return {arm: blocks for arm, blocks in gaps.items() if blocks}

    def write(self, store: Store, gaps: dict[str, list[Block]]) -> None:
        """Write plan.json, and recipe.json for the arms still to train, only where they differ."""
        text = self.model_dump_json(indent=1 if len(self.arms) < 1000 else None)
        write_if_changed(store.study(self.study) / "plan.json", text + "\n")
        for arm in gaps:
            write_if_changed(store.recipe(arm), recipe_text(self.arms[arm]))


def open_plan(path: str | Path) -> tuple[Plan, Store]:
    """The plan at ``results/studies/{study}/plan.json`` and its store. Raises Refused where there is none."""
    path = Path(path)
    if path.name != "plan.json" or not path.is_file():
        raise Refused(
            [f"{path}: there is no plan; give results/studies/STUDY/plan.json, which a run of snakemake writes"]
        )
    parents = path.parents if len(path.parents) > 3 else path.absolute().parents
    return Plan.load(path), Store(parents[2])


def recipe_text(arm: Arm) -> str:
    content: dict[str, Any] = {"arm": arm.id, "recipe_version": RECIPE, "recipe": arm.model_dump(mode="json")}
    return json.dumps(content, indent=1) + "\n"


def read_recipe(path: Path) -> Arm:
    return Arm.model_validate_json(json.dumps(json.loads(path.read_text(encoding="utf-8"))["recipe"]))


def timing_of(comparisons: tuple[PlannedComparison, ...]) -> Timing | None:
    """The timing job of a study: the arms of comparisons with a timing or memory metric; None without any."""
    timed = [c for c in comparisons if any(METRICS[m].timed for m in c.metrics)]
    if not timed:
        return None
    arms = tuple(sorted({arm.arm for comparison in timed for arm in comparison.arms}))
    rounds = max(FEWEST_ROUNDS, *(comparison.seeds for comparison in timed))
    return Timing(id=digest(json.dumps([RECIPE, rounds, *arms])), arms=arms, rounds=rounds)

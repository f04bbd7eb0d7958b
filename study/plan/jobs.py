"""What is missing, cut into jobs: what one process does on the devices it leases."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from study.axes.base import Frozen
from study.axes.recipe import digest
from study.plan.plan import Arm, Plan
from study.plan.search import Search, Selection
from study.store.files import write_if_changed
from study.store.layout import Block, Store


class SearchUnit(Frozen):
    """A search, and the selections that it is to be extended for."""

    search: Search
    selections: tuple[Selection, ...]

    @property
    def name(self) -> str:
        return f"search {self.search.id}"


class BlockUnit(Frozen):
    """A block of seeds of an arm."""

    arm: Arm
    block: Block

    @property
    def name(self) -> str:
        return f"{self.arm.id}, seeds {self.block}"


class Job(Frozen):
    """Searches, then blocks of seeds: some of them may take their settings from these searches."""

    searches: tuple[SearchUnit, ...] = ()
    blocks: tuple[BlockUnit, ...] = ()

    @cached_property
    def id(self) -> str:
        """12 hex digits over what is to be done."""
        searches = [[unit.search.id, [selection.name for selection in unit.selections]] for unit in self.searches]
        return digest(json.dumps([searches, [unit.name for unit in self.blocks]]))

    @property
    def gpus(self) -> int:
        """Devices that the job takes."""
        return max((unit.arm.gpus for unit in self.blocks), default=1)

    @property
    def datasets(self) -> set[str]:
        """The ids of the datasets that it reads."""
        recipes = [unit.search.first_recipe for unit in self.searches]
        return {recipe.dataset_id for recipe in [*recipes, *(unit.arm.outline for unit in self.blocks)]}

    @classmethod
    def load(cls, path: Path) -> Job:
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def write(self, store: Store) -> None:
        """Say what is to be done, and take away a receipt of a time when it was done: something is missing again."""
        write_if_changed(store.job(self.id), self.model_dump_json(indent=1) + "\n")
        store.receipt(self.id).unlink(missing_ok=True)


def jobs(plan: Plan, store: Store) -> list[Job]:
    """The searches and blocks of seeds of ``plan`` that ``store`` does not have, those of the most devices first.

    A job has a search with all arms that take their settings from it, or one arm. A search is needed where an arm with
    missing seeds, or one to be timed, waits for its choice.
    """
    gaps = plan.missing(store)
    to_time = plan.timing and not store.timing(plan.timing.id).exists()
    waiting = {*gaps, *(name for name, arm in plan.timed.items() if to_time and arm.changes_steps)}
    groups: dict[str, list[Arm]] = {}
    for name, arm in plan.arms.items():
        if name in waiting:
            groups.setdefault(arm.search.id if arm.search else name, []).append(arm)
    made = [_job(arms, gaps, store) for arms in groups.values()]
    return sorted((job for job in made if job.searches or job.blocks), key=lambda job: -job.gpus)


def _job(arms: Sequence[Arm], gaps: Mapping[str, Sequence[Block]], store: Store) -> Job:
    """What is missing of one arm, or of ``arms`` of one search, and of that the selections without trials."""
    search = arms[0].search
    done = store.selections(search.id) if search else []
    lacking = {arm.selection.name: arm.selection for arm in arms if arm.selection and arm.selection.name not in done}
    blocks = (BlockUnit(arm=arm, block=block) for arm in arms for block in gaps.get(arm.id, ()))
    searches = [SearchUnit(search=search, selections=tuple(lacking.values()))] if search and lacking else []
    return Job(searches=tuple(searches), blocks=tuple(blocks))

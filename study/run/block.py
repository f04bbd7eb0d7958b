"""A block of seeds of an arm as it is made: its runs, with the settings that its search chose, and their records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from study.engine import record
from study.engine.inputs.data import SPLITS
from study.engine.pack import Slice
from study.engine.record import Record
from study.plan.jobs import BlockUnit
from study.plan.plan import Arm
from study.plan.search import Candidate
from study.plan.trials import NOTHING_CHOSEN, Trials, settings_text
from study.run.packs import loaded
from study.run.provenance import now, provenance
from study.store.failures import forget_failures
from study.store.layout import Store


class Block:
    """A block of seeds under way. ``slices``: what is to be trained; none once its records are written."""

    def __init__(self, unit: BlockUnit, store: Store, device: torch.device) -> None:
        self.unit, self.store, self.device = unit, store, device
        self.chosen = settings_of(unit.arm, store)
        self.recipe = unit.arm.outline if self.chosen is None else unit.arm.settled(self.chosen)
        self.slices = [Slice(self.recipe, tuple(unit.block.seeds))]
        self.outcome = "every candidate of its search diverged: nothing to train"
        if self.chosen is None:
            nothing = [Record(seed, NOTHING_CHOSEN) for seed in unit.block.seeds]
            self.add(0, nothing, {"pack": None, "started_at": now()})

    @property
    def is_there(self) -> bool:
        return self.unit.block in self.store.blocks(self.unit.arm.id)

    def add(self, place: int, records: Sequence[Record] | Exception, about: Mapping[str, Any]) -> None:
        """Write the records; ``about``: in which pack they were trained, and when. Raises what they came to instead."""
        if isinstance(records, Exception):
            raise records
        arm, block = self.unit.arm, self.unit.block
        columns: dict[str, Any] = {
            **about,
            "pack": about["pack"] if self.recipe.stacked else "alone",
            "settings": settings_text(self.chosen) if arm.search and self.chosen is not None else None,
        }
        columns |= provenance(self.device, ours=not self.recipe.trainer.free)
        if not self.recipe.trainer.free:
            data = loaded(self.store, arm.dataset_id, self.device)
            columns |= {f"{name}_rows": getattr(data, name).rows for name in SPLITS}
            columns["train_rows"] = self.recipe.training_rows(data.train.rows)
        record.write(records, arm.id, columns, self.store.runs(arm.id, block), self.store.curves(arm.id, block))
        forget_failures(self.store, arm.id)
        diverged = sum(not made.finished for made in records)
        self.slices, self.outcome = [], f"{len(records) - diverged} finished, {diverged} diverged"


def is_searched(arm: Arm, store: Store) -> bool:
    """Whether an arm's settings are known, or can be chosen."""
    return arm.search is None or (arm.selection is not None and arm.selection.name in store.selections(arm.search.id))


def settings_of(arm: Arm, store: Store) -> Candidate | None:
    """What was chosen for an arm, nothing where nothing is searched; None where every candidate diverged.

    Raises FileNotFoundError before it is searched.
    """
    if arm.search is None or arm.selection is None:
        return {}
    if not is_searched(arm, store):
        lacking = f"{store.search(arm.search.id)}: has no trials for {arm.selection.name}"
        raise FileNotFoundError(f"{lacking}; first run the job of search {arm.search.id}")
    chosen = Trials.read(arm.search, store.search(arm.search.id)).chosen(arm.selection)
    return None if chosen is None else chosen.settings

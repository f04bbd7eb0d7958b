"""A block of seeds of an arm as it is made: its runs, with the settings that its search chose, and their records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch

from study.engine import record
from study.engine.inputs.data import SPLITS
from study.engine.pack import Slice
from study.engine.record import Record
from study.plan.arm import Arm
from study.plan.jobs import BlockUnit
from study.plan.search import Candidate
from study.plan.trials import NOTHING_CHOSEN, Trials, settings_text
from study.run.packs import loaded
from study.run.provenance import provenance
from study.store.failures import forget_failures
from study.store.layout import Store
from study.store.notes import now
from study.store.searches import selections


class Block:
    """A block of seeds under way. ``slices``: what is to be trained, those that are to have the same settings together;
    none once its records are written.
    """

    def __init__(self, unit: BlockUnit, store: Store, device: torch.device) -> None:
        self.unit, self.store, self.device = unit, store, device
        self._chosen = settings_of(unit.arm, store, unit.block.seeds)
        self._made: list[tuple[Record, dict[str, Any]]] = []
        self.slices: list[Slice] = []
        for settings, seeds in _alike(self._chosen):
            if settings is None:
                self._add([Record(seed, NOTHING_CHOSEN) for seed in seeds], {"pack": None, "started_at": now()})
            else:
                self.slices.append(Slice(unit.arm.settled(settings), tuple(seeds)))
        nothing = "there by now" if self.slices else "every candidate of its search diverged"
        self.outcome = f"{nothing}; nothing to train"
        self._write_if_whole()

    @property
    def is_there(self) -> bool:
        return self.unit.block in self.store.blocks(self.unit.arm.id)

    def add(self, place: int, records: Sequence[Record] | Exception, about: Mapping[str, Any]) -> None:
        """What a slice came to, by its place; once all are there they are written.

        ``about``: in which pack they were trained, and when. Raises what they came to instead.
        """
        if isinstance(records, Exception):
            raise records
        recipe = self.slices[place].recipe
        columns = {**about, "pack": about["pack"] if recipe.stacked else "alone"}
        if not recipe.trainer.free:
            data = loaded(self.store, self.unit.arm.dataset_id, self.device)
            columns |= {f"{name}_rows": getattr(data, name).rows for name in SPLITS}
            columns["train_rows"] = recipe.training_rows(data.train.rows)
        self._add(records, columns)
        self._write_if_whole()

    def _add(self, records: Sequence[Record], about: Mapping[str, Any]) -> None:
        arm = self.unit.arm
        where = provenance(self.device, ours=not arm.outline.trainer.free)
        for made in records:
            settings = self._chosen[made.seed] if arm.search else None
            text = None if settings is None else settings_text(settings)
            self._made.append((made, {**about, "settings": text, **where}))

    def _write_if_whole(self) -> None:
        arm, block = self.unit.arm, self.unit.block
        if len(self._made) < len(block.seeds):
            return
        made = sorted(self._made, key=lambda each: each[0].seed)
        record.write(made, arm.id, block, self.store)
        forget_failures(self.store, arm.id)
        if self.slices:
            diverged = sum(not each.finished for each, _ in made)
            self.slices, self.outcome = [], f"{len(made) - diverged} finished, {diverged} diverged"


def _alike(chosen: Mapping[int, Candidate | None]) -> Iterator[tuple[Candidate | None, list[int]]]:
    """The seeds that have the same settings, and these."""
    places: dict[str, list[int]] = {}
    for seed, settings in chosen.items():
        places.setdefault(json.dumps(settings), []).append(seed)
    return ((chosen[seeds[0]], seeds) for seeds in places.values())


def is_searched(arm: Arm, store: Store, seeds: Iterable[int]) -> bool:
    """Whether the settings of an arm's runs are known, or can be chosen."""
    by = arm.selection
    return all(by is not None and by.name in selections(store, search.id) for search in arm.searches(seeds))


def settings_of(arm: Arm, store: Store, seeds: Iterable[int]) -> dict[int, Candidate | None]:
    """What was chosen for the runs of ``seeds``, nothing where nothing is searched; None where all candidates diverged.

    Raises FileNotFoundError before it is searched.
    """
    if arm.search is None or arm.selection is None:
        return {seed: {} for seed in seeds}
    found: dict[str, Candidate | None] = {}
    for search in arm.search.each(seeds := [*seeds]):
        trials = Trials.read(search, store)
        if arm.selection.name not in trials.done:
            lacking = f"{store.search(search.id)}: has no trials for {arm.selection.name}"
            raise FileNotFoundError(f"{lacking}; first run the job of search {search.id}")
        chosen = trials.chosen(arm.selection)
        found[search.id] = None if chosen is None else chosen.settings
    return {seed: found[arm.search.of(seed).id] for seed in seeds}

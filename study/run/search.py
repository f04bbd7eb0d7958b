"""A search as it is run: every candidate with every tuning seed, then further ones for each selection."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path

import torch

from study.axes.recipe import Recipe
from study.engine.checkpoint import Checkpoints
from study.engine.data import Data
from study.engine.pack import Run, train
from study.engine.record import Record
from study.plan.search import Candidate, Search, Selection
from study.plan.trials import Row, Trial, Trials, further, rank
from study.run.attempt import said
from study.run.provenance import provenance
from study.store.failures import OUT_OF_MEMORY

PACK = 256  # runs stacked at once, at most
BOX = 0.5  # of each range: where a quasi-random search goes on, around its best


def run_search(
    search: Search, selections: Sequence[Selection], data: Data, device: torch.device | str, path: Path
) -> Trials:
    """Extend the trials at ``path`` for each of ``selections``, and write them there as each of these is complete."""
    running = Running(search, data, device, path)
    for selection in selections:
        if selection.name not in running.trials.done:
            running.extend(selection)
            running.trials.write(path)
    running.checkpoints.remove()
    return running.trials


def together(recipes: Sequence[Recipe], seeds: int) -> Iterator[list[int]]:
    """The places of those of ``recipes`` that make one pack, each with so many ``seeds``."""
    groups: dict[Hashable, list[int]] = {}
    for i, recipe in enumerate(recipes):
        groups.setdefault(recipe.shared(), []).append(i)
    most = max(1, PACK // seeds)
    for group in groups.values():
        yield from (group[start : start + most] for start in range(0, len(group), most))


class Running:
    """A search and what it has tried so far."""

    def __init__(self, search: Search, data: Data, device: torch.device | str, path: Path) -> None:
        self.search, self.data, self.device = search, data, device
        self.trials = Trials.read(search, path)
        self.about = provenance(torch.device(device))
        self.checkpoints = Checkpoints(path.with_name(f"checkpoint-{search.id}"))

    def extend(self, selection: Selection) -> None:
        """The grid, or quasi-random points; then further trials until the budget of this selection is spent."""
        search = self.search
        if not self.trials.tried:
            self.try_all(list(search.grid()) if search.method == "grid" else self.quasi_random([], search.first), None)
        while (left := search.candidates - len(trials := self.trials.of(selection))) > 0:
            if search.method == "sobol":
                best = trials[rank(trials, selection.metric)[0]].settings
                wanted = self.quasi_random([trial.settings for trial in trials], left, around=best)
            else:
                wanted = further(search, selection.metric, trials)[:left]
            if not wanted:
                break  # every whole number in reach was tried
            self.try_all(wanted, selection)
        self.trials.done.append(selection.name)

    def quasi_random(self, tried: Sequence[Candidate], number: int, around: Candidate | None = None) -> list[Candidate]:
        """Points of a scrambled Sobol sequence over the ranges, or over a box ``around`` a candidate."""
        from scipy.stats import qmc

        search, known = self.search, list(tried)
        engine = qmc.Sobol(d=len(search.settings), scramble=True, rng=0 if around is None else 1)
        for place in engine.random_base2((8 * number).bit_length()).tolist():
            at = dict(zip(search.covers, place, strict=True))
            if around is not None:
                at = {s.key: s.position(around[s.key]) + BOX * (at[s.key] - 0.5) for s in search.settings}
            point = {searched.key: searched.at(at[searched.key]) for searched in search.settings}
            if len(known) < len(tried) + number and point not in known and search.possible(point):
                known.append(point)
        return known[len(tried) :]

    def try_all(self, candidates: Sequence[Candidate], selection: Selection | None) -> None:
        """Train ``candidates``: stacked where a pack can hold them, in turn where not; but for those tried before."""
        known = dict(enumerate(self.trials.tried))
        new = [candidate for candidate in candidates if all(tried.settings != candidate for tried in known.values())]
        recipes = [self.search.at(candidate) for candidate in new]
        rows: dict[int, list[Row]] = {}
        for places in together(recipes, self.search.seeds):
            for i, records in zip(places, self.train([recipes[i] for i in places]), strict=True):
                rows[i] = [self.row(made) for made in records]
        named = () if selection is None else (selection.name,)
        for i, tried in known.items():
            if tried.settings in candidates:
                self.trials.tried[i] = tried._replace(selections=(*tried.selections, *named))
        self.trials.tried += [Trial(candidate, rows[i], named) for i, candidate in enumerate(new)]

    def train(self, recipes: Sequence[Recipe]) -> list[list[Record]]:
        """The records of each recipe, by tuning seed. What does not fit into memory alone counts as diverged."""
        runs = [Run(recipe, seed) for recipe in recipes for seed in self.search.seed_range]
        try:
            with self.checkpoints.listening():
                records = train(runs, self.data, self.device, checkpoints=self.checkpoints)
        except (RuntimeError, MemoryError) as error:
            if not re.search(OUT_OF_MEMORY, f"{type(error).__name__}: {error}"):
                raise
            if len(recipes) == 1:
                return [[Record(run.seed, said(error)) for run in runs]]
            half = len(recipes) // 2
            return self.train(recipes[:half]) + self.train(recipes[half:])
        n = self.search.seeds
        return [records[i : i + n] for i in range(0, len(records), n)]

    def row(self, made: Record) -> Row:
        """One tuning seed of a candidate; stored are the columns of ``SEARCH``."""
        columns = {"curve_steps": "step", "curve_val_loss": "val_loss", "curve_val_accuracy": "val_accuracy"}
        lists = {column: [row.get(name) for row in made.curve] for column, name in columns.items()}
        return made.row() | lists | self.about

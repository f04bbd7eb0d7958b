"""A search as it is run: every candidate with every tuning seed, then further ones for each selection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from study.engine.pack import Slice
from study.engine.record import Record
from study.errors import Damaged
from study.plan.choice import Row, Trial, further, rank
from study.plan.jobs import SearchUnit
from study.plan.search import Candidate, Selection
from study.plan.trials import Trials, settings_text
from study.run.provenance import provenance
from study.store.failures import out_of_memory, said
from study.store.layout import Store

BOX = 0.5  # of each range: where a quasi-random search goes on, around its best


class Tuning:
    """A search under way: it asks for candidates round by round, and says what to try next once it has their records.

    ``wanted``: the candidates of this round that were not tried before; none at the end. What was tried is written as
    each round is complete, and of the first round, whose candidates nobody has to choose, as it is there.
    """

    is_there = False

    def __init__(self, unit: SearchUnit, store: Store, device: torch.device) -> None:
        self.unit, self.search, self.store = unit, unit.search, store
        self.about = provenance(device, ours=not unit.search.first_recipe.trainer.free)
        try:
            self.trials = Trials.read(self.search, store)
        except Damaged as damaged:  # it is aside by now
            print(damaged, flush=True)
            self.trials = Trials(self.search)
        self.wanted: list[Candidate] = []
        self._made: dict[int, list[Row]] = {}  # by place among those wanted, as is the next
        self._full: dict[int, Exception] = {}
        self._is_first = True
        self._rounds = self._all(unit.selections)
        self._next()

    @property
    def outcome(self) -> str:
        """What was chosen."""
        chosen = {selection.name: self.trials.chosen(selection) for selection in self.unit.selections}
        return "; ".join(f"{name} chose {one and settings_text(one.settings)}" for name, one in chosen.items())

    @property
    def slices(self) -> list[Slice]:
        """The runs of this round, those of a candidate each."""
        return [Slice(self.search.at(candidate), tuple(self.search.seed_range)) for candidate in self.wanted]

    def add(self, place: int, records: Sequence[Record] | Exception, about: Mapping[str, Any]) -> None:
        """What a candidate came to, by its place.

        Raises an error that it came to: without it nothing can be chosen, since more memory, or another machine, might
        have made it the best. Where memory was too small for it alone, the others of its round are tried before.
        """
        if isinstance(records, Exception):
            if not out_of_memory(records):
                raise records
            self._full[place] = records
        else:
            self._check(records)
            self._made[place] = [self._row(made) for made in records]
        if self._is_first and self._made and len(self._made) < len(self.wanted):
            Trials(self.search, [*self.trials.tried, *self._tried(())]).write(self.store)
        if len(self._made) + len(self._full) < len(self.wanted):
            return
        for place, error in self._full.items():
            settings = settings_text(self.wanted[place])
            raise RuntimeError(f"{said(error)}; with {settings}, alone: give it more memory, or a smaller range")
        self._next()

    def _check(self, records: Sequence[Record]) -> None:
        """Raises ValueError where a script left out what is selected by."""
        for selection in self.unit.selections:
            metric = selection.target.metric if selection.target else selection.metric
            if self.search.first_recipe.trainer.free and any(r.finished and metric not in r.curve[-1] for r in records):
                raise ValueError(f"its script wrote no {metric}, by which a candidate is chosen")

    def _next(self) -> None:
        self.wanted = next(self._rounds, [])

    def _all(self, selections: Sequence[Selection]) -> Iterator[list[Candidate]]:
        """The grid, or quasi-random points; then further trials until the budget of each selection is spent."""
        search = self.search
        first = list(search.grid()) if search.method == "grid" else self._quasi_random([], search.first)
        yield from self._round(first, None)
        for selection in selections:
            if selection.name in self.trials.done:
                continue
            while (left := search.candidates - len(trials := self.trials.of(selection))) > 0:
                if search.method == "sobol":
                    best = trials[rank(trials, selection.metric)[0]].settings
                    wanted = self._quasi_random([trial.settings for trial in trials], left, around=best)
                else:
                    wanted = further(search, selection.metric, trials)[:left]
                if not wanted:
                    break  # every whole number in reach was tried
                yield from self._round(wanted, selection)
            self.trials.done.append(selection.name)
            self.trials.write(self.store)

    def _round(self, candidates: Sequence[Candidate], selection: Selection | None) -> Iterator[list[Candidate]]:
        """Try ``candidates``: those that were tried before serve this selection too."""
        named = () if selection is None else (selection.name,)
        known = self.trials.tried
        new = [candidate for candidate in candidates if all(tried.settings != candidate for tried in known)]
        self._made, self._full, self._is_first = {}, {}, selection is None
        if new:
            yield new
        for i, tried in enumerate(known):
            if tried.settings in candidates:
                known[i] = tried._replace(selections=(*tried.selections, *named))
        known += self._tried(named)
        if selection is None:  # some may have been there already
            places = {settings_text(candidate): i for i, candidate in enumerate(candidates)}
            known.sort(key=lambda tried: places.get(settings_text(tried.settings), len(places)))
        if new:
            self.trials.write(self.store)

    def _tried(self, named: tuple[str, ...]) -> list[Trial]:
        """The candidates of this round that are there, in their order."""
        return [Trial(c, self._made[i], named) for i, c in enumerate(self.wanted) if i in self._made]

    def _quasi_random(
        self, tried: Sequence[Candidate], number: int, around: Candidate | None = None
    ) -> list[Candidate]:
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

    def _row(self, made: Record) -> Row:
        """One tuning seed of a candidate; stored are the columns of ``SEARCH``."""
        columns = {"curve_steps": "step", "curve_val_loss": "val_loss", "curve_val_accuracy": "val_accuracy"}
        lists = {column: [row.get(name) for row in made.curve] for column, name in columns.items()}
        return made.row() | lists | self.about

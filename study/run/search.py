"""The tuning job of one arm: every candidate of its search with every tuning seed, and which one is best."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from study.engine import data
from study.engine.checkpoint import Checkpoints
from study.engine.data import Data
from study.engine.pack import Run, shared, train
from study.engine.record import Record
from study.plan.arm import Arm
from study.plan.plan import read_recipe
from study.plan.searches.chosen import settings_text
from study.plan.searches.selection import Candidate, Edge, Trial, edge, further, rank, score
from study.run import devices
from study.run.attempt import attempt, said
from study.run.provenance import provenance
from study.run.trials import ABOUT, Row, measured, outcome_of, taken_over
from study.store import schemas as record
from study.store.failures import OUT_OF_MEMORY
from study.store.layout import Store

PACK = 256  # runs stacked at once, at most
BOX = 0.5  # of each range: where a quasi-random search goes on, around its best


def tune_arm(store: Store, arm_id: str, trials: Path | None = None) -> None:
    """Search the settings of an arm and write its tuning.parquet; a failure is recorded as one of training is.

    ``trials``: a tuning.parquet of the same search by another metric. What was tried there is not trained again.
    """
    with attempt(store, arm_id, "tuning"), devices.leased(f"tuning of {arm_id}") as device:
        arm = read_recipe(store.recipe(arm_id))
        if arm.tune is None:
            raise ValueError(f"{arm_id}: has nothing to tune")
        dataset = data.load(store.dataset(arm.dataset_id), device)
        print(f"{arm_id}: {arm.tune.candidates} candidates on {devices.describe(device)}", flush=True)
        search = Search(arm, dataset, device, store, trials)
        search.run()
        if trials:
            print(f"{arm_id}: {search.taken} trials taken over from {trials}", flush=True)
        record.write_tuning(list(search.rows()), arm.tune.covers, store.tuning(arm_id))
        Checkpoints(search.stem).remove()
        print(f"{arm_id}: chosen {search.chosen and settings_text(search.chosen.settings)}", flush=True)


class Search:
    """The trials of one arm, in the order in which they were made."""

    def __init__(
        self, arm: Arm, dataset: Data, device: torch.device | str, store: Store, trials: Path | None = None
    ) -> None:
        assert arm.tune is not None
        self.arm, self.tune, self.data, self.device = arm, arm.tune, dataset, device
        here = provenance(torch.device(device))
        self.about = {name: here[name] for name in ABOUT}
        self.known = taken_over(trials, self.about) if trials else {}
        self.stem = store.arm(arm.id) / "checkpoint-tuning"
        self.packs = 0
        self.trials: list[Trial] = []
        self.measured: list[list[Row]] = []  # of each trial, by tuning seed
        self.taken = 0  # trials that were known
        self.phases: list[str] = []

    def run(self) -> None:
        """The grid, or quasi-random points; then further trials until the budget is spent."""
        tune = self.tune
        self.try_all(tune.grid() if tune.search == "grid" else list(self.quasi_random(tune.first)), "grid")
        while (left := tune.candidates - len(self.trials)) > 0:
            if tune.search == "sobol":
                wanted = list(self.quasi_random(left, around=self.trials[rank(self.trials, tune.select)[0]].settings))
            else:
                wanted = further(tune, self.trials, self.possible)[:left]
            if not wanted:
                break  # every whole number in reach was tried
            self.try_all(wanted, "extend")

    def possible(self, settings: Candidate) -> bool:
        """Whether the arm can be trained so."""
        try:
            return self.arm.settled(settings).impossible() is None
        except ValueError:  # outside the setting's bounds
            return False

    def quasi_random(self, number: int, around: Candidate | None = None) -> Iterator[Candidate]:
        """Points of a scrambled Sobol sequence over the ranges, or over a box ``around`` a candidate."""
        from scipy.stats import qmc

        tune, tried = self.tune, [trial.settings for trial in self.trials]
        engine = qmc.Sobol(d=len(tune.settings), scramble=True, rng=0 if around is None else 1)

        def points() -> Iterator[Candidate]:
            for place in engine.random_base2((8 * number).bit_length()).tolist():
                at = dict(zip(tune.covers, place, strict=True))
                if around is not None:
                    at = {s.key: s.position(around[s.key]) + BOX * (at[s.key] - 0.5) for s in tune.settings}
                point = {searched.key: searched.at(at[searched.key]) for searched in tune.settings}
                if point not in tried and self.possible(point):
                    tried.append(point)
                    yield point

        return islice(points(), number)

    def try_all(self, candidates: Sequence[Candidate], phase: str) -> None:
        """Train ``candidates``: stacked where a pack can hold them, in turn where not; but for those known."""
        arms = [self.arm.settled(candidate) for candidate in candidates]
        texts = [settings_text(candidate) for candidate in candidates]
        found = {i: self.known[text] for i, text in enumerate(texts) if text in self.known}
        self.taken += len(found)
        groups: dict[Hashable, list[int]] = {}
        for i, arm in enumerate(arms):
            if i not in found:
                groups.setdefault(shared(arm), []).append(i)
        size = max(1, PACK // self.tune.seeds)
        for group in groups.values():
            for start in range(0, len(group), size):
                part = group[start : start + size]
                for i, records in zip(part, self.train([arms[i] for i in part]), strict=True):
                    found[i] = [measured(made, self.tune.target) for made in records]
        for i, candidate in enumerate(candidates):
            self.trials.append(Trial(candidate, [outcome_of(row) for row in found[i]]))
            self.measured.append(found[i])
            self.phases.append(phase)

    def train(self, arms: Sequence[Arm]) -> list[list[Record]]:
        """The records of each arm, by tuning seed. What does not fit into memory alone counts as diverged."""
        runs = [Run(arm, seed) for arm in arms for seed in self.tune.seed_range]
        self.packs += 1
        checkpoints = Checkpoints(self.stem.with_name(f"{self.stem.name}-{self.packs}"))
        try:
            with checkpoints.listening():
                records = train(runs, self.data, self.device, checkpoints=checkpoints)
        except (RuntimeError, MemoryError) as error:
            if not re.search(OUT_OF_MEMORY, f"{type(error).__name__}: {error}"):
                raise
            if len(arms) == 1:
                return [[Record.without_training(run.seed, said(error)) for run in runs]]
            half = len(arms) // 2
            return self.train(arms[:half]) + self.train(arms[half:])
        n = self.tune.seeds
        return [records[i : i + n] for i in range(0, len(records), n)]

    @property
    def chosen(self) -> Trial | None:
        """The best trial; None where all seeds of all candidates diverged."""
        best = self.trials[rank(self.trials, self.tune.select)[0]]
        return best if any(outcome.finished for outcome in best.outcomes) else None

    def rows(self) -> Iterator[dict[str, Any]]:
        """Rows of ``TUNING``."""
        places = {place: i + 1 for i, place in enumerate(rank(self.trials, self.tune.select))}
        chosen = self.chosen
        found = edge(self.tune, self.trials, self.possible) if chosen else Edge({}, False, [])
        for i, (trial, rows, phase) in enumerate(zip(self.trials, self.measured, self.phases, strict=True)):
            mine = trial is chosen
            shared = {
                "arm": self.arm.id,
                "candidate": i,
                "phase": phase,
                "settings": settings_text(trial.settings),
                "select": self.tune.select,
                "score": score(trial, self.tune.select),
                "rank": places[i],
                "chosen": mine,
                "edge": json.dumps(found.sides, sort_keys=True) if mine and found.sides else None,
                "undertuned": mine and found.undertuned,
                "next": json.dumps(found.next, sort_keys=True) if mine and found.next else None,
            }
            for row in rows:
                yield row | shared | trial.settings | self.about

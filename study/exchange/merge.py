"""The results of several machines in one store.

A run that two stores have must have the same numbers in both, and is kept once. Runs of one arm that were made on
different devices, or with different versions of torch, are not put together: a paired difference between two arms would
have another meaning from seed to seed. What training meant in another recipe version has other ids, and stays apart by
them.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from study.axes.recipe import RECIPE
from study.errors import Damaged, Refused
from study.exchange.holdings import held, spans
from study.plan.extract import copy
from study.plan.history import History
from study.store.equality import Run, difference
from study.store.failures import lacks, noted
from study.store.layout import Store
from study.store.notes import read_note
from study.store.seal import check
from study.store.searches import Row, TrialRows, united
from study.wording import counted

SHOWN = 20  # conflicts that are listed


def made_with(row: Mapping[str, Any]) -> tuple[str, str]:
    """Device and version of torch, without its build: what the runs of one arm must share."""
    return str(row.get("device")), str(row.get("torch_version")).partition("+")[0]


def _said(ways: Iterable[tuple[str, str]]) -> str:
    return " and ".join(f"{device}, PyTorch {version}" for device, version in sorted(ways))


class Merge:
    """What is to be done for one source. ``writes``: in this order, once all is known to fit."""

    def __init__(self, into: Store, source: Store) -> None:
        self.into, self.source = into, source
        self.writes: list[Callable[[], object]] = []
        self.counts = Counter[str]()
        self.conflicts, self.left, self.told = list[str](), list[str](), list[str]()  # left: not taken, and why
        for arm in _names(source.root / "arms"):
            self._arm(arm)
        for path in sorted((source.root / "searches").glob("*.parquet")):
            self._search(path, path.stem)
        for path in sorted((source.root / "timing").glob("*.parquet")):
            self._timing(path, path.stem)
        for study in _names(source.root / "studies"):
            self._study(study)

    def _copy(self, path: Path, goal: Path) -> None:
        self.writes.append(partial(copy, path, goal))

    def _leave(self, what: str, damaged: Damaged) -> None:
        self.left.append(f"{what}: not taken: {damaged.path.name} {damaged.why}")

    def _arm(self, arm: str) -> None:
        """The blocks that add seeds; the recipe; why others failed that neither has."""
        into, source = self.into, self.source
        present, lost = held(into, arm)
        blocks, unread = held(source, arm)
        there: dict[int, Run] = {}
        for runs in present.values():
            there = {**runs, **there}  # of overlapping blocks the first one's
        for block, damaged in lost.items():
            self.told.append(f"arm {arm}, {block.words}: {damaged}; they count as missing")
        for block, damaged in unread.items():
            self._leave(f"arm {arm}, {block.words}", damaged)
        version = _version(source if source.recipe(arm).exists() else into, arm)
        for block, runs in blocks.items():
            if others := {run.row["recipe_version"] for run in runs.values()} - {version}:
                words = f"of recipe version {', '.join(map(str, others))}, the arm of {version}"
                self.left.append(f"arm {arm}, {block.words}: not taken: {words}")
            elif self._fits(arm, there, runs):
                there = runs | there
                self._copy(source.curves(arm, block), into.curves(arm, block))
                self._copy(source.runs(arm, block), into.runs(arm, block))  # which marks it as complete
        if source.recipe(arm).exists() and not into.recipe(arm).exists():
            self._copy(source.recipe(arm), into.recipe(arm))
        for block, path in noted(source, arm, "failed").items():
            if lacks([*present, *blocks, *unread], block) and not into.failed(arm, block).exists():
                self._copy(path, into.failed(arm, block))

    def _fits(self, arm: str, there: Mapping[int, Run], runs: Mapping[int, Run]) -> bool:
        """Whether ``runs`` of an arm are new, and made as those that are ``there``; what speaks against it is noted."""
        for seed in sorted(runs.keys() & there.keys()):
            if found := difference(there[seed], runs[seed]):
                ways = dict.fromkeys(_said({made_with(each[seed].row)}) for each in (there, runs))
                self.conflicts.append(f"arm {arm}, seed {seed}, {found} ({'; '.join(ways)})")
        new = sorted(runs.keys() - there.keys())
        here, mine = ({made_with(run.row) for run in part.values()} for part in (there, runs))
        if new and here and not mine <= here:
            words = f"not taken: made on {_said(mine)}, the seeds that are there on {_said(here)}"
            self.left.append(f"arm {arm}, seeds {spans(new)}: {words}")
            return False
        self.counts["run"] += len(new)
        return bool(new)

    def _search(self, path: Path, name: str) -> None:
        """The trials of both: each candidate and tuning seed once."""
        goal, here = self.into.search(name), None
        try:
            there = TrialRows.read(path)
        except Damaged as damaged:
            self._leave(f"search {name}", damaged)
            return
        try:
            here = TrialRows.read(goal) if goal.exists() else None
        except Damaged as damaged:
            self.told.append(f"search {name}: {damaged}; it is replaced")
        if here is None:
            self._copy(path, goal)
            self.counts["search"] += 1
            return
        theirs = {(row["settings"], row["seed"]): row for row in there.rows}
        same: Row = {"selections": None, "candidate": None}
        for row in here.rows:
            other = theirs.get((row["settings"], row["seed"]))
            if other and (found := difference(Run({**row, **same}, []), Run({**other, **same}, []))):
                self.conflicts.append(f"search {name}, {row['settings']}, tuning seed {row['seed']}, {found}")
        both = united(here, there)
        if both is None:
            return
        ways = [{made_with(row) for row in part.rows} for part in (here, there)]
        if not ways[1] <= ways[0]:
            words = f"not taken: made on {_said(ways[1])}, those that are there on {_said(ways[0])}"
            self.left.append(f"search {name}: further trials {words}")
            return
        self.writes.append(partial(both.write, goal))
        self.counts["extended search"] += 1

    def _timing(self, path: Path, name: str) -> None:
        """That of one machine: seconds of two are never put together."""
        goal = self.into.timing(name)
        try:
            check(path, older=True)
        except Damaged as damaged:
            self._leave(f"timing {name}", damaged)
            return
        if not goal.exists():
            self._copy(path, goal)
            self.counts["timing"] += 1
        elif goal.read_bytes() != path.read_bytes():
            self.told.append(f"timing {name}: that of {self.into.root}/ stays; seconds are those of one machine")

    def _study(self, study: str) -> None:
        """Its plan where there is none, and what was stated and looked at."""
        source, goal = self.source.study(study), self.into.study(study)
        if (source / "plan.json").is_file() and not (goal / "plan.json").exists():
            self._copy(source / "plan.json", goal / "plan.json")
            self.counts["plan"] += 1
        if not (source / "history.json").is_file():
            return
        theirs, mine = History.at(source / "history.json"), History.at(goal / "history.json")
        before = json.dumps([mine.claims, mine.looks, mine.declared])
        mine.take_in(theirs)
        if json.dumps([mine.claims, mine.looks, mine.declared]) != before:
            self.writes.append(mine.write)
            self.counts["history file"] += 1


def merge(into: Store, source: Store) -> tuple[list[str], bool]:
    """Take what ``source`` has and ``into`` lacks. Returns lines that say what was done, and whether all was taken.

    Raises Refused, before anything is written, where both have the same run with other numbers.
    """
    if into.root.exists() and source.root.samefile(into.root):
        raise Refused([f"{source.root}: is the store itself; give others, and by --results where they are merged"])
    found = Merge(into, source)
    if found.conflicts:
        more = len(found.conflicts) - SHOWN
        lines = [*found.conflicts[:SHOWN], *[f"and {more} more"] * (more > 0)]
        words = "the same runs have other numbers there; nothing of it was merged. Here and there:"
        raise Refused([f"{source.root}/: {words}", *(f"  {line}" for line in lines)])
    for write in found.writes:
        write()
    done = ", ".join(counted(count, noun) for noun, count in found.counts.items() if count) or "nothing new"
    return [f"{source.root}/: {done}", *(f"  {line}" for line in (*found.left, *found.told))], not found.left


def _names(folder: Path) -> list[str]:
    """Of the folders in it."""
    return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()) if folder.is_dir() else []


def _version(store: Store, arm: str) -> int:
    """What training meant when the arm was named: this version where it is not said."""
    try:
        return int(read_note(store.recipe(arm))["recipe_version"])
    except (OSError, ValueError, KeyError, TypeError):
        return RECIPE

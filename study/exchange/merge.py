"""The results of several machines in one store.

A run that two stores have must have the same numbers in both, and is kept once. Runs of one arm that were made on
different devices, or with different versions of torch, are not put together: a paired difference between two arms would
have another meaning from seed to seed. What training meant in another recipe version has other ids, and stays apart by
them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from study.axes.recipe import RECIPE
from study.errors import Damaged, Refused
from study.exchange.holdings import Row, intact, runs_of, spans
from study.plan.history import History
from study.store.equality import Run, difference
from study.store.failures import failed_blocks, lacks
from study.store.files import replacing
from study.store.layout import Block, Store, owned
from study.store.notes import read_note
from study.store.seal import of_timing
from study.wording import counted

SHOWN = 20  # conflicts that are listed
SOUGHT = ("settings", "seed")  # what a trial of a search is known by


def made_with(row: Mapping[str, Any]) -> tuple[str, str]:
    """Device and version of torch, without its build: what the runs of one arm must share."""
    return str(row.get("device")), str(row.get("torch_version")).partition("+")[0]


def _said(ways: Iterable[tuple[str, str]]) -> str:
    return " and ".join(f"{device}, PyTorch {version}" for device, version in sorted(ways))


class Taken(NamedTuple):
    """What is to be done for one source. ``writes``: in this order, once all is known to fit."""

    writes: list[Callable[[], object]]
    counts: dict[str, int]
    conflicts: list[str]
    left: list[str]  # records that are not taken, and why
    told: list[str]


def merge(into: Store, source: Store) -> tuple[list[str], bool]:
    """Take what ``source`` has and ``into`` lacks. Returns lines that say what was done, and whether all was taken.

    Raises Refused, before anything is written, where both have the same run with other numbers.
    """
    if into.root.exists() and source.root.samefile(into.root):
        raise Refused([f"{source.root}: is the store itself; give others, and by --results where they are merged"])
    taken = Taken([], {}, [], [], [])
    for arm in _names(source.root / "arms"):
        _arm(arm, into, source, taken)
    for path in sorted((source.root / "searches").glob("*.parquet")):
        _search(path, into, source, taken)
    for path in sorted((source.root / "timing").glob("*.parquet")):
        _timing(path, into, source, taken)
    for study in _names(source.root / "studies"):
        _study(study, into, source, taken)
    if taken.conflicts:
        more = len(taken.conflicts) - SHOWN
        lines = [*taken.conflicts[:SHOWN], *[f"and {more} more"] * (more > 0)]
        words = "the same runs have other numbers there; nothing of it was merged. Here and there:"
        raise Refused([f"{source.root}/: {words}", *(f"  {line}" for line in lines)])
    for write in taken.writes:
        write()
    done = ", ".join(counted(count, noun) for noun, count in taken.counts.items()) or "nothing new"
    return [f"{source.root}/: {done}", *(f"  {line}" for line in (*taken.left, *taken.told))], not taken.left


def _names(folder: Path) -> list[str]:
    """Of the folders in it."""
    return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()) if folder.is_dir() else []


def _add(taken: Taken, noun: str, count: int = 1) -> None:
    taken.counts[noun] = taken.counts.get(noun, 0) + count


def _arm(arm: str, into: Store, source: Store, taken: Taken) -> None:
    """The blocks that add seeds; the recipe; why others failed that neither has."""
    present = dict[Block, dict[int, Run]]()
    for block in into.present([arm])[arm]:
        try:
            present[block] = runs_of(into, arm, block)
        except Damaged as damaged:
            taken.told.append(f"arm {arm}, {block.words}: {damaged}; they count as missing")
    blocks = source.blocks(arm)
    there: dict[int, Run] = {}
    wanted = 1 + max((block.last for block in (*present, *blocks)), default=-1)
    for block, seeds in owned(present, wanted):
        there |= {seed: present[block][seed] for seed in seeds if seed in present[block]}
    ways = {made_with(run.row) for run in there.values()}
    version = _version(source if source.recipe(arm).exists() else into, arm)
    for block in blocks:
        try:
            runs = runs_of(source, arm, block)
        except Damaged as damaged:
            taken.left.append(f"arm {arm}, {block.words}: not taken: {damaged.path.name} {damaged.why}")
            continue
        if others := {run.row["recipe_version"] for run in runs.values()} - {version}:
            words = f"of recipe version {', '.join(map(str, others))}, the arm of {version}"
            taken.left.append(f"arm {arm}, {block.words}: not taken: {words}")
            continue
        known = [seed for seed in runs if seed in there]
        for seed in known:
            if found := difference(there[seed], runs[seed]):
                ways_of_both = dict.fromkeys(_said({made_with(each[seed].row)}) for each in (there, runs))
                taken.conflicts.append(f"arm {arm}, seed {seed}, {found} ({'; '.join(ways_of_both)})")
        new = sorted(seed for seed in runs if seed not in there)
        if not new:
            continue
        mine = {made_with(run.row) for run in runs.values()}
        if ways and not mine <= ways:
            words = f"not taken: made on {_said(mine)}, the seeds that are there on {_said(ways)}"
            taken.left.append(f"arm {arm}, seeds {spans(new)}: {words}")
            continue
        ways |= mine
        there |= {seed: runs[seed] for seed in new}
        taken.writes.append(_copying(source.curves(arm, block), into.curves(arm, block)))
        taken.writes.append(_copying(source.runs(arm, block), into.runs(arm, block)))  # which marks it as complete
        _add(taken, "run", len(new))
    if source.recipe(arm).exists() and not into.recipe(arm).exists():
        taken.writes.append(_copying(source.recipe(arm), into.recipe(arm)))
    for path, block in failed_blocks(source, arm):
        if lacks([*present, *blocks], block) and not into.failed(arm, block).exists():
            taken.writes.append(_copying(path, into.failed(arm, block)))


def _version(store: Store, arm: str) -> int:
    """What training meant when the arm was named: this version where it is not said."""
    try:
        return int(read_note(store.recipe(arm))["recipe_version"])
    except (OSError, ValueError, KeyError, TypeError):
        return RECIPE


def _copying(source: Path, goal: Path) -> Callable[[], object]:
    def copy() -> None:
        with replacing(goal) as beside:
            shutil.copyfile(source, beside)

    return copy


def _search(path: Path, into: Store, source: Store, taken: Taken) -> None:
    """The trials of both: each candidate and tuning seed once."""
    from study.exchange.trials import read_trials, united, write_trials

    name = path.stem
    goal = into.search(name)
    try:
        there = read_trials(path, name)
    except Damaged as damaged:
        taken.left.append(f"search {name}: not taken: {path.name} {damaged.why}")
        return
    here = None
    if goal.exists():
        try:
            here = read_trials(goal, name)
        except Damaged as damaged:
            taken.told.append(f"search {name}: {damaged}; it is replaced")
    if here is None:
        taken.writes.append(_copying(path, goal))
        _add(taken, "search")
        return
    theirs = {tuple(str(row[key]) for key in SOUGHT): row for row in there.rows}
    for row in here.rows:
        other = theirs.get(tuple(str(row[key]) for key in SOUGHT))
        same: Row = {"selections": None, "candidate": None}
        if other and (found := difference(Run({**row, **same}, []), Run({**other, **same}, []))):
            taken.conflicts.append(f"search {name}, {row['settings']}, tuning seed {row['seed']}, {found}")
    both = united(here, there)
    if both is None:
        return
    ways = [{made_with(row) for row in part.rows} for part in (here, there)]
    if not ways[1] <= ways[0]:
        words = f"not taken: made on {_said(ways[1])}, those that are there on {_said(ways[0])}"
        taken.left.append(f"search {name}: further trials {words}")
        return
    taken.writes.append(lambda: write_trials(both, goal, name))
    _add(taken, "extended search")


def _timing(path: Path, into: Store, source: Store, taken: Taken) -> None:
    """That of one machine: seconds of two are never put together."""
    goal = into.timing(path.stem)
    try:
        intact(path, of_timing(path.stem))
    except Damaged as damaged:
        taken.left.append(f"timing {path.stem}: not taken: {path.name} {damaged.why}")
        return
    if not goal.exists():
        taken.writes.append(_copying(path, goal))
        _add(taken, "timing")
    elif goal.read_bytes() != path.read_bytes():
        taken.told.append(f"timing {path.stem}: that of {into.root}/ stays; seconds are those of one machine")


def _study(study: str, into: Store, source: Store, taken: Taken) -> None:
    """Its plan where there is none, and what was stated and looked at."""
    plan = source.study(study) / "plan.json"
    if plan.is_file() and not (into.study(study) / plan.name).exists():
        taken.writes.append(_copying(plan, into.study(study) / plan.name))
        _add(taken, "plan")
    path = source.study(study) / "history.json"
    if not path.is_file():
        return
    theirs, mine = History.at(path), History.at(into.study(study) / "history.json")
    before = json.dumps([mine.claims, mine.looks, mine.declared])
    mine.take_in(theirs)
    if json.dumps([mine.claims, mine.looks, mine.declared]) != before:
        taken.writes.append(mine.write)
        _add(taken, "history file")


def merge_all(into: Store, sources: Sequence[Store]) -> Iterator[tuple[list[str], bool]]:
    """One after another: each is merged whole, or not at all."""
    for source in sources:
        yield merge(into, source)

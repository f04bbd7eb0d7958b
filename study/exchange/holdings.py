"""What a store has of one arm: files, how its runs ended, where and with what they were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from study.errors import Damaged
from study.exchange.arms import KnownArm
from study.exchange.differences import tuning, written
from study.plan.plan import Plan
from study.plan.search import Search
from study.plan.trials import Trials, settings_text
from study.store.equality import Run
from study.store.failures import failures
from study.store.layout import Block, Store, missing
from study.store.seal import check, read_table
from study.store.searches import Row, tuning_runs
from study.wording import counted

# The columns of a run that say where and with what it was made, by the words for them.
PROVENANCE = {
    "device": "device",
    "processor": "processor",
    "instructions": "instructions",
    "threads": "threads",
    "cores": "cores",
    "BLAS": "blas",
    "driver": "driver",
    "torch": "torch_version",
    "Python": "python_version",
    "host": "host",
    "commit": "commit",
    "recipe version": "recipe_version",
}


def read_rows(path: Path) -> list[Row]:
    """The rows of a Parquet file of records, of this recipe version or an older one. Raises Damaged where it is not
    what was written there.
    """
    check(path, older=True)
    found: list[Row] = read_table(path).to_pylist()
    return found


def provenance(row: Mapping[str, Any]) -> dict[str, Any]:
    """Where and with what a run was made, by the words for it; None where that is not known."""
    return {word: row.get(column) for word, column in PROVENANCE.items()}


def runs_of(store: Store, arm: str, block: Block) -> dict[int, Run]:
    """The runs of a block, by seed."""
    curves: dict[int, list[Row]] = {}
    for row in read_rows(store.curves(arm, block)):
        curves.setdefault(row["seed"], []).append(row)
    rows = read_rows(store.runs(arm, block))
    return {row["seed"]: Run(row, curves.get(row["seed"], [])) for row in rows}


def held(store: Store, arm: str) -> tuple[dict[Block, dict[int, Run]], dict[Block, Damaged]]:
    """The runs of an arm, by block and seed; and the blocks of which a file is not what was written there."""
    found, damaged = dict[Block, dict[int, Run]](), dict[Block, Damaged]()
    for block in store.present([arm])[arm]:
        try:
            found[block] = runs_of(store, arm, block)
        except Damaged as wrong:
            damaged[block] = wrong
    return found, damaged


def described(one: KnownArm, store: Store, studies: Sequence[Plan]) -> Iterator[str]:
    """An arm: what it is, what there is of it, and how that was made; a line for each."""
    arm = one.arm
    yield f"arm {one.id}"
    for place in one.places:
        yield f"  compared as {place}"
    yield "recipe"
    for axis, value in [*written(arm), *tuning(arm)]:
        yield f"  {axis:15} {value}"
    blocks, lost = held(store, one.id)
    damaged = [*lost.values()]
    wanted = max((plan.seeds.get(one.id, 0) for plan in studies), default=0)
    seeds = range(max([wanted, *(block.last + 1 for block in blocks)]))
    searches = arm.searches(seeds)
    tuned: list[Row] = []
    for search in searches:
        path, trials = store.search(search.id), Trials(search)
        try:
            if path.exists():
                check(path, older=True)
                trials = Trials.read(search, store)
        except Damaged as found:
            damaged.append(found)
        tuned += [row for trial in trials.tried for row in trial.rows]
        chosen = trials.chosen(arm.selection) if arm.selection and arm.selection.name in trials.done else None
        edge = ", on the edge of its grid" if chosen and chosen.undertuned else ""
        of = f"seed {search.run_seed}: " if search.by_seed else ""
        yield f"  {'tuned to':15} {of}{settings_text(chosen.settings) + edge if chosen else 'nothing yet'}"
    yield "files"
    broken = {each.path for each in damaged}
    yield from _files(one, store, blocks, [search for search in searches if store.search(search.id) not in broken])
    for each in damaged:
        yield f"  {each}; it counts as missing"
    for gap in missing(blocks, wanted):
        yield f"  seeds {gap} are missing"
    for failure in failures(store, one.id, arm.waiting(seeds)):
        yield f"  {failure}"
    yield from _made("seeds", [run.row for runs in blocks.values() for run in runs.values()])
    yield from _made("tuning seeds", tuned)


def _files(
    one: KnownArm, store: Store, blocks: Mapping[Block, Mapping[int, Run]], searches: Sequence[Search]
) -> Iterator[str]:
    """Each with what is in it."""
    if store.recipe(one.id).exists():
        yield f"  {store.recipe(one.id)}"
    for search in searches:
        path = store.search(search.id)
        there = counted(tuning_runs(store, search.id), "run") if path.exists() else ""
        yield f"  {path}: {there + ' of tuning seeds' if there else 'is not there yet'}"
    for block, runs in blocks.items():
        ends = Counter(run.row["status"] for run in runs.values())
        counts = ", ".join(f"{count} {status}" for status, count in sorted(ends.items(), reverse=True))
        yield f"  {store.runs(one.id, block)}: {counts}"
        yield f"  {store.curves(one.id, block)}"
    dataset = store.dataset(one.arm.dataset_id)
    if one.arm.dataset_id and dataset.exists():
        yield f"  {dataset}"


def _made(what: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Where and with what, a paragraph for each way; runs that were made alike stand together. ``what`` has a seed."""
    ways: dict[tuple[tuple[str, str], ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        way = tuple((word, str(value)) for word, value in provenance(row).items() if value is not None)
        ways.setdefault(way, []).append(row)
    for way, alike in ways.items():
        seeds = sorted({row["seed"] for row in alike})
        began = sorted(str(row["started_at"]) for row in alike if row.get("started_at"))
        yield f"made: {what} {spans(seeds)}"
        for word, value in way:
            yield f"  {word:15} {value}"
        if began:
            yield f"  {'begun':15} {began[0]}" + f" to {began[-1]}" * (began[0] != began[-1])
        packs = sorted({str(row["pack"]) for row in alike if row.get("pack")})
        if packs:
            yield f"  {'packs':15} {', '.join(packs)}"


def spans(numbers: Sequence[int]) -> str:
    """``0-3, 7``: rising numbers as ranges."""
    parts = groupby(enumerate(numbers), key=lambda place: place[1] - place[0])  # the same as long as they follow
    blocks = [[number for _, number in part] for _, part in parts]
    return ", ".join(Block(block[0], block[-1]).numbers for block in blocks)

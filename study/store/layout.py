"""Where results are: paths, blocks of seeds, and what is there already."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from study.axes.base import digest
from study.axes.recipe import RECIPE
from study.wording import plural

DEFAULT_RESULTS = "results"  # the store, where nobody names another
TABLES = ("runs", "curves", "timing", "tuning", "observations", "summary", "claims")  # of a study
NAMED = re.compile(r"[a-z]+-(\d+-\d+)\.(?:parquet|json)")  # a file of a block


class Block(NamedTuple):
    """Seeds ``first`` … ``last``, both included."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> Block:
        first, _, last = text.partition("-")
        return cls(int(first), int(last))

    @classmethod
    def of(cls, name: str) -> Block | None:
        """That of a file, by its name, such as ``runs-0-2.parquet``; None where it is of none."""
        found = NAMED.fullmatch(name)
        return cls.parse(found[1]) if found else None

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    @property
    def numbers(self) -> str:
        """For people: ``1``, ``2-4``."""
        return str(self) if self.last > self.first else str(self.first)

    @property
    def words(self) -> str:
        """For people: ``seed 1``, ``seeds 2-4``."""
        return f"{plural(len(self.seeds), 'seed')} {self.numbers}"

    @property
    def seeds(self) -> range:
        return range(self.first, self.last + 1)


def words_of(blocks: Sequence[Block]) -> str:
    """For people: ``seed 1``, ``seeds 0-2, 4``."""
    return blocks[0].words if len(blocks) == 1 else f"seeds {', '.join(block.numbers for block in blocks)}"


def owned(present: Iterable[Block], wanted: int) -> list[tuple[Block, range]]:
    """Which seeds under ``wanted`` each present block answers for: of overlapping blocks the earlier-starting."""
    shares, free = [], 0
    for block in sorted(present):
        seeds = range(max(block.first, free), min(block.last + 1, wanted))
        if seeds:
            shares.append((block, seeds))
        free = max(free, block.last + 1)
    return shares


def missing(present: Iterable[Block], wanted: int) -> list[Block]:
    """The maximal ranges of seeds under ``wanted`` that no present block covers."""
    gaps, free = [], 0
    for block in [*sorted(present), Block(wanted, wanted)]:
        if free < min(block.first, wanted):
            gaps.append(Block(free, min(block.first, wanted) - 1))
        free = max(free, block.last + 1)
    return gaps


def owner(path: Path) -> dict[str, str | int]:
    """Whose a Parquet file of a store is, by its place: which table, of which arm and seeds, search or study."""
    above, folder, name = path.parent.parent.name, path.parent.name, path.stem
    if above == "studies" and name in TABLES:
        return {"table": name, "study": folder}
    if above == "arms" and (block := Block.of(path.name)):
        return {"table": name.partition("-")[0], "arm": folder, "seeds": str(block), "recipe_version": RECIPE}
    kind = {"searches": "search", "timing": "timing"}[folder]
    return {"table": kind, kind: name, "recipe_version": RECIPE}


class Store:
    """A results folder. ``unusable``: files of records in it that count as missing, since they are damaged."""

    def __init__(self, root: str | Path, unusable: Collection[Path] = ()) -> None:
        self.root, self.unusable = Path(root), unusable

    def dataset(self, dataset_id: str) -> Path:
        return self.root / "datasets" / f"{dataset_id}.npz"

    def arm(self, arm: str) -> Path:
        return self.root / "arms" / arm

    def recipe(self, arm: str) -> Path:
        return self.arm(arm) / "recipe.json"

    def search(self, search: str) -> Path:
        return self.root / "searches" / f"{search}.parquet"

    def runs(self, arm: str, block: Block) -> Path:
        return self.arm(arm) / f"runs-{block}.parquet"

    def curves(self, arm: str, block: Block) -> Path:
        return self.arm(arm) / f"curves-{block}.parquet"

    def failed(self, arm: str, block: Block) -> Path:
        return self.arm(arm) / f"failed-{block}.json"

    def started(self, arm: str, block: Block) -> Path:
        return self.arm(arm) / f"started-{block}.json"

    def failed_search(self, search: str) -> Path:
        return self.root / "searches" / f"failed-{search}.json"

    def started_search(self, search: str) -> Path:
        return self.root / "searches" / f"started-{search}.json"

    @property
    def checkpoints(self) -> Path:
        """Of packs in hand; whatever else is in its next pack, a slice goes on from its own."""
        return self.root / "checkpoints"

    def scripts(self, unit: str) -> Path:
        """Of runs of scripts in hand, by the name of what they are made for: a folder for each."""
        return self.checkpoints / f"script-{digest(unit)}"

    def dry(self, dry: str) -> Path:
        """How what is of a person's own is computed, as it was tried before any job."""
        return self.root / "jobs" / f"{dry}.dry.json"

    def job(self, job: str) -> Path:
        """What a job is to do."""
        return self.root / "jobs" / f"{job}.json"

    def receipt(self, job: str) -> Path:
        """What it made, when and where."""
        return self.root / "jobs" / f"{job}.done"

    def receipts(self) -> list[Path]:
        """Of all jobs that were done."""
        return sorted((self.root / "jobs").glob("*.done"))

    def log(self, verb: str, name: str) -> Path:
        return self.root / "logs" / verb / f"{name}.log"

    def timing(self, timing_id: str) -> Path:
        return self.root / "timing" / f"{timing_id}.parquet"

    def failed_timing(self, timing_id: str) -> Path:
        return self.root / "timing" / f"{timing_id}.failed.json"

    def study(self, study: str) -> Path:
        return self.root / "studies" / study

    def tables(self, study: str) -> list[Path]:
        """All else that is drawn is drawn from them."""
        return [self.study(study) / f"{name}.parquet" for name in TABLES]

    def sums(self, study: str) -> Path:
        """What was read of the records of a study."""
        return self.root / "studies" / f".{study}.sums.json"

    def drawn(self, study: str) -> Path:
        """What was drawn: what each table and figure shows, and sums of their files and of the page."""
        return self.root / "studies" / f".{study}.drawn.json"

    def present(self, arms: Iterable[str]) -> dict[str, list[Block]]:
        """The complete blocks of each arm. A block is complete when its runs and its curves are there."""
        folder = self.root / "arms"
        there = set(os.listdir(folder)) if folder.is_dir() else set()
        return {arm: self.blocks(arm) if arm in there else [] for arm in arms}

    def blocks(self, arm: str) -> list[Block]:
        """The complete blocks of an arm that has a folder."""
        names = {*os.listdir(os.path.join(self.root, "arms", arm))}
        if self.unusable:
            folder = self.arm(arm)
            names -= {path.name for path in self.unusable if path.parent == folder}
        blocks = filter(None, (Block.of(name) for name in names if name.startswith("runs-")))
        return sorted(block for block in blocks if f"curves-{block}.parquet" in names)

"""What is missing, cut into jobs: what one process does on the devices it leases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from math import ceil
from pathlib import Path

from study.axes.base import Frozen, digest
from study.axes.recipe import Recipe
from study.errors import Damaged
from study.plan.arm import Arm
from study.plan.cost import Speeds, Work, final, training_rows, tuning
from study.plan.limits import HERE, Limits
from study.plan.plan import Plan
from study.plan.search import Search, Selection
from study.store.layout import Block, Store
from study.store.notes import note_text, write_note
from study.store.searches import selections

MINUTES = 30  # that a job takes, at most, where nobody says otherwise
SHORTEST_HERE, SHORTEST_THERE = 5.0, 60.0  # seconds that a job takes at least, where there is more to do; on a cluster
SLACK = 0.1  # of the longest job: by how much one may be longer, and others shorter
MOST = 2**31  # seeds
FEWEST_STACKED = 4  # seeds of an arm that are trained together, where others of it are in another job


class SearchUnit(Frozen):
    """A search, and the selections that it is to be extended for."""

    search: Search
    selections: tuple[Selection, ...]

    @property
    def name(self) -> str:
        return f"search {self.search.id}"

    def marks(self, store: Store) -> tuple[Path, Path]:
        """Where its start is noted, and its failure."""
        return store.started_search(self.search.id), store.failed_search(self.search.id)


class BlockUnit(Frozen):
    """A block of seeds of an arm."""

    arm: Arm
    block: Block

    @property
    def name(self) -> str:
        return f"{self.arm.id}, {self.block.words}"

    def marks(self, store: Store) -> tuple[Path, Path]:
        """Where its start is noted, and its failure."""
        return store.started(self.arm.id, self.block), store.failed(self.arm.id, self.block)


class Job(Frozen):
    """Searches, then blocks of seeds: some of them may take their settings from these searches."""

    searches: tuple[SearchUnit, ...] = ()
    blocks: tuple[BlockUnit, ...] = ()
    folder: str = "."  # of the study file: what a person's own code is imported from
    minutes: float | None = None  # that it should take: one that takes twice as long ends, and is tried again

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
        """The ids of the prepared datasets that it reads."""
        recipes = [unit.search.first_recipe for unit in self.searches]
        recipes += [unit.arm.outline for unit in self.blocks]
        return {recipe.dataset_id for recipe in recipes if not recipe.trainer.free}

    @property
    def kind(self) -> str:
        """That of the first recipe, as far as it is known."""
        return self.searches[0].search.first_recipe.kind if self.searches else self.blocks[0].arm.outline.kind

    @classmethod
    def load(cls, path: Path) -> Job:
        """Raises Damaged where it is not the job that its name says."""
        try:
            found = cls.model_validate_json(note_text(path))
        except ValueError:
            found = None
        if found is None or found.id != path.stem:
            raise Damaged(path, "is damaged; run the study again, which writes it")
        return found

    def write(self, store: Store) -> None:
        """Say what is to be done, and take away a receipt of a time when it was done: something is missing again."""
        write_note(store.job(self.id), self.model_dump_json(indent=1))
        store.receipt(self.id).unlink(missing_ok=True)


def jobs(plan: Plan, store: Store, limits: Limits = HERE, minutes: float = MINUTES) -> list[Job]:
    """The searches and blocks of seeds of ``plan`` that ``store`` does not have, those of the most devices first.

    As many jobs as keep every device busy, none much longer than ``minutes`` by what is known of its cost. A job has
    a search with all arms that take their settings from it, and runs of one kind are together, so that they stack;
    what takes several devices for less than the shortest job stands with what takes more of them. A search is needed
    by its arms also where all their runs are there: what is said of them rests on it.
    """
    gaps = plan.missing(store)
    groups: dict[str, list[Arm]] = {}
    for name, arm in plan.arms.items():
        if name in gaps or arm.search:
            groups.setdefault(arm.search.id if arm.search else name, []).append(arm)
    parts = [part for arms in groups.values() if (part := _part(arms, gaps, plan.seeds, store)).searches or part.blocks]
    if not parts:
        return []
    costs = Costs(plan, store)
    costed = [(part, costs.seconds(part)) for part in parts]
    shortest = SHORTEST_THERE if limits.cluster else SHORTEST_HERE
    total = sum(part.gpus * seconds for part, seconds in costed)
    wanted = min(max(total / limits.at_once, shortest), 60 * minutes)
    made, kinds = list[Job](), {kind: i for i, kind in enumerate(dict.fromkeys(part.kind for part in parts))}
    for together in _by_devices(costed, shortest):
        mine = sorted(together, key=lambda each: (-each[0].gpus, kinds[each[0].kind]))
        pieces = [piece for part, seconds in mine for piece in _split(part, seconds, wanted)]
        seconds = sum(seconds for _, seconds in pieces)
        number = max(round(seconds / wanted), ceil(seconds / (60 * minutes) - SLACK), 1)
        made += _fill(pieces, number)
    about = {"folder": plan.folder, "minutes": minutes if limits.cluster else None}
    return [job.model_copy(update=about) for job in made]


def _by_devices(costed: Sequence[tuple[Job, float]], shortest: float) -> list[list[tuple[Job, float]]]:
    """``costed`` by the devices that they take, the most first; those of several that are short with those before."""
    found: list[list[tuple[Job, float]]] = []
    for gpus in sorted({part.gpus for part, _ in costed}, reverse=True):
        mine = [(part, seconds) for part, seconds in costed if part.gpus == gpus]
        known = all(seconds for _, seconds in mine)
        if found and gpus > 1 and known and sum(seconds for _, seconds in mine) < shortest:
            found[-1] += mine
        else:
            found.append(mine)
    return found


def _part(arms: Sequence[Arm], gaps: Mapping[str, Sequence[Block]], seeds: Mapping[str, int], store: Store) -> Job:
    """What is missing of one arm, or of ``arms`` of one search, and the selections that it was not extended for.

    ``seeds``: how many runs there are to be of each arm.
    """
    wanted: dict[str, SearchUnit] = {}
    for arm in arms:
        for search in arm.searches(range(seeds[arm.id])):
            if arm.selection and arm.selection.name not in selections(store, search.id):
                before = wanted[search.id].selections if search.id in wanted else ()
                wanted[search.id] = SearchUnit(search=search, selections=(*before, arm.selection))
    blocks = (
        BlockUnit(arm=arm, block=block) for arm in arms for gap in gaps.get(arm.id, ()) for block in _parts(arm, gap)
    )
    return Job(searches=tuple(wanted.values()), blocks=tuple(blocks))


def _parts(arm: Arm, gap: Block) -> list[Block]:
    """The blocks that missing seeds are trained in: each by itself where a script may fail for one of them."""
    return [Block(seed, seed) for seed in gap.seeds] if arm.outline.trainer.free else [gap]


class Costs:
    """What units take, as far as that is known before anything runs."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.rows = training_rows(plan, store)
        self.speeds = Speeds(store)

    def works(self, part: Job) -> Iterator[tuple[Recipe, Work]]:
        """What each unit does, with the recipe, or one of those that its search may choose."""
        for unit in part.searches:
            recipe = unit.search.first_recipe
            yield recipe, tuning(unit.search, len(unit.selections), self.rows.get(recipe.dataset_id))
        for block in part.blocks:
            yield block.arm.outline, final(block.arm, len(block.block.seeds), self.rows.get(block.arm.dataset_id))

    def seconds(self, part: Job) -> float:
        return sum(self.speeds.seconds(*each) for each in self.works(part))


def _split(part: Job, seconds: float, wanted: float) -> list[tuple[Job, float]]:
    """``part`` in pieces of some seeds, with their seconds, where it is longer than a job should be.

    What waits for one search stays together.
    """
    if seconds <= wanted or any(unit.search.run_seed is None for unit in part.searches):
        return [(part, seconds)]
    seeds = {seed for unit in part.blocks for seed in unit.block.seeds}
    ordered = sorted(seeds.union(unit.search.run_seed or 0 for unit in part.searches))
    stacked = not part.searches and part.blocks[0].arm.outline.stacked
    number = max(1, min(ceil(seconds / wanted), len(ordered) // (FEWEST_STACKED if stacked else 1)))
    firsts = [ordered[len(ordered) * i // number] for i in range(number)]
    pieces = []
    for first, end in pairwise([*firsts, MOST]):
        cut = ((unit.arm, max(unit.block.first, first), min(unit.block.last, end - 1)) for unit in part.blocks)
        pieces.append(
            Job(
                searches=tuple(unit for unit in part.searches if first <= (unit.search.run_seed or 0) < end),
                blocks=tuple(BlockUnit(arm=arm, block=Block(a, b)) for arm, a, b in cut if a <= b),
            )
        )
    return [(piece, seconds / number) for piece in pieces]


def _fill(pieces: Sequence[tuple[Job, float]], number: int) -> list[Job]:
    """``pieces``, with their seconds, in their order, put together to so many jobs, all of them about as long.

    Single pieces of the longest job then go to the shortest, while their lengths are far apart.
    """
    ends = list(accumulate(seconds for _, seconds in pieces))
    places: dict[int, list[tuple[Job, float]]] = {}
    for (piece, seconds), end in zip(pieces, ends, strict=True):
        place = int((end - seconds / 2) / ends[-1] * number) if ends[-1] else 0
        places.setdefault(place, []).append((piece, seconds))
    length = {place: sum(seconds for _, seconds in mine) for place, mine in places.items()}
    for _ in pieces:
        longest, shortest = max(length, key=length.__getitem__), min(length, key=length.__getitem__)
        gap = length[longest] - length[shortest]
        moved = min(places[longest], key=lambda piece: abs(piece[1] - gap / 2))
        if gap <= SLACK * length[longest] or not 0 < moved[1] < gap:
            break
        places[longest].remove(moved)
        places[shortest].append(moved)
        length[longest] -= moved[1]
        length[shortest] += moved[1]
    return [
        Job(
            searches=tuple(unit for piece, _ in mine for unit in piece.searches),
            blocks=tuple(unit for piece, _ in mine for unit in piece.blocks),
        )
        for mine in places.values()
    ]

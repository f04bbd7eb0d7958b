"""Records that are not what was written: they are set aside, and what they held is missing until it is made again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from study.errors import Damaged, Unreadable
from study.plan.history import memory
from study.plan.plan import Plan
from study.store.checksums import Sums
from study.store.layout import Block, Store
from study.store.notes import read_note
from study.store.seal import (
    ASIDE,
    Whose,
    check,
    check_archive,
    of_curves,
    of_runs,
    of_search,
    of_study,
    of_timing,
    set_aside,
)

TABLES = ("runs", "curves", "timing", "tuning", "observations", "summary", "claims")  # of a study


def records(plan: Plan, store: Store) -> Iterator[tuple[Path, Whose]]:
    """The files of records that are there for a plan, and whose each is."""
    for arm, blocks in store.present(plan.arms).items():
        for block in blocks:
            yield store.curves(arm, block), of_curves(arm, block)
            yield store.runs(arm, block), of_runs(arm, block)
    others = [(store.search(search), of_search(search)) for search in plan.searches]
    others += [(store.timing(plan.timing.id), of_timing(plan.timing.id))] if plan.timing else []
    yield from ((path, whose) for path, whose in others if path.exists())


def tables(plan: Plan, store: Store) -> Iterator[tuple[Path, Whose]]:
    """The tables of a study that are there, and whose each is."""
    for name in TABLES:
        if (path := store.study(plan.study) / f"{name}.parquet").exists():
            yield path, of_study(plan.study, name)


def check_recipe(path: Path, arm: str) -> None:
    """Raises Damaged where a recipe is not what was written there, or another arm's."""
    named = read_note(path).get("arm")
    if named != arm:
        raise Damaged(path, f"is not its own: it is that of arm {named}")


def inspect(plan: Plan, store: Store, sums: Sums | None = None) -> list[str]:
    """Set aside the records, and tables, of a plan that are damaged, or another's; a line for each.

    ``sums``: where it is remembered which were read, so that these are not read again. Raises Damaged where one cannot
    be set aside.
    """
    return _set_aside(_checks(plan, store), sums)


def inspect_datasets(paths: Iterable[Path], sums: Sums) -> list[str]:
    """The same of prepared datasets, before jobs read them."""
    return _set_aside({path: partial(check_archive, path) for path in paths}, sums)


def _checks(plan: Plan, store: Store) -> dict[Path, Callable[[], object]]:
    """By file: what raises Damaged where it is not what was written there."""
    checks: dict[Path, Callable[[], object]] = {
        path: partial(check, path, whose) for path, whose in [*records(plan, store), *tables(plan, store)]
    }
    trained = (arm for arm, blocks in store.present(plan.arms).items() if blocks)
    return checks | {store.recipe(arm): partial(check_recipe, store.recipe(arm), arm) for arm in trained}


def _damaged(checks: Mapping[Path, Callable[[], object]], sums: Sums | None) -> Iterator[Damaged]:
    for path, check_one in checks.items():
        try:
            if sums and sums.knows(path):
                continue
            check_one()
            if sums:
                sums.sum(path)
        except Damaged as found:
            yield found
        except FileNotFoundError:
            continue  # somebody has just replaced it; or a dataset that is not prepared yet


def _set_aside(checks: Mapping[Path, Callable[[], object]], sums: Sums | None) -> list[str]:
    found = [str(set_aside(each)) for each in _damaged(checks, sums)]
    if sums:
        sums.keep()
    return found


def without_damaged(plan: Plan, store: Store) -> tuple[Store, list[str]]:
    """The store without the damaged records of a plan, for verbs that only look; and a line for each of them."""
    found = [*_damaged(_checks(plan, store), memory(plan, store))]
    again = ", and the next run of the study makes it again"
    lines = [f"{each}; it counts as missing{'' if isinstance(each, Unreadable) else again}" for each in found]
    return Store(store.root, {each.path for each in found}), lines


class Lost(NamedTuple):
    """What was set aside, ``aside``, and not made again since. ``arm``, ``seeds``: of runs; else of none."""

    aside: Path
    arm: str = ""
    seeds: range = range(0)

    @property
    def reason(self) -> str:
        return f"its records were damaged: {self.aside.name}"


def lost(plan: Plan, store: Store) -> list[Lost]:
    """The records of a plan that were set aside, and were not made again since."""
    found = []
    for arm, gaps in plan.missing(store).items():
        for path in sorted(store.arm(arm).glob(f"*-*.parquet{ASIDE}")):
            block = Block.of(path.stem)
            if block and any(gap.first <= block.last and block.first <= gap.last for gap in gaps):
                found.append(Lost(path, arm, block.seeds))
    others = [store.search(search) for search in plan.searches]
    others += [store.timing(plan.timing.id)] if plan.timing else []
    aside = [path.with_name(path.name + ASIDE) for path in others if not path.exists()]
    return [*found, *(Lost(path) for path in aside if path.exists())]

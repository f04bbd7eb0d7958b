"""Records that are not there, and why: their last attempt failed; or they were not what was written, and set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from study.errors import Damaged, Unreadable
from study.plan.plan import Plan
from study.store.checksums import Sums
from study.store.failures import Failure, failures, reason_of
from study.store.layout import Block, Store
from study.store.notes import read_note
from study.store.seal import ASIDE, check, check_archive, set_aside


def records(plan: Plan, store: Store) -> list[Path]:
    """The files of records that are there for a plan."""
    blocks = [(arm, block) for arm, blocks in store.present(plan.arms).items() for block in blocks]
    found = [path(arm, block) for arm, block in blocks for path in (store.curves, store.runs)]
    return [*found, *(path for path in _shared(plan, store) if path.exists())]


def _shared(plan: Plan, store: Store) -> list[Path]:
    """Those of no single arm: its searches and its timing."""
    return [*map(store.search, plan.searches), *([store.timing(plan.timing.id)] if plan.timing else [])]


def check_recipe(path: Path) -> None:
    """Raises Damaged where a recipe is not what was written there, or another arm's."""
    named = read_note(path).get("arm")
    if named != path.parent.name:
        raise Damaged(path, f"is not its own: it is that of arm {named}")


def inspect(plan: Plan, store: Store, sums: Sums | None = None) -> list[str]:
    """Set aside the records, and tables, of a plan that are damaged, or another's; a line for each.

    ``sums``: where it is remembered which were read, so that these are not read again. Raises Damaged where one cannot
    be set aside.
    """
    return _set_aside(_checks(plan, store), sums)


def inspect_datasets(paths: Iterable[Path], sums: Sums) -> list[str]:
    """The same of prepared datasets, before jobs read them."""
    return _set_aside(dict.fromkeys(paths, check_archive), sums)


def _checks(plan: Plan, store: Store) -> dict[Path, Callable[[Path], object]]:
    """By file: what raises Damaged where it is not what was written there."""
    tables = (path for path in store.tables(plan.study) if path.exists())
    recipes = (store.recipe(arm) for arm, blocks in store.present(plan.arms).items() if blocks)
    return dict.fromkeys([*records(plan, store), *tables], check) | dict.fromkeys(recipes, check_recipe)


def _damaged(checks: Mapping[Path, Callable[[Path], object]], sums: Sums | None) -> Iterator[Damaged]:
    for path, check_one in checks.items():
        try:
            if sums and sums.knows(path):
                continue
            check_one(path)
            if sums:
                sums.sum(path)
        except Damaged as found:
            yield found
        except FileNotFoundError:
            continue  # somebody has just replaced it; or a dataset that is not prepared yet


def _set_aside(checks: Mapping[Path, Callable[[Path], object]], sums: Sums | None) -> list[str]:
    found = [str(set_aside(each)) for each in _damaged(checks, sums)]
    if sums:
        sums.keep()
    return found


def without_damaged(plan: Plan, store: Store) -> tuple[Store, list[str]]:
    """The store without the damaged records of a plan, for verbs that only look; and a line for each of them."""
    found = [*_damaged(_checks(plan, store), Sums(store.sums(plan.study)))]
    again = ", and the next run of the study makes it again"
    lines = [f"{each}; it counts as missing{'' if isinstance(each, Unreadable) else again}" for each in found]
    return Store(store.root, {each.path for each in found}), lines


def failed(plan: Plan, store: Store) -> list[Failure]:
    """Of what is missing: the searches, then the blocks, whose last attempt failed; each told of one arm."""
    found: dict[Path, Failure] = {}
    for arm, gaps in plan.missing(store).items():
        waiting = plan.arms[arm].waiting(seed for gap in gaps for seed in gap.seeds)
        for failure in failures(store, arm, waiting):
            found.setdefault(failure.path, failure)
    return sorted(found.values(), key=lambda failure: failure.block is not None)


def failed_timing(plan: Plan, store: Store) -> tuple[str, str] | None:
    """Why its timing is not there, and the log, where the job left a reason."""
    timing = plan.untimed(store)
    return reason_of(store.failed_timing(timing.id)) if timing else None


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
    aside = [path.with_name(path.name + ASIDE) for path in _shared(plan, store) if not path.exists()]
    return [*found, *(Lost(path) for path in aside if path.exists())]

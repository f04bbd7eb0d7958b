"""What a store has for one study, copied: all that its report is drawn from, in the layout of a store."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from study.errors import Refused
from study.plan.damage import records
from study.plan.plan import Plan, open_plan
from study.store.failures import Failure, failures
from study.store.files import replacing, write_if_changed
from study.store.layout import Store


def extract(plan: Plan, store: Store, into: Store) -> None:
    """Copy the records of ``plan``, why others failed, and what was stated and looked at, from ``store``."""
    paths = records(plan, store)
    paths += [store.study(plan.study) / "history.json", *map(store.recipe, plan.arms)]
    paths += [store.failed_timing(plan.timing.id)] if plan.timing else []
    for arm in plan.arms:
        for failure in failures(store, arm, plan.arms[arm].waiting(range(plan.seeds[arm]))):
            _note(failure, into.root / failure.path.relative_to(store.root))
    for path in paths:
        if path.is_file():
            copy(path, into.root / path.relative_to(store.root))


def copy(path: Path, goal: Path) -> None:
    """In one step, whatever the permissions of the one."""
    with replacing(goal) as beside:
        shutil.copyfile(path, beside)


def _note(failure: Failure, path: Path) -> None:
    """A killed job leaves a start mark, which says nothing on another machine: its reason does."""
    write_if_changed(path, json.dumps({"reason": failure.reason, "log": failure.log}, indent=1) + "\n")


def goal(root: str) -> Store:
    """A store that is to be written. Raises Refused where nothing can be written there."""
    try:
        Path(root).mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(root, os.W_OK) else "read-only"
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        raise Refused([f"{root}: is no folder that results can be written to ({reason}); give another"])
    return Store(root)


def elsewhere(path: str, root: str) -> Path:
    """A study whose plan is at ``path`` made ready to be drawn in another store, at ``root``; returns its plan there.

    Files with runs that others trained are looked for beside the store that the plan comes from, then from here.
    Raises Refused where that is the same store.
    """
    plan, store = open_plan(path)
    into, home = goal(root), store.root.absolute().parent
    if into.root.is_dir() and into.root.samefile(store.root):
        raise Refused([f"{root}: is the store of that plan; give another folder, or leave --into out"])
    extract(plan, store, into)
    moved(plan, lambda path: str(home / path) if (home / path).exists() else path).write(into, ())
    return into.study(plan.study) / "plan.json"


def moved(plan: Plan, place: Callable[[str], str]) -> Plan:
    """The plan with other paths of the files with runs that others trained."""
    comparisons = []
    for comparison in plan.comparisons:
        if comparison.runs:
            runs = comparison.runs.model_copy(update={"file": comparison.runs.file.placed(place)})
            comparison = comparison.model_copy(update={"runs": runs})
        comparisons.append(comparison)
    return plan.model_copy(update={"comparisons": tuple(comparisons)})

"""How many of its runs were there when a claim was first stated: what could be known to whoever stated it."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

from study.errors import Refused
from study.metrics import METRICS
from study.plan.plan import Plan, PlannedClaim, PlannedComparison
from study.store.files import write_if_changed
from study.store.layout import Store, owned


def note_stated(plan: Plan, store: Store) -> None:
    """Count, for every claim that no plan in this store had before, the runs of its two arms that are there.

    Call it before ``plan`` is written: of the claims of an older plan.json that nobody counted for, nothing is known.
    Claims are known by what they say of which arms, so that one is the same in a study of another name. Raises Refused
    where the file is damaged.
    """
    _path(store).parent.mkdir(parents=True, exist_ok=True)
    with _path(store).with_name(".stated.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another study of this store may begin at this moment
        known = runs_before(store)
        new = {stated: claimed for stated, claimed in _claims(plan).items() if stated not in known}
        if not new:
            return
        before, present = _planned_before(plan, store), store.present(plan.arms)
        for stated, (comparison, claim) in new.items():
            arms = (claim.better_arm, claim.than_arm)
            runs = sum(len(seeds) for arm in arms for _, seeds in owned(present[arm], comparison.seeds))
            known[stated] = None if before is None or stated in before else runs
        write_if_changed(_path(store), json.dumps(known, indent=1, sort_keys=True) + "\n")


def runs_before(store: Store) -> dict[str, int | None]:
    """By ``words``: how many runs were there; None where nobody knows. Raises Refused where the file is damaged."""
    path = _path(store)
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        known = None
    if not isinstance(known, dict):
        words = "restore it, or delete it, and of the claims that are there now nothing is known"
        raise Refused([f"{path}: is damaged; {words}"])
    return known


def words(comparison: PlannedComparison, claim: PlannedClaim) -> str:
    """All that decides whether a claim holds, but not its labels: another margin or target is another claim."""
    target = comparison.target if METRICS[claim.metric].target else None
    by = "" if claim.margin is None else f", margin {claim.margin:g}"
    return f"{claim.about}{by}" + (f", {target.metric} {target.value:g}" if target else "")


def _claims(plan: Plan) -> dict[str, tuple[PlannedComparison, PlannedClaim]]:
    return {words(c, claim): (c, claim) for c in reversed(plan.comparisons) for claim in c.claims}


def _planned_before(plan: Plan, store: Store) -> set[str] | None:
    """What the plan claimed that is there already; None where it cannot be read any more."""
    path = store.study(plan.study) / "plan.json"
    try:
        return set(_claims(Plan.load(path))) if path.exists() else set()
    except ValueError:
        return None


def _path(store: Store) -> Path:
    return store.root / "studies" / "stated.json"

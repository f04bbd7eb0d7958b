"""Arms whose runs were not trained here: what the page says of each."""

from __future__ import annotations

import re
from typing import NamedTuple

from study.plan.plan import Plan, PlannedArm, PlannedComparison

LIMIT = 300  # arms of a comparison that the page lists


class GivenArms(NamedTuple):
    """The arms of a comparison whose runs were not trained here."""

    title: str
    arms: int
    headings: list[str]
    rows: list[list[str]]


def given_arms(plan: Plan) -> list[GivenArms]:
    """What the files say of each arm: all columns of its label, those that the label leaves out too."""
    return [_arms(comparison, comparison.runs.name) for comparison in plan.comparisons if comparison.runs]


def _arms(comparison: PlannedComparison, file: str) -> GivenArms:
    runs, keys = comparison.wanted, comparison.keys
    rows = [[arm.label, *(shown(key, arm) for key in keys), str(runs[arm.arm])] for arm in comparison.arms[:LIMIT]]
    return GivenArms(f"{comparison.title} ({file})", len(comparison.arms), ["arm", *keys, "runs"], rows)


def shown(key: str, arm: PlannedArm) -> str:
    """What an arm has for a varying key, without the name of the key."""
    return re.sub(rf"^{re.escape(re.split(r'[./]', key)[-1])}=", "", arm.values[key])

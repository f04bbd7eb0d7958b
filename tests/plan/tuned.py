"""Small tuned studies and what is planned of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from study.plan.arm import Arm
from study.plan.plan import Plan
from study.plan.search import Search

Planned = Callable[[Any], Plan]
LR = {"optimizer.lr": {"log": [0.001, 10], "points": 9}, "by_seed": False}


def tuned(study: dict[str, Any], *, tune: Any = LR, **comparison: Any) -> dict[str, Any]:
    """``study`` with ``tune`` and one comparison."""
    whole = {"vary": {"optimizer": ["sgd", "adam"]}, "metrics": ["test_loss"], **comparison}
    return study | {"tune": tune, "comparisons": {"a": whole}}


def arms(plan: Plan) -> list[Arm]:
    return [plan.arms[arm.arm] for arm in plan.comparisons[0].arms]


def searches(plan: Plan) -> list[Search]:
    return [arm.search for arm in arms(plan) if arm.search]

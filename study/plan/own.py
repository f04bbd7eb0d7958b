"""The kinds of arms that have something of a person's own: one of each is tried before any job starts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from study.axes.custom import Custom
from study.axes.recipe import AXES, canonical, digest

if TYPE_CHECKING:
    from study.plan.arm import Arm


def own_kinds(arms: Iterable[Arm]) -> dict[str, Arm]:
    """The first of ``arms`` of each kind, by 12 hex digits of that: whatever their rates, with dropout and without."""
    axes = [axis for axis, about in AXES.items() if about.choices and "custom" in about.choices.choices()]
    found: dict[str, Arm] = {}
    for arm in arms:
        recipe = arm.outline
        if not recipe.trainer.free and any(isinstance(getattr(recipe, axis), Custom) for axis in axes):
            rates = recipe.optimizer.differing() | {"lr": None}
            parts: list[object] = [recipe.kind, rates, recipe.schedule.differing()]
            drops = bool(recipe.dropout), bool(arm.open("dropout"))
            parts += [drops] * any(drops)
            found.setdefault(digest(canonical({"own": parts})), arm)
    return found

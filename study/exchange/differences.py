"""What two arms differ in: their settings side by side."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from study.axes.base import Choice
from study.axes.recipe import AXES, RECIPE, Recipe
from study.exchange.arms import KnownArm
from study.plan.arm import Arm
from study.plan.file.labels import number
from study.plan.search import Searched

ABSENT = "none"
WORDS = {"sha256": "its data", "md5": "its data", "code": "its code"}  # settings that stand for a content


def settings(arm: Arm) -> dict[str, dict[str, Any]]:
    """By axis, the name of the choice (or the number) under "", and what the id holds of its settings, by name.

    Of what is searched the range stands in place of a value.
    """
    found: dict[str, dict[str, Any]] = {}
    searched = {one.key: one for one in (arm.search.settings if arm.search else ())}
    for axis in AXES:
        value = getattr(arm.outline, axis)
        if isinstance(value, Choice):
            kept = value.model_dump(mode="json", exclude={"name", *value.aside, *value.internal})
            found[axis] = {"": value.name} | kept
        else:
            found[axis] = {"": value}
    for key, one in searched.items():
        axis, _, setting = key.partition(".")
        found[axis][setting] = space(one)
    return found


def space(searched: Searched) -> str:
    """Where a setting is searched."""
    if searched.values is not None:
        return f"tuned over {number(list(searched.values))}"
    kind, ends = ("log", searched.log) if searched.log else ("linear", searched.linear or (0.0, 1.0))
    return f"tuned, {kind} {number(list(ends))}" + f" in {searched.points} points" * bool(searched.points)


def written(arm: Arm) -> list[tuple[str, str]]:
    """An arm's recipe: every axis that it does not leave at its default, with all settings; then those left."""
    rows, usual = [], []
    for axis, kept in settings(arm).items():
        default = Recipe.model_fields[axis].default
        value = getattr(arm.outline, axis)
        if value == default and default is not None and not arm.open(axis):
            usual.append(axis)
        elif value is not None or arm.open(axis):
            none = {"", "fold"} if kept.get("folds", True) is None else {""}  # a fold of none says nothing
            told = {key: one for key, one in kept.items() if key not in none and one not in (None, [], ())}
            own = ", ".join(f"{key}={number(one)}" for key, one in told.items())
            rows.append((axis, number(kept[""]) + f" ({own})" * bool(own)))
    return [*rows, *([("at default", ", ".join(usual))] if usual else [])]


def tuning(arm: Arm) -> list[tuple[str, str]]:
    """How an arm is tuned, beside the ranges; nothing where it is not."""
    search = arm.search
    if search is None:
        return []
    trials = f"{search.method}, {search.first} trials and {search.extend} further ones, {search.seeds} seeds each"
    trials += ", for each run by itself" * search.by_seed
    return [("search", trials), ("chosen by", arm.selection.name if arm.selection else "nothing yet")]


Fingerprint = tuple[tuple[str, str], ...]


def fingerprint(arm: Arm) -> Fingerprint:
    """Of every axis the name of its choice, and all of it; and of the tuning. To be compared by ``distance``."""
    axes = ((str(kept[""]) if len(kept) > 1 else "", str(kept)) for kept in settings(arm).values())
    return (*axes, *(("", text) for _, text in tuning(arm)))


def distance(one: Fingerprint, other: Fingerprint) -> int:
    """In how many axes two arms differ; another choice counts twice, another setting of the same one once."""
    nothing = ("", "")
    return sum((a[0] != b[0]) + (a != b) for a, b in zip_longest(one, other, fillvalue=nothing))


def differences(arm: Arm, other: KnownArm) -> list[str]:
    """What is new in ``arm`` against ``other``, one line for each setting."""
    lines = []
    mine, theirs = settings(arm), settings(other.arm)
    for axis in AXES:
        here, there = mine[axis], theirs[axis]
        if here[""] != there[""]:
            lines.append(f"{axis}: {_shown(here[''])}, not {_shown(there[''])}")
            continue
        for key in dict.fromkeys([*here, *there]):
            if here.get(key) == there.get(key):
                continue
            if key in WORDS:
                lines.append(f"{axis}: {WORDS[key]} changed ({_shown(here.get(key))}, not {_shown(there.get(key))})")
            else:
                lines.append(f"{axis}.{key}: {_shown(here.get(key))}, not {_shown(there.get(key))}")
    mine_tuned, theirs_tuned = dict(tuning(arm)), dict(tuning(other.arm))
    for key in dict.fromkeys([*mine_tuned, *theirs_tuned]):
        one, two = mine_tuned.get(key, "not tuned"), theirs_tuned.get(key, "not tuned")
        if one != two:
            lines.append(f"{key}: {one}, not {two}")
    if other.recipe_version != RECIPE:
        lines.append(f"recipe version {RECIPE}, not {other.recipe_version or 'an older one'}: training means another")
    return lines


def _shown(value: Any) -> str:
    if value is None:
        return ABSENT
    return value[:12] if isinstance(value, str) and len(value) in (32, 64) else number(value)

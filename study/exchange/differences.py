"""What two arms differ in: their settings side by side."""

from __future__ import annotations

from typing import Any

from study.axes.base import Choice
from study.axes.recipe import AXES, RECIPE, Recipe
from study.exchange.arms import KnownArm
from study.plan.arm import Arm
from study.wording import number

Settings = dict[str, dict[str, Any]]
UNTUNED = {"": "not tuned"}
WORDS = {"sha256": "its data", "md5": "its data", "code": "its code"}  # settings that stand for a content


def settings(arm: Arm) -> Settings:
    """By axis, the name of the choice (or the number) under "", and what the id holds of its settings, by name.

    Of what is searched the range stands in place of a value.
    """
    found: Settings = {}
    for axis in AXES:
        value = getattr(arm.outline, axis)
        if isinstance(value, Choice):
            kept = value.model_dump(mode="json", exclude={"name", *value.aside, *value.internal})
            found[axis] = {"": value.name} | kept
        else:
            found[axis] = {"": value}
    for one in arm.search.settings if arm.search else ():
        axis, _, setting = one.key.partition(".")
        found[axis][setting] = "tuned over " + (f"[{one.words}]" if one.values else one.words)
    return found


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


def described(arm: Arm) -> Settings:
    """The same, and how it is tuned."""
    return settings(arm) | {part: {"": text} for part, text in tuning(arm)}


def distance(one: Settings, other: Settings) -> int:
    """In how many parts two arms differ; another choice counts twice, another setting of the same one once."""
    pairs = [(one.get(part, UNTUNED), other.get(part, UNTUNED)) for part in one.keys() | other.keys()]
    return sum((a != b) + (a[""] != b[""] and max(len(a), len(b)) > 1) for a, b in pairs)


def differences(mine: Settings, other: KnownArm) -> list[str]:
    """What is new in an arm against ``other``, one line for each setting."""
    lines, theirs = [], described(other.arm)
    for part in dict.fromkeys([*mine, *theirs]):
        here, there = mine.get(part, UNTUNED), theirs.get(part, UNTUNED)
        if here[""] != there[""]:
            lines.append(f"{part}: {_shown(here[''])}, not {_shown(there[''])}")
            continue
        for key in dict.fromkeys([*here, *there]):
            one, two = here.get(key), there.get(key)
            if one == two:
                continue
            if key in WORDS:
                lines.append(f"{part}: {WORDS[key]} changed ({_shown(one)[:12]}, not {_shown(two)[:12]})")
            else:
                lines.append(f"{part}.{key}: {_shown(one)}, not {_shown(two)}")
    if other.recipe_version != RECIPE:
        lines.append(f"recipe version {RECIPE}, not {other.recipe_version or 'an older one'}: training means another")
    return lines


def _shown(value: Any) -> str:
    return "none" if value is None else number(value)

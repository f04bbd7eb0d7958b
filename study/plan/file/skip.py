"""Combinations that a comparison leaves out: which arms an entry of ``skip`` matches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from study.axes import CHOICES, Choice
from study.errors import Mistakes, join, refuse, suggest
from study.plan.file.choices import check_key, split_key
from study.plan.file.labels import canonical


def readable(pattern: Any, path: str, mistakes: Mistakes) -> bool:
    """Whether an entry names axes and choices that there are; notes the mistakes where not."""
    if not isinstance(pattern, dict) or not pattern:
        mistakes.add(path, refuse(pattern or None, "the axes and values that it matches, such as {batch_size: 16}"))
        return False
    before = len(mistakes)
    for key, value in pattern.items():
        if check_key(key, join(path, key), mistakes) and key in CHOICES:
            known = CHOICES[key].choices()
            if isinstance(value, dict) and "name" not in value:
                mistakes.add(join(path, key), f"'name' is missing; give one of {', '.join(known)}")
                continue
            name = value["name"] if isinstance(value, dict) else value
            if not isinstance(name, str) or name not in known:
                mistakes.add(join(path, key), suggest(name, known, key))
    return len(mistakes) == before


def matches(pattern: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether every key of ``pattern`` has its value in ``row``, one choice or number per axis.

    A bare name matches any settings of that choice, a mapping those that give its settings.
    """
    return all(_equal(row.get(split_key(key)[0]), split_key(key)[1], wanted) for key, wanted in pattern.items())


def _equal(value: Any, setting: str | None, wanted: Any) -> bool:
    if setting is not None:
        return hasattr(value, setting) and canonical(getattr(value, setting)) == canonical(wanted)
    if not isinstance(value, Choice):
        return value is not None and canonical(value) == canonical(wanted)
    if isinstance(wanted, str):
        return value.name == wanted
    given = value.model_dump()
    return all(key in given and canonical(given[key]) == canonical(item) for key, item in wanted.items())

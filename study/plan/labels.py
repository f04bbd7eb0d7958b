"""Labels of the arms of a comparison: the keys whose value differs, in the order written (DESIGN §4)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from study.axes import CHOICES


def number(value: Any) -> str:
    """A setting as labels show it: numbers as %g, lists in brackets."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(number(v) for v in value)}]"
    return str(value)


def varying(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys of ``rows`` (one mapping of key to value per arm) that have more than one value."""
    if not rows:
        return []
    return [key for key in rows[0] if len({canonical(row[key]) for row in rows}) > 1]


def fragments(key: str, values: Sequence[Any]) -> dict[str, str]:
    """What each value of ``key`` shows, by its canonical JSON."""
    distinct = {canonical(value): value for value in values}
    if key not in CHOICES:
        return {c: f"{key.rpartition('.')[2]}={number(v)}" for c, v in distinct.items()}
    shown = {}
    for code, value in distinct.items():
        twins = [v for v in distinct.values() if v["name"] == value["name"]]
        differing = [s for s in varying([_settings(key, v) for v in twins]) if s != "name"]
        parts = [f"{s}={number(_settings(key, value)[s])}" for s in differing]
        shown[code] = " ".join([value["name"], *parts])
    return shown


def canonical(value: Any) -> str:
    """A key for equal values: 1 and 1.0 are the same choice."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value))
    return json.dumps(value, sort_keys=True, default=str)


def _settings(axis: str, value: Mapping[str, Any]) -> dict[str, Any]:
    fields = CHOICES[axis].choices()[value["name"]].model_fields
    return {name: value.get(name, field.default) for name, field in fields.items()}

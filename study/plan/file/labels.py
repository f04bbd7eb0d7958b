"""Labels of the arms of a comparison: the keys whose value differs, in the order written (DESIGN §4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from study.errors import show
from study.plan.file.keys import CHOICES

ABSENT = "–"  # shown for a setting that the arm's choice does not have; never part of a label


def number(value: Any) -> str:
    """A setting as labels show it: numbers as %g, lists in brackets."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < 1e300):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(number(v) for v in value)}]"
    return value if isinstance(value, str) else show(value)


def varying(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys of ``rows`` (one mapping of key to value per arm) that have more than one value."""
    return [key for key in rows[0] if len({canonical(row.get(key)) for row in rows}) > 1]


def fragments(key: str, values: Sequence[Any]) -> dict[str, str]:
    """What each value of ``key`` shows, by its canonical JSON. None is a setting that an arm does not have."""
    distinct = {canonical(value): value for value in values}
    if key not in CHOICES:
        name = key.rpartition(".")[2]
        return {c: ABSENT if v is None else f"{name}={number(v)}" for c, v in distinct.items()}
    shown = {}
    for code, value in distinct.items():
        twins = [twin for twin in distinct.values() if twin["name"] == value["name"]]
        parts = [f"{setting}={number(value.get(setting))}" for setting in varying(twins)]
        shown[code] = " ".join([str(value["name"]), *parts])
    return shown


def compose(
    rows: Sequence[Mapping[str, Any]], given: Sequence[str | None], coupled: Sequence[str]
) -> list[tuple[str, dict[str, str]]]:
    """The label of each arm, and what it shows for each key that differs.

    ``rows``: the value of every key written in the comparison, per arm. ``given``: the arm's own
    ``label:``, which replaces what the ``coupled`` keys (those of ``arms``) would show.
    """
    differing = varying(rows) if len(rows) > 1 else list(rows[0])
    shown = {key: fragments(key, [row[key] for row in rows]) for key in differing}
    composed = []
    for row, own in zip(rows, given, strict=True):
        values = {key: shown[key][canonical(row[key])] for key in differing}
        parts = [values[key] for key in differing if values[key] != ABSENT and not (own and key in coupled)]
        composed.append((", ".join([own, *parts] if own else parts) or "baseline", values))
    return composed


def canonical(value: Any) -> str:
    """The same text for equal values: 1 and 1.0 are the same choice, true is not 1."""
    if isinstance(value, Mapping):
        return "{" + ",".join(sorted(f"{key!r}:{canonical(item)}" for key, item in value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return repr(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)

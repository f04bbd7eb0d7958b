"""Whether a range to search suits a setting: its kind of number, its bounds."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from study.axes import NUMBERS, Choice
from study.errors import Mistakes, explain, join, refuse
from study.plan.file.choices import NUMBERED, split_key
from study.plan.file.tune_block import Range
from study.plan.searches.space import Searched, Value

Home = type[Choice] | str  # the choice that has a setting, or the axis that is a number


def check_range(home: Home, key: str, given: Range, path: str, mistakes: Mistakes) -> Searched | None:
    """Where the setting ``key`` of ``home`` is searched; None where the range at ``path`` does not suit it."""
    setting = split_key(key)[1] or key
    kind = kind_of(home, setting)
    if kind is None:
        mistakes.add(path, f"{setting!r} is no number; compare its values by 'vary:'")
        return None
    if kind == "widths" and given.values is None:
        mistakes.add(path, f"{setting!r} is a list; give {{values: [[32], [64, 64]]}}")
        return None
    before = len(mistakes)
    name = "log" if given.log else "linear" if given.linear else "values"
    found = [_value(home, setting, v, join(path, name, i), mistakes) for i, v in enumerate(getattr(given, name))]
    values = [value for value in found if value is not None]
    if len(mistakes) > before:
        return None
    if given.values is not None:
        for i, value in enumerate(values):
            if value in values[:i]:
                mistakes.add(join(path, "values", i), "is listed twice; keep one")
        ordered = sorted(values, key=lambda value: value if isinstance(value, tuple) else (value,))
        made = Searched(key=key, values=tuple(ordered), whole=kind == "whole")
    else:
        ends = {name: (float(values[0]), float(values[1]))}  # type: ignore[arg-type]
        made = Searched(key=key, points=given.points, whole=kind == "whole", **ends)
        if len(set(made.grid())) < len(made.grid()):
            words = f"has fewer than {given.points} different whole numbers; give fewer points, or wider ends"
            mistakes.add(join(path, name), words)
    return made if len(mistakes) == before else None


def _value(home: Home, setting: str, value: Any, path: str, mistakes: Mistakes) -> Value | None:
    """``value`` as the setting takes it; None where it is refused."""
    kind = kind_of(home, setting)
    if kind == "whole" and isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        if isinstance(home, str):
            NUMBERED[home].validate_python(value, strict=True)
        else:
            home.model_validate({"name": home.model_fields["name"].default, setting: value})
    except ValidationError as failure:
        errors = [e for e in failure.errors() if isinstance(home, str) or e["loc"][0] == setting]
        if errors:
            mistakes.add(path, explain(errors[0]) if kind != "widths" else refuse(value, "a list of widths"))
            return None
    return float(value) if kind == "real" else tuple(value) if kind == "widths" else int(value)


@cache
def kind_of(home: Home, setting: str) -> str | None:
    """``real``, ``whole`` or ``widths`` (a list of whole numbers); None for what cannot be searched."""
    schema = (
        TypeAdapter(NUMBERS[home]).json_schema()
        if isinstance(home, str)
        else home.model_json_schema()["properties"][setting]
    )
    if schema.get("type") == "array":
        return "widths" if schema.get("items", {}).get("type") == "integer" and "prefixItems" not in schema else None
    return {"number": "real", "integer": "whole"}.get(schema.get("type", ""))

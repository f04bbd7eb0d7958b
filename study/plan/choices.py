"""From what is written on an axis (a bare name, a mapping, a number) to a checked choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from study.axes import AXES, CHOICES, NUMBERS, Choice
from study.plan.mistakes import Mistakes, explain, join, show, suggest

Value = Choice | float  # a choice, or the number of a numeric axis
NUMBER = {axis: TypeAdapter(kind) for axis, kind in NUMBERS.items()}
NUMBERED: dict[str, TypeAdapter[Any]] = NUMBER | {"stack": TypeAdapter(bool)}


class Entry(NamedTuple):
    """A value and the place in the file where it was written."""

    value: Any
    path: str


def split_key(key: str) -> tuple[str, str | None]:
    """``optimizer.lr`` is ("optimizer", "lr"); ``optimizer`` is ("optimizer", None)."""
    axis, _, setting = key.partition(".")
    return axis, setting or None


def check_key(key: str, path: str, mistakes: Mistakes, extra: tuple[str, ...] = ()) -> bool:
    """Whether ``key`` names an axis or a setting of some choice on it; notes a mistake where not."""
    axis, setting = split_key(key)
    if axis not in (*AXES, *extra):
        mistakes.add(path, suggest(axis, (*AXES, *extra), "axis"))
        return False
    if setting is None:
        return True
    known = dict.fromkeys(
        s for c in (CHOICES[axis].choices().values() if axis in CHOICES else ()) for s in c.model_fields if s != "name"
    )
    if setting not in known:
        noun = f"setting of any {axis}" if known else f"setting: {axis} is a number"
        mistakes.add(path, suggest(setting, known or [axis], noun))
        return False
    return True


def normal(axis: str, value: Any, baseline: Any) -> Any:
    """A bare name as a mapping: the baseline's settings where it is the baseline's choice, else defaults."""
    if axis not in CHOICES or not isinstance(value, str):
        return value
    if isinstance(baseline, Mapping) and baseline.get("name") == value:
        return dict(baseline)
    return {"name": value}


def build(
    axis: str, entry: Entry, settings: Mapping[str, Entry], mistakes: Mistakes, partial: bool = False
) -> Value | None:
    """The choice written at ``entry`` with ``settings`` laid over it; None where there was a mistake.

    ``partial``: a required setting may be missing, since something else may give it.
    """
    if axis not in CHOICES:
        try:
            number: float = NUMBERED[axis].validate_python(entry.value, strict=True)
        except ValidationError as failure:
            mistakes.add(entry.path, explain(failure.errors()[0]))
            return None
        return number
    known = CHOICES[axis].choices()
    if not isinstance(entry.value, Mapping):
        mistakes.add(entry.path, f"{show(entry.value)} is refused; give the name of a {axis}, or {{name: …}}")
        return None
    name = entry.value.get("name")
    if name is None:
        mistakes.add(entry.path, f"'name' is missing; give one of {', '.join(known)}")
        return None
    if name not in known:
        path = entry.path if set(entry.value) == {"name"} else join(entry.path, "name")
        mistakes.add(path, suggest(name, known, axis))
        return None
    cls, content = known[name], dict(entry.value) | {s: e.value for s, e in settings.items()}
    try:
        return cls.model_validate(content)
    except ValidationError as failure:
        for error in failure.errors():
            setting, *rest = error["loc"]
            if partial and error["type"] == "missing":
                continue
            if setting in settings:
                path = join(settings[str(setting)].path, *rest)
            elif error["type"] == "missing":
                path = entry.path
            else:
                path = join(entry.path, setting, *rest)
            mistakes.add(path, _words(error, cls, str(setting)))
        return None


def _words(error: Any, cls: type[Choice], setting: str) -> str:
    name = cls.model_fields["name"].default
    if error["type"] == "missing":
        return f"{name!r} needs {setting!r}, which has no default; write {{name: {name}, {setting}: …}}"
    known = [field for field in cls.model_fields if field != "name"]
    return explain(error, known or ["name"], f"setting of {name!r}")

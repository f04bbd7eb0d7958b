"""From what is written on an axis (a bare name, a mapping, a number) to a checked choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from study.axes import AXES, CHOICES, NUMBERS, Choice
from study.errors import Mistakes, explain, join, refuse, suggest

Value = Choice | float  # a choice, or the number of a numeric axis
NUMBERED: dict[str, TypeAdapter[Any]] = {axis: TypeAdapter(kind) for axis, kind in NUMBERS.items()}
SWITCHES = ("stack", "tf32")  # how an arm is trained: set in a baseline, and the same for all of a comparison
NUMBERED |= {switch: TypeAdapter(bool) for switch in SWITCHES}


class Entry(NamedTuple):
    """A value and the place in the file where it was written."""

    value: Any
    path: str


def split_key(key: str) -> tuple[str, str | None]:
    """``optimizer.lr`` is ("optimizer", "lr"); ``optimizer`` is ("optimizer", None)."""
    axis, _, setting = key.partition(".")
    return axis, setting or None


def key_path(path: str) -> str:
    """The key that a value of ``vary`` is listed under: ``vary.optimizer[1]`` is under ``vary.optimizer``."""
    return path.rpartition("[")[0] if path.endswith("]") else path


def settings_of(axis: str) -> dict[str, list[type[Choice]]]:
    """The settings of an axis, each with the choices that have it; none where the axis is a number."""
    found: dict[str, list[type[Choice]]] = {}
    for choice in CHOICES[axis].choices().values() if axis in CHOICES else ():
        for setting in choice.model_fields:
            if setting != "name":
                found.setdefault(setting, []).append(choice)
    return found


def check_key(key: str, path: str, mistakes: Mistakes, extra: tuple[str, ...] = ()) -> bool:
    """Whether ``key`` names an axis or a setting of some choice on it; notes a mistake where not."""
    axis, dot, setting = key.partition(".")
    if axis not in (*AXES, *extra):
        homes = [f"{a}.{axis}" for a in CHOICES if axis in settings_of(a)]
        hint = f"{axis!r} is a setting, not an axis; did you mean {homes[0]!r}?" if homes and not dot else None
        mistakes.add(path, hint or suggest(axis, (*AXES, *extra), "axis"))
        return False
    if not dot:
        return True
    if axis not in CHOICES:
        mistakes.add(path, f"{axis!r} has no settings; write '{axis}: …'")
        return False
    if setting not in (known := settings_of(axis)):
        mistakes.add(path, suggest(setting, known, f"setting of any {axis}"))
        return False
    return True


def build(axis: str, entry: Entry, settings: Mapping[str, Entry], mistakes: Mistakes, partial: bool = False) -> Any:
    """The choice (a ``Value``) written at ``entry`` with ``settings`` laid over it; None where there was a mistake.

    ``partial``: a required setting may be missing, since something else may give it.
    """
    if axis not in CHOICES:
        return _number(axis, entry, mistakes)
    known = CHOICES[axis].choices()
    if not isinstance(entry.value, dict):
        mistakes.add(entry.path, refuse(entry.value, f"one of {', '.join(known)}, or {{name: …}} with settings"))
        return None
    if "name" not in entry.value:
        mistakes.add(entry.path, f"'name' is missing; give one of {', '.join(known)}")
        return None
    name = entry.value["name"]
    if not isinstance(name, str) or name not in known:
        path = entry.path if set(entry.value) == {"name"} else join(entry.path, "name")
        mistakes.add(path, suggest(name, known, axis))
        return None
    cls = known[name]
    try:
        return cls.model_validate(entry.value | {setting: given.value for setting, given in settings.items()})
    except ValidationError as failure:
        errors = failure.errors()
    # An unknown setting may be the missing one, spelled wrong.
    partial = partial or any(error["type"] == "extra_forbidden" for error in errors)
    for error in errors:
        if not (partial and error["type"] == "missing" and len(error["loc"]) == 1):
            mistakes.add(_place(error, entry, settings), _words(error, cls))
    return None


def _number(axis: str, entry: Entry, mistakes: Mistakes) -> Any:
    try:
        return NUMBERED[axis].validate_python(entry.value, strict=True)
    except ValidationError as failure:
        mistakes.add(entry.path, explain(failure.errors()[0]))
        return None


def _place(error: ErrorDetails, entry: Entry, settings: Mapping[str, Entry]) -> str:
    setting, *rest = error["loc"]
    if setting in settings:
        path = settings[str(setting)].path
        return key_path(path) if error["type"] == "extra_forbidden" else join(path, *rest)
    return entry.path if error["type"] == "missing" and not rest else join(entry.path, setting, *rest)


def _words(error: ErrorDetails, cls: type[Choice]) -> str:
    name, setting = cls.model_fields["name"].default, error["loc"][0]
    if error["type"] == "missing" and len(error["loc"]) == 1:
        return f"{name!r} needs {setting!r}, which has no default; write {{name: {name}, {setting}: …}}"
    known = [field for field in cls.model_fields if field != "name"]
    if error["type"] == "extra_forbidden" and not known:
        return f"{name!r} has no settings; take {setting!r} out"
    return explain(error, known, f"setting of {name!r}")

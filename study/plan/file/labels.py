"""What labels of arms show of the values of a key, so that different ones are told apart."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import JsonValue

from study.axes.custom import SETTINGS
from study.axes.trainer import called
from study.plan.file.keys import CHOICES
from study.wording import number, one_line

ABSENT = "–"  # shown for a setting that the arm's choice does not have; never part of a label


def short(key: str) -> str:
    """The last part of a key, or of a column's name, as labels have it: ``lr`` of ``optimizer.lr``."""
    return re.split(r"[./]", key)[-1]


def bare(key: str, shown: str) -> str:
    """What a label shows for a key, without the name of the key: ``16`` of ``batch_size=16``."""
    return shown.removeprefix(f"{short(key)}=")


def fragments(key: str, distinct: Mapping[str, JsonValue]) -> dict[str, str]:
    """What each of the ``distinct`` values of ``key`` shows, by its canonical text, as they are given.

    None is a setting that an arm does not have.
    """
    if key not in CHOICES:
        return {c: ABSENT if v is None else f"{short(key)}={number(v)}" for c, v in distinct.items()}
    shown = {}
    for code, value in distinct.items():
        if not isinstance(value, dict) or value.get("label"):
            shown[code] = one_line(str(value["label"])) if isinstance(value, dict) else ABSENT
            continue
        twins = [twin for twin in distinct.values() if isinstance(twin, dict) and _called(twin) == _called(value)]
        parts = [
            f"{setting.removeprefix(SETTINGS)}={number(value.get(setting))}"
            for setting in twins[0]
            if setting != "label" and len({canonical(twin.get(setting)) for twin in twins}) > 1
        ]
        shown[code] = " ".join([_called(value), *parts])
    return shown


def _called(choice: Mapping[str, JsonValue]) -> str:
    """The name of a choice; of a person's own what it has in their module, or that of their script."""
    if choice.get("run"):
        return called(str(choice["run"]))
    return str(choice.get("factory") or choice["name"]).rpartition(":")[2]


def canonical(value: object) -> str:
    """The same text for equal values: 1 and 1.0 are the same choice, true is not 1."""
    if isinstance(value, Mapping):
        return "{" + ",".join(sorted(f"{key!r}:{canonical(item)}" for key, item in value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return repr(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)

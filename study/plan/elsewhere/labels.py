"""Labels of arms from the columns of a file, written as those of arms that are trained here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isnan
from typing import NamedTuple

from study.plan.elsewhere.sheet import Cell, number
from study.plan.file.labels import ABSENT
from study.plan.file.labels import number as shown_number
from study.wording import one_line

Key = tuple[Cell, ...]  # what a row has in the columns of the label


class Label(NamedTuple):
    """``values``: what is shown for each column, the ones that the text leaves out too."""

    text: str
    values: dict[str, str]


def keys(columns: Sequence[Sequence[Cell]]) -> list[Key]:
    """What every row has in these columns: what is a number as a number, so that 0.10 is 0.1; NaN is empty."""
    return [tuple(map(_canonical, key)) for key in zip(*columns, strict=True)]


def labels(names: Sequence[str], found: Sequence[Key]) -> dict[Key, Label]:
    """The label of each different key. A column is in it where those before it do not tell its value already."""
    shown = {key: dict(zip(names, map(_fragment, names, key), strict=True)) for key in found}
    made = {}
    for key, values in shown.items():
        parts = [
            values[name]
            for i, name in enumerate(names)
            if key[i] is not None and len({other[i] for other in shown if other[:i] == key[:i]}) > 1
        ]
        known = (text for text in values.values() if text != ABSENT)
        made[key] = Label(", ".join(parts) or next(known, ABSENT), values)  # one may differ in what it lacks
    return made


def _canonical(cell: Cell) -> Cell:
    value = number(cell)
    if value is None:
        return cell
    return None if isnan(value) else value


def _fragment(name: str, value: Cell) -> str:
    """``adam``; ``lr=0.01`` of a number, by the last part of its column's name."""
    if value is None:
        return ABSENT
    if isinstance(value, str):
        return one_line(value)
    return f"{re.split(r'[./]', name)[-1]}={shown_number(value)}"

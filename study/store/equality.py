"""Whether two records of the same run say the same: bit for bit, or within rounding; and where they part."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

Row = Mapping[str, Any]

# Columns of a run that say where, when and beside what it was made, and for whom: they may differ.
ABOUT = frozenset({
    "reason", "seconds", "device", "torch_version", "python_version", "host", "commit", "pack", "started_at",
    "processor", "instructions", "threads", "cores", "blas", "driver",
})  # fmt: skip
RELATIVE, ABSOLUTE = 1e-4, 1e-6  # rounding: one part in 10,000, or a millionth where values are near 0
BY_ROW = ("test_right", "test_losses")  # of which, up to rounding, the means say all; older records have none
FRACTIONS = ("accuracy", "macro_f1")  # how the columns end that count rows


class Run(NamedTuple):
    """A run as it was recorded: its row, and its curve in rising steps."""

    row: Row
    curve: Sequence[Row]


class Difference(NamedTuple):
    """The first that was found. ``step``: of the evaluation; None where the curves are the same and the ends differ."""

    step: int | None
    column: str
    one: Any
    other: Any

    def __str__(self) -> str:
        where = "at the end" if self.step is None else f"at step {self.step}"
        return f"{where}, {self.column}: {said(self.one)} and {said(self.other)}"


def said(value: Any) -> str:
    """A value with all its digits."""
    return "none" if value is None else repr(value) if isinstance(value, float) else str(value)


def difference(one: Run, other: Run, rounding: bool = False) -> Difference | None:
    """Where two records part first, evaluation by evaluation, then at their ends; None where they nowhere do.

    ``rounding``: values that are equal up to rounding are the same, and so are counts of rows that differ by one.
    """
    steps = _by_step(one.curve), _by_step(other.curve)
    grains = _grains(one.row) if rounding else {}
    for step in sorted({*steps[0], *steps[1]}):
        rows = steps[0].get(step), steps[1].get(step)
        if rows[0] is None or rows[1] is None:
            there = ["evaluated" if row else "not evaluated" for row in rows]
            return Difference(step, "evaluation", *there)
        if found := _row(step, rows[0], rows[1], {"arm", "seed", "step"}, grains, rounding):
            return found
    return _row(None, one.row, other.row, {*ABOUT, "arm", "seed"}, grains, rounding)


def _by_step(curve: Iterable[Row]) -> dict[int, Row]:
    return {row["step"]: row for row in curve}


def _grains(row: Row) -> dict[str, float]:
    """What one row, or one weight, is of a fraction, by column."""
    found = {}
    for split in ("train", "val", "test"):
        if rows := row.get(f"{split}_rows"):
            found[split] = 1 / rows
    if parameters := row.get("n_parameters"):
        found["small_weights"] = 1 / parameters
    return found


def _row(
    step: int | None, one: Row, other: Row, without: set[str] | frozenset[str], grains: Mapping[str, float], near: bool
) -> Difference | None:
    for column in one:
        if column in without or column not in other:  # a record of an older version has fewer
            continue
        a, b = one[column], other[column]
        if column in BY_ROW:
            if (found := None if near else _first_row(column, a, b)) is not None:
                return found
            continue
        grain = grains.get(column.partition("_")[0]) if column.endswith(FRACTIONS) else grains.get(column)
        if not (_close(a, b, grain or 0.0) if near else _same(a, b)):
            return Difference(step, column, a, b)
    return None


def _first_row(column: str, one: Any, other: Any) -> Difference | None:
    """Where what was kept of each test row parts, in bits or in losses; None too where one record has nothing."""
    if one is None or other is None or one == other:
        return None
    rows = [_bits(each) if isinstance(each, bytes) else each for each in (one, other)]
    for row, (a, b) in enumerate(zip_longest(*rows)):
        if not _same(a, b):
            return Difference(None, f"{column} of row {row}", a, b)
    return None


def _bits(content: bytes) -> list[bool]:
    return [bool(byte >> place & 1) for byte in content for place in range(7, -1, -1)]


def _same(a: Any, b: Any) -> bool:
    return bool(a == b) or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


def _close(a: Any, b: Any, grain: float) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=RELATIVE, abs_tol=max(ABSOLUTE, 1.01 * grain)) or _same(a, b)
    return _same(a, b)

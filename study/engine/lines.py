"""What a script writes down: a JSON line for each evaluation, made into a curve and a record."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from study.engine.record import Curve, Record
from study.errors import nearest
from study.store.schemas import CLASS_METRICS, CURVE_METRICS, FINAL_METRICS
from study.wording import show

PLACES = ("epoch", "step")  # that never go back; epochs may have parts
OF_THE_RUN = ("n_parameters", "weight_norm", "small_weights", "seconds")  # of whichever line has them last
AT_THE_END = (*FINAL_METRICS, *CLASS_METRICS)
KNOWN = (*PLACES, "lr", *CURVE_METRICS, *CLASS_METRICS, *OF_THE_RUN)
MOST = 2**31  # epochs and steps


class LogError(Exception):
    """A log that cannot be read, in one line."""


@dataclass
class Rows:
    """``curve``: a row for each evaluation, in which every number is finite; ``diverged``: which was not, and where."""

    curve: Curve = field(default_factory=list)
    diverged: str | None = None
    last: dict[str, Any] = field(default_factory=dict)  # the last value of everything
    unknown: list[str] = field(default_factory=list)  # keys that no record has, with what may have been meant

    @property
    def metrics(self) -> set[str]:
        """Those that a line has."""
        return {*self.last} - {*PLACES}

    def record(self, seed: int, seconds: float | None) -> Record:
        """Metrics at the end are those of the last line that has them; ``seconds``: where no line says how many."""
        curve = [{name: value for name, value in row.items() if name not in OF_THE_RUN} for row in self.curve]
        if curve:
            curve[-1] |= {name: self.last[name] for name in AT_THE_END if name in self.last}
        about: dict[str, Any] = {"seconds": seconds} | {
            name: self.last[name] for name in (*OF_THE_RUN, "lr") if name in self.last
        }
        return Record(seed, self.diverged, curve[-1]["step"] if curve else 0, curve, **about)


def read(logs: Sequence[Path]) -> Rows:
    """What the starts of a script wrote, one after another. Raises LogError.

    A start goes on from a checkpoint: what an earlier one wrote past that is taken back.
    """
    lines: list[dict[str, Any]] = []
    found = Rows()
    for i, log in enumerate(logs):
        mine = list(_lines(log, torn=i < len(logs) - 1))
        for place in PLACES:
            first = next((line[place] for line in mine if place in line), None)
            if first is not None:
                lines = [line for line in lines if line.get(place, -1) < first]
        lines += mine
    strange = dict.fromkeys(key for line in lines for key in line if key not in KNOWN)
    found.unknown = [_meant(key) for key in strange]
    for row in _placed(lines):
        numbers = {key: value for key, value in row.items() if key in KNOWN}
        wrong = next((key for key, value in numbers.items() if not math.isfinite(value)), None)
        if wrong:
            found.diverged = f"{wrong} not finite at step {row['step']}"
            break
        found.last |= numbers
        found.curve.append(numbers)
    return found


def _meant(key: str) -> str:
    close = nearest(key, KNOWN)
    return f"{show(key)} (did you mean {close!r}?)" if close else show(key)


def _lines(log: Path, torn: bool) -> Iterator[dict[str, Any]]:
    """The lines of one start; ``torn``: it was killed, and the last may be a part of one."""
    try:
        texts = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        where = f"line {number} of its log"
        try:
            line = json.loads(text)
        except ValueError:
            if torn and number == len(texts):
                return
            raise LogError(f"{where} is not JSON: {show(text)}") from None
        if not isinstance(line, dict):
            raise LogError(f'{where} is {show(line)}; write {{"epoch": 1, "val_loss": 0.5}}')
        yield {key: _number(key, value, where) for key, value in line.items() if value is not None}


def _number(key: str, value: Any, where: str) -> Any:
    """A number, as its key has it; whatever is of an unknown key. Raises LogError."""
    if key not in KNOWN:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise LogError(f"{where}: {key} is {show(value)}, and no number")
    if key == "epoch" and math.isfinite(value) and 0 <= value < MOST:
        return value
    if key in PLACES or key == "n_parameters":
        if not (math.isfinite(value) and value == int(value) and 0 <= value < (MOST if key in PLACES else 2**62)):
            raise LogError(f"{where}: {key} is {show(value)}; give a whole number of at least 0")
        return int(value)
    if key == "seconds" and value < 0:
        raise LogError(f"{where}: seconds is {show(value)}; give those since the script began")
    if key.endswith(("_accuracy", "_f1", "small_weights")) and (value < 0 or value > 1):
        raise LogError(f"{where}: {key} is {show(value)}; give a fraction, such as 0.95")
    return float(value)


def _placed(lines: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row for each place that lines are of, with ``epoch`` and ``step``. Raises LogError where they go back.

    A line that says neither is of the place of the one before; where none says a step (an epoch), steps are epochs (and
    epochs are counted).
    """
    says = {place: any(place in line for line in lines) for place in PLACES}
    row: dict[str, Any] = {}
    for number, line in enumerate(lines, 1):
        at = {place: line.get(place, row.get(place, 0)) for place in PLACES if says[place]}
        at.setdefault("epoch", number if not says["step"] else row.get("epoch", 0) + (at["step"] != row.get("step")))
        if not says["step"] and at["epoch"] != int(at["epoch"]):
            raise LogError(f"epoch is {at['epoch']:g} in its log, and no line has a step; write both")
        at.setdefault("step", int(at["epoch"]))
        back = next((place for place in PLACES if at[place] < row.get(place, 0)), None)
        if back:
            raise LogError(f"{back} goes back from {row[back]} to {at[back]} in its log")
        if row and all(row[place] == at[place] for place in PLACES):
            row |= line
            continue
        if row:
            yield row
        row = {**at, **line}
    if row:
        yield row

"""The evaluations of runs that are there already, from a file with a row for each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import isfinite, nan
from typing import NamedTuple

from study.errors import Mistakes, join, show
from study.plan.elsewhere.labels import Key, Label, keys
from study.plan.elsewhere.models import CurvesFile, RunsFile, columns
from study.plan.elsewhere.runs import open_sheet
from study.plan.elsewhere.sheet import Cell, Sheet, number


class Evaluation(NamedTuple):
    """``levels``: by metric, those that the file has; NaN where it was not finite."""

    label: str
    seed: int
    epoch: int | None
    step: int | None
    levels: dict[str, float]


def read_curves(
    file: RunsFile, labels: Mapping[Key, Label], runs: Collection[tuple[str, int]], at: str, mistakes: Mistakes
) -> list[Evaluation]:
    """Every evaluation; mistakes are noted, and then there is none.

    ``labels``: of the arms; ``runs``: label and seed of those that there are; ``at``: the place of ``runs.curves``.
    """
    about = file.curves
    assert about
    sheet = open_sheet(about.path, join(at, "path"), mistakes)
    return _Evaluations(sheet, about, file, at, mistakes).read(labels, runs) if sheet else []


class _Evaluations:
    """A file on the way to its evaluations."""

    def __init__(self, sheet: Sheet, about: CurvesFile, file: RunsFile, at: str, mistakes: Mistakes) -> None:
        self.sheet, self.about, self.at, self.mistakes, self.before = sheet, about, at, mistakes, len(mistakes)
        names = file.labels if about.label is None else (about.label,) if isinstance(about.label, str) else about.label
        self.seed = about.seed or file.seed
        if self.seed is None:
            mistakes.add(join(at, "seed"), "is missing; give the column that says which run an evaluation is of")
        self.keys = [self.column(name, "label") for name in names]
        self.seeds = self.column(self.seed, "seed") if self.seed else []
        self.times = {key: self.column(name, key) for key in ("epoch", "step") if (name := getattr(about, key))}
        self.metrics = columns(about.metrics)
        self.names = self.column(about.metric, "metric") if about.metric else []
        wide = {} if about.metric else self.metrics
        self.wide = {name: self.column(one.column, f"metrics.{name}") for name, one in wide.items()}
        self.values = self.column(about.value, "value") if about.value else []

    def column(self, name: str, key: str) -> list[Cell]:
        """A column; empty where there is none, which is noted."""
        try:
            return self.sheet.column(name)
        except LookupError as error:
            self.mistakes.add(join(self.at, *key.split(".")), str(error.args[0]))
            return []

    def whole(self, key: str, cells: Sequence[Cell]) -> list[int]:
        """A column of whole numbers from 0 up. [rows]"""
        found = [number(cell) for cell in cells]
        bad = [i for i, value in enumerate(found) if value is None or not (value >= 0 and value % 1 == 0)]
        if bad:
            first = cells[bad[0]]
            what = "a cell is empty" if first is None else f"{show(first)} is no whole number"
            self.mistakes.add(join(self.at, key), f"{self.sheet.at(bad)}: {what}; give whole numbers from 0 up")
            return []
        return [int(value) for value in found if value is not None]

    def read(self, labels: Mapping[Key, Label], runs: Collection[tuple[str, int]]) -> list[Evaluation]:
        """All evaluations; none where any row is wrong."""
        if not self.keys or not self.seeds or len(self.mistakes) > self.before:
            return []
        seeds = self.whole("seed", self.seeds)
        times = {key: self.whole(key, cells) for key, cells in self.times.items()}
        if len(self.mistakes) > self.before:
            return []
        texts = {key: label.text for key, label in labels.items()}
        rows = [(texts.get(key, ""), seed) for key, seed in zip(keys(self.keys), seeds, strict=True)]
        if strange := [i for i, row in enumerate(rows) if row not in runs]:
            words = "no run has this label and seed; take the rows out, or add the run"
            self.mistakes.add(join(self.at, "path"), f"{self.sheet.at(strange)}: {words}")
            return []
        found: dict[tuple[str, int, int | None, int | None], dict[str, float]] = {}
        bad: dict[str, list[int]] = {}
        for i, (label, seed) in enumerate(rows):
            epoch, step = (times[key][i] if key in times else None for key in ("epoch", "step"))
            mine = found.setdefault((label, seed, epoch, step), {})
            for name, scale, cell in self._cells(i):
                level = number(cell)
                if level is None or name in mine:
                    words = "is no number; write numbers" if level is None else "is there twice; keep one of each"
                    bad.setdefault(words, []).append(i)
                else:
                    mine[name] = level * scale if isfinite(level) else nan
        for words, places in bad.items():
            self.mistakes.add(join(self.at, "metrics"), f"{self.sheet.at(places)}: a value {words}")
        return [] if bad else [Evaluation(*about, levels) for about, levels in found.items()]

    def _cells(self, row: int) -> Iterator[tuple[str, float, Cell]]:
        """Metric, scale and cell of what is not empty in a row."""
        named = {str(self.names[row]): self.values[row]} if self.names else {}
        for name, one in self.metrics.items():
            cell = named.get(one.column) if self.names else self.wide[name][row]
            if cell is not None:
                yield name, one.scale, cell

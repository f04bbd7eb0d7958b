"""From the rows of a file to runs: their arms, seeds, how they ended, and what they came to; or to every mistake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from study.errors import Mistakes, join, show, suggest
from study.metrics import METRICS
from study.plan.elsewhere.labels import Key, Label, keys, labels
from study.plan.elsewhere.models import RunsFile, RunsMetric, RunsStatus
from study.plan.elsewhere.sheet import Cell, Sheet, number

LARGEST_SEED = 2**31 - 1
ENDS = {  # as Weights & Biases, MLflow, schedulers and people write them
    "finished": ("finished", "finish", "success", "succeeded", "successful", "completed", "complete", "done", "ok"),
    "diverged": ("diverged", "nan"),
    "failed": ("failed", "failure", "crashed", "crash", "killed", "error", "timeout", "oom", "preempted", "cancelled"),
    "missing": ("missing", "running", "pending", "queued", "scheduled"),
}
EMPTY = "what such a run is: empty: diverged (or failed, missing)"
DIVERGE = f"write nan where the run diverged, or say {EMPTY}"
NAMED = 6  # runs that a line names


class GivenRun(NamedTuple):
    """``values``: by metric, those that are not finite too; None where there is none. ``reason``: the file's word."""

    label: str
    seed: int
    status: str
    reason: str | None
    values: dict[str, float | None]


class _Row(NamedTuple):
    """One run as it is written. ``row``: its first; ``cells``: by metric, with the rows that they are in."""

    key: Key
    seed: int
    row: int
    cells: dict[str, tuple[Cell, int]]


class _Bad(dict[tuple[str, str], tuple[str, list[int]]]):
    """Rows with a value that cannot be, by metric and by what would be right; what is wrong is told of the first."""

    def add(self, metric: str, row: int, what: str, right: str) -> None:
        self.setdefault((metric, right), (what, []))[1].append(row)


class Given(NamedTuple):
    """``labels``: of the arms, in the order of the file."""

    labels: dict[Key, Label]
    runs: list[GivenRun]


def read_runs(file: RunsFile, metrics: Mapping[str, RunsMetric], at: str, mistakes: Mistakes) -> Given | None:
    """The runs of a file; None where there are mistakes, which are noted.

    ``file``: with its path as seen from here; ``metrics``: those to be read; ``at``: the place of ``runs:`` in the
    study file.
    """
    before = len(mistakes)
    sheet = open_sheet(file.path, join(at, "path"), mistakes)
    if sheet is None:
        return None
    rows = _Rows(sheet, file, metrics, at, mistakes)
    return rows.given() if len(mistakes) == before else None


def open_sheet(path: str, place: str, mistakes: Mistakes) -> Sheet | None:
    """A file that has rows; None where there is none, which is noted."""
    try:
        return Sheet(Path(path))
    except FileNotFoundError:
        mistakes.add(place, f"there is no file {path!r}; give a path relative to the study file")
    except (OSError, ValueError) as error:
        folder = isinstance(error, IsADirectoryError)
        mistakes.add(place, f"{path!r} is a folder; give a CSV or Parquet file" if folder else str(error))
    return None


class _Rows:
    """A file on the way to its runs."""

    def __init__(
        self, sheet: Sheet, file: RunsFile, metrics: Mapping[str, RunsMetric], at: str, mistakes: Mistakes
    ) -> None:
        self.sheet, self.file, self.metrics, self.at, self.mistakes = sheet, file, metrics, at, mistakes
        place = join(at, "label")
        places = [place] if isinstance(file.label, str) else [join(place, i) for i in range(len(file.labels))]
        found = [self.column(*named) for named in zip(file.labels, places, strict=True)]
        self.keys: list[Key] = keys(found) if all(found) else []
        self.seeds = self.column(file.seed, join(at, "seed")) if file.seed else []
        self.ends = self.column(file.ends.column, join(at, "status")) if file.ends else []
        self.names = self.column(file.metric, join(at, "metric")) if file.metric else []
        self.values = self.column(file.value, join(at, "value")) if file.value else []
        wide = {} if file.metric else metrics
        self.wide = {name: self.column(one.column, join(at, "metrics", name)) for name, one in wide.items()}
        known = dict.fromkeys(str(cell) for cell in self.names if cell is not None)
        for name, one in metrics.items() if known else ():
            if one.column not in known:
                words = suggest(one.column, known, f"name in column {file.metric!r} of {sheet.name}")
                mistakes.add(join(at, "metrics", name), words)

    def column(self, name: str, place: str) -> list[Cell]:
        """A column; empty where there is none, which is noted."""
        try:
            return self.sheet.column(name)
        except LookupError as error:
            self.mistakes.add(place, str(error.args[0]))
            return []

    def given(self) -> Given | None:
        """All runs; None where any row is wrong."""
        before = len(self.mistakes)
        empty = [i for i, key in enumerate(self.keys) if all(cell is None for cell in key)]
        if empty:
            self.wrong("label", empty, "no label", "fill it in, or take the rows out")
        seeds = self._seeds()
        if len(self.mistakes) > before:
            return None
        made = labels(self.file.labels, list(dict.fromkeys(self.keys)))
        if len({label.text for label in made.values()}) < len(made):
            texts = [label.text for label in made.values()]
            twin = next(text for text in texts if texts.count(text) > 1)
            words = f"several arms are called {twin!r}; make six digits tell them apart"
            self.mistakes.add(join(self.at, "label"), words)
        rows = self._long(seeds, made) if self.file.metric else self._wide(seeds, made)
        if len(self.mistakes) > before:
            return None
        runs = self._runs(rows, made)
        return Given(made, runs) if len(self.mistakes) == before else None

    def wrong(self, key: str, rows: Iterable[int], what: str, right: str) -> None:
        """Note rows of the file, at the key of ``runs:`` that they are read by."""
        self.mistakes.add(join(self.at, *key.split("/")), f"{self.sheet.at([*rows])}: {what}; {right}")

    def _seeds(self) -> list[int]:
        """[rows]; without a column the runs of an arm are numbered."""
        if not self.file.seed:
            numbers = {key: count() for key in self.keys}
            return [next(numbers[key]) for key in self.keys]
        found = [number(cell) for cell in self.seeds]
        bad = [i for i, seed in enumerate(found) if seed is None or not (0 <= seed <= LARGEST_SEED and seed % 1 == 0)]
        if bad:
            first = self.seeds[bad[0]]
            what = "no seed" if first is None else f"{show(first)} is no seed"
            self.wrong("seed", bad, what, f"give whole numbers from 0 to {LARGEST_SEED}")
            return []
        return [int(seed) for seed in found if seed is not None]

    def _wide(self, seeds: Sequence[int], made: Mapping[Key, Label]) -> list[_Row]:
        taken: dict[tuple[Key, int], list[int]] = {}
        for i, key in enumerate(self.keys):
            taken.setdefault((key, seeds[i]), []).append(i)
        self._twice({(made[key].text, seed, ""): rows for (key, seed), rows in taken.items()})
        return [
            _Row(key, seeds[i], i, {name: (column[i], i) for name, column in self.wide.items()})
            for i, key in enumerate(self.keys)
        ]

    def _long(self, seeds: Sequence[int], made: Mapping[Key, Label]) -> list[_Row]:
        runs: dict[tuple[Key, int], _Row] = {}
        taken: dict[tuple[str, int, str], list[int]] = {}
        wanted: dict[str, list[str]] = {}
        for name, one in self.metrics.items():
            wanted.setdefault(one.column, []).append(name)
        for i, key in enumerate(self.keys):
            run = runs.setdefault((key, seeds[i]), _Row(key, seeds[i], i, {}))
            if names := wanted.get(str(self.names[i])):
                taken.setdefault((made[key].text, seeds[i], f" and {show(self.names[i])}"), []).append(i)
                run.cells.update(dict.fromkeys(names, (self.values[i], i)))
        self._twice(taken)
        return list(runs.values())

    def _twice(self, taken: Mapping[tuple[str, int, str], list[int]]) -> None:
        """Note the first of the runs that are there more than once."""
        several = [(about, rows) for about, rows in taken.items() if len(rows) > 1]
        for (label, seed, metric), rows in several[:1]:
            more = f" (and {len(several) - 1} more such)" * (len(several) > 1)
            right = "keep one, or add the column to 'label' that tells them apart"
            self.wrong("seed", rows, f"{label!r} has seed {seed}{metric} {len(rows)} times{more}", right)

    def _runs(self, rows: Sequence[_Row], made: Mapping[Key, Label]) -> list[GivenRun]:
        said, bad = self._ends(), _Bad()
        self.gone: dict[str, list[str]] = {}  # metric → the runs that no row has it of
        runs = [self._run(row, made[row.key].text, said[row.row] if said else "finished", bad) for row in rows]
        for (name, right), (what, where) in bad.items():
            self.wrong(f"metrics/{name}", where, what, right)
        for name, without in self.gone.items():
            named = "; ".join([*without[:NAMED], *[f"{len(without) - NAMED} more"] * (len(without) > NAMED)])
            what = f"{self.sheet.name} has no row with {self.metrics[name].column!r} of {named}"
            self.mistakes.add(join(self.at, "metrics", name), f"{what}; add it, or say {EMPTY}")
        return runs

    def _run(self, row: _Row, label: str, said: str, bad: _Bad) -> GivenRun:
        """``said``: how it ended, as its status has it, or "finished". What cannot be is added to ``bad``."""
        values = {name: self._value(row, name, said == "finished", bad) for name in self.metrics}
        for name in self.metrics if self.file.metric and said == "finished" and self.file.empty is None else ():
            if name not in row.cells:
                self.gone.setdefault(name, []).append(f"{label}, seed {row.seed}")
        word = str(self.ends[row.row]) if self.ends else None
        if said != "finished":
            return GivenRun(label, row.seed, said, word, values)
        gone = [name for name, value in values.items() if value is not None and not isfinite(value)]
        if gone:
            why = ", ".join(f"{self.metrics[name].column} is {values[name]}" for name in gone)
            return GivenRun(label, row.seed, "diverged", why, values)
        if self.file.empty and None in values.values():
            return GivenRun(label, row.seed, self.file.empty, "without a value", values)
        return GivenRun(label, row.seed, said, None, values)

    def _value(self, row: _Row, name: str, finished: bool, bad: _Bad) -> float | None:
        """What a run has of a metric, scaled; None where that is nothing."""
        one, (cell, at) = self.metrics[name], row.cells.get(name, (None, row.row))
        value = number(cell)
        if cell is None and name in row.cells and finished and self.file.empty is None:
            bad.add(name, at, f"{one.column!r} is empty", DIVERGE)
        elif cell is not None and value is None:
            right = "write numbers, with a point, and no more"
            bad.add(name, at, f"{show(cell)} in {one.column!r} is no number", right)
        elif value is not None and isfinite(value):
            value = value if one.scale == 1 else float(f"{value * one.scale:.12g}")  # 91.2 % is 0.912
            if finished and (wrong := unlike(name, one, value)):
                bad.add(name, at, *wrong)
        return value

    def _ends(self) -> list[str]:
        """The status of every row; empty without a column. [rows]"""
        about = self.file.ends
        if about is None:
            return []
        known = {word: status for status, words in ENDS.items() for word in words}
        known |= {word.casefold(): status for status in ENDS for word in getattr(about, status)}
        bad: dict[str, list[int]] = {}
        found = []
        for i, cell in enumerate(self.ends):
            word = "finished" if cell is None else str(cell).casefold()
            if word not in known:
                bad.setdefault(str(cell), []).append(i)
            found.append(known.get(word, ""))
        for word, rows in bad.items():
            say = f"say what it means: status: {{column: {about.column}, failed: [{word}]}} (or {_others('failed')})"
            self.wrong("status", rows, f"{word!r} is no status that is known here", say)
        return found


def _others(status: str) -> str:
    return ", ".join(name for name in RunsStatus.model_fields if name not in ("column", status))


def unlike(metric: str, one: RunsMetric, value: float) -> tuple[str, str] | None:
    """What is wrong with a value that such a metric cannot have, and what to write; None where nothing is."""
    about = METRICS[metric]
    lowest = -1.0 if about.percent == "points" else 0.0
    if about.percent and not lowest <= value <= 1:
        fix = f"write metrics: {{{metric}: {{column: {one.column}, scale: 0.01}}}}"
        right = f"where it is in percent, {fix}" if one.scale == 1 else "correct the scale"
        return f"{value:g} in {one.column!r} is no {about.title}, which is a fraction", right
    if about.ratio and value < 0:
        other = f"{{my_{metric}: {{column: {one.column}, better: {about.better}}}}}"
        return (
            f"{value:g} in {one.column!r} is below 0, and arms are compared by factors of their {about.title}",
            f"where it may be, call it by another name: {other}",
        )
    return None

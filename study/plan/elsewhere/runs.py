"""From the rows of a file to runs: their arms, seeds, how they ended, and what they came to; or to every mistake.

And from those of another file to the evaluations of these runs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import count
from math import isfinite, nan
from typing import NamedTuple

from study.errors import Mistakes, join, suggest
from study.metrics import METRICS
from study.plan.elsewhere.columns import Columns, Key, Label, labels, open_sheet
from study.plan.elsewhere.models import RunsFile, RunsMetric, columns
from study.plan.elsewhere.sheet import Cell, Sheet, number
from study.wording import beginning, show

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


class Given(NamedTuple):
    """``labels``: of the arms, in the order of the file."""

    labels: dict[Key, Label]
    runs: list[GivenRun]


def read_runs(file: RunsFile, metrics: Mapping[str, RunsMetric], at: str, mistakes: Mistakes) -> Given | None:
    """The runs of a file; None where there are mistakes, which are noted.

    ``file``: with its path as seen from here; ``metrics``: those to be read; ``at``: the place of ``runs:`` in the
    study file.
    """
    sheet = open_sheet(file.path, join(at, "path"), mistakes)
    return _Rows(sheet, file, metrics, at, mistakes).given() if sheet else None


class _Rows(Columns):
    """A file on the way to its runs."""

    def __init__(
        self, sheet: Sheet, file: RunsFile, metrics: Mapping[str, RunsMetric], at: str, mistakes: Mistakes
    ) -> None:
        super().__init__(sheet, file, metrics, at, mistakes)
        self.file = file
        self.bad: dict[tuple[str, str], tuple[str, list[int]]] = {}  # metric, what is right → what is wrong, rows
        self.gone: dict[str, list[str]] = {}  # metric → the runs that no row has it of
        numbers = {key: count() for key in self.keys}  # where no column says which run it is
        self.seeds = self.whole(file.seed, "seed") if file.seed else [next(numbers[key]) for key in self.keys]
        self.ends = self.column(file.ends.column, "status") if file.ends else []
        known = dict.fromkeys(str(cell) for cell in self.names if cell is not None)
        for name, one in metrics.items() if known else ():
            if one.column not in known:
                words = suggest(one.column, known, f"name in column {file.metric!r} of {sheet.name}")
                mistakes.add(join(at, "metrics", name), words)
        empty = [i for i, key in enumerate(self.keys) if all(cell is None for cell in key)]
        if empty:
            self.wrong(empty, "no label", "fill it in, or take the rows out", "label")

    def given(self) -> Given | None:
        """All runs; None where any row is wrong."""
        if not self.right:
            return None
        made = labels(self.file.labels, list(dict.fromkeys(self.keys)))
        texts = [label.text for label in made.values()]
        if len({*texts}) < len(texts):
            twin = next(text for text in texts if texts.count(text) > 1)
            words = f"several arms are called {twin!r}; make six digits tell them apart"
            self.mistakes.add(join(self.at, "label"), words)
        rows = self._runs_of_rows(made)
        if not self.right:
            return None
        runs = self._runs(rows, made)
        return Given(made, runs) if self.right else None

    def _runs_of_rows(self, made: Mapping[Key, Label]) -> list[_Row]:
        """Every run once, with what its rows have; the first of those that are there more than once is noted."""
        runs: dict[tuple[Key, int], _Row] = {}
        taken: dict[tuple[str, int, str], list[int]] = {}
        for i, (key, seed) in enumerate(zip(self.keys, self.seeds, strict=True)):
            run, cells = runs.setdefault((key, seed), _Row(key, seed, i, {})), self.cells(i)
            run.cells.update({name: (cell, i) for name, cell in cells.items()})
            if cells:
                metric = f" and {show(self.names[i])}" if self.names else ""
                taken.setdefault((made[key].text, seed, metric), []).append(i)
        several = [(about, rows) for about, rows in taken.items() if len(rows) > 1]
        for (label, seed, metric), rows in several[:1]:
            more = f" (and {len(several) - 1} more such)" * (len(several) > 1)
            right = "keep one, or add the column to 'label' that tells them apart"
            self.wrong(rows, f"{label!r} has seed {seed}{metric} {len(rows)} times{more}", right, "seed")
        return list(runs.values())

    def _runs(self, rows: Sequence[_Row], made: Mapping[Key, Label]) -> list[GivenRun]:
        said = self._ends()
        runs = [self._run(row, made[row.key].text, said[row.row] if said else "finished") for row in rows]
        for (name, right), (what, where) in self.bad.items():
            self.wrong(where, what, right, "metrics", name)
        for name, without in self.gone.items():
            named = "; ".join(beginning(without, NAMED))
            what = f"{self.sheet.name} has no row with {self.metrics[name].column!r} of {named}"
            self.mistakes.add(join(self.at, "metrics", name), f"{what}; add it, or say {EMPTY}")
        return runs

    def _run(self, row: _Row, label: str, said: str) -> GivenRun:
        """``said``: how it ended, as its status has it, or "finished"."""
        values = {name: self._value(row, name, said == "finished") for name in self.metrics}
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

    def _value(self, row: _Row, name: str, finished: bool) -> float | None:
        """What a run has of a metric, scaled; None where that is nothing. What cannot be is added to ``bad``."""
        one, (cell, at) = self.metrics[name], row.cells.get(name, (None, row.row))
        value, wrong = number(cell), None
        if cell is None and name in row.cells and finished and self.file.empty is None:
            wrong = f"{one.column!r} is empty", DIVERGE
        elif cell is not None and value is None:
            wrong = f"{show(cell)} in {one.column!r} is no number", "write numbers, with a point, and no more"
        elif value is not None and isfinite(value):
            value = value if one.scale == 1 else float(f"{value * one.scale:.12g}")  # 91.2 % is 0.912
            wrong = unlike(name, one, value) if finished else None
        if wrong:
            self.bad.setdefault((name, wrong[1]), (wrong[0], []))[1].append(at)
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
        others = ", ".join(status for status in ENDS if status != "failed")
        for word, rows in bad.items():
            say = f"say what it means: status: {{column: {about.column}, failed: [{word}]}} (or {others})"
            self.wrong(rows, f"{word!r} is no status that is known here", say, "status")
        return found


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
    about = about.model_copy(update={"label": about.label or file.label, "seed": about.seed or file.seed})
    sheet = open_sheet(about.path, join(at, "path"), mistakes)
    if sheet is None:
        return []
    found = Columns(sheet, about, columns(about.metrics), at, mistakes)
    if about.seed is None:
        mistakes.add(join(at, "seed"), "is missing; give the column that says which run an evaluation is of")
    seeds = found.whole(about.seed, "seed")
    times = {key: found.whole(name, key) for key in ("epoch", "step") if (name := getattr(about, key))}
    if not found.right:
        return []
    texts = {key: label.text for key, label in labels.items()}
    rows = [(texts.get(key, ""), seed) for key, seed in zip(found.keys, seeds, strict=True)]
    if strange := [i for i, row in enumerate(rows) if row not in runs]:
        found.wrong(strange, "no run has this label and seed", "take the rows out, or add the run", "path")
        return []
    return _evaluations(found, rows, times)


def _evaluations(
    found: Columns, rows: Sequence[tuple[str, int]], times: Mapping[str, Sequence[int]]
) -> list[Evaluation]:
    """``rows``: the label and the seed of each; ``times``: its epoch, its step, where there are such columns."""
    made: dict[tuple[str, int, int | None, int | None], dict[str, float]] = {}
    bad: dict[tuple[str, str], list[int]] = {}
    for i, (label, seed) in enumerate(rows):
        epoch, step = (times[key][i] if key in times else None for key in ("epoch", "step"))
        mine = made.setdefault((label, seed, epoch, step), {})
        for name, cell in found.cells(i).items():
            level = number(cell)
            if cell is None:
                continue
            if level is None or name in mine:
                no_number, twice = (
                    ("a value is no number", "write numbers"),
                    ("a value is there twice", "keep one of each"),
                )
                bad.setdefault(no_number if level is None else twice, []).append(i)
            else:
                mine[name] = level * found.metrics[name].scale if isfinite(level) else nan
    for words, places in bad.items():
        found.wrong(places, *words, "metrics")
    return [] if bad else [Evaluation(*about, levels) for about, levels in made.items()]

"""The evaluations of runs that are there already, from a file with a row for each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import isfinite, nan
from typing import NamedTuple

from study.errors import Mistakes, join
from study.plan.elsewhere.columns import Columns, open_sheet
from study.plan.elsewhere.labels import Key, Label
from study.plan.elsewhere.models import RunsFile, columns
from study.plan.elsewhere.sheet import number


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

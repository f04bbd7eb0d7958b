"""One table per comparison: ours with intervals beside the reported figures."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from study.metrics import METRICS, Target
from study.plan.plan import PlannedComparison
from study.show.formatting import NONE, Estimate, Shown, column, heading, none, show
from study.show.observations import neighbours
from study.show.tables.tuning import from_row, in_words, read_from
from study.show.templates import paragraphs

BROKEN = ("diverged", "failed", "missing")


class Cell(NamedTuple):
    """What was measured, a remark on it, and the figure reported elsewhere as printed there (None: not asked)."""

    shown: Shown
    remark: str
    reported: str | None

    def __str__(self) -> str:
        return f"{self.shown} ({self.remark})" if self.remark else str(self.shown)


class Row(NamedTuple):
    label: str
    cells: tuple[Cell, ...]  # [metrics]
    runs: str  # empty where the table does not count them
    tuned: tuple[Cell, ...] = ()  # [selections] the settings that tuning chose


class Table(NamedTuple):
    """A row per arm, the reference first; a cell per metric. All text."""

    headings: tuple[str, ...]  # [metrics]
    with_reported: tuple[bool, ...]  # [metrics] whether any arm has a reported figure
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    selected: tuple[str, ...] = ()  # [selections] headings of what was chosen; empty where nothing is tuned

    def frame(self) -> pd.DataFrame:
        """As one text column per metric, and one per metric with reported figures."""
        rows = []
        for row in self.rows:
            values = {"arm": row.label}
            for title, both, cell in zip(self.headings, self.with_reported, row.cells, strict=True):
                values[title] = str(cell)
                if both:
                    values[f"{title.partition(' (')[0]}, reported"] = cell.reported or NONE
            values |= {title: str(cell) for title, cell in zip(self.selected, row.tuned, strict=True)}
            rows.append(values | ({"runs": row.runs} if row.runs else {}))
        return pd.DataFrame(rows)


def ordered(comparison: PlannedComparison) -> list[str]:
    """The labels of the arms, the reference first, else as written."""
    labels = [arm.label for arm in comparison.arms]
    return sorted(labels, key=lambda label: label != comparison.reference)


def table(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None = None) -> Table:
    """``summary`` has the columns of summary.parquet; ``device``: what the arms were timed on, as headings name it."""
    ours = _by_arm(comparison, summary)
    labels = ordered(comparison)
    reported = {m: any(m in figures for figures in comparison.reported.values()) for m in comparison.metrics}
    columns = []
    for metric in comparison.metrics:
        rows = [ours[label, metric] for label in labels]
        texts = column(metric, [Estimate(row["estimate"], row["low"], row["high"]) for row in rows])
        columns.append(
            [
                Cell(text, remark(metric, row), comparison.reported.get(label, {}).get(metric))
                for label, text, row in zip(labels, texts, rows, strict=True)
            ]
        )
    counts = [runs_cell(ours[label, comparison.metrics[0]]) for label in labels]
    by_select = _read_by(comparison)
    tuned = [tuple(chosen_cell(ours[label, metric]) for metric in by_select.values()) for label in labels]
    units = [ours[labels[0], metric]["unit"] for metric in comparison.metrics]
    return Table(
        headings=tuple(heading(m, unit, device) for m, unit in zip(comparison.metrics, units, strict=True)),
        with_reported=tuple(reported[metric] for metric in comparison.metrics),
        rows=tuple(map(Row, labels, zip(*columns, strict=True), counts, tuned)),
        notes=tuple(notes(comparison, list(ours.values()), device)),
        selected=tuple(f"tuned by {METRICS[select].title}" for select in by_select),
    )


def numeric(comparison: PlannedComparison, summary: pd.DataFrame) -> pd.DataFrame:
    """The same for machines: a row per arm, numeric columns in stored units (accuracies as fractions).

    Per metric: its estimate under the metric's name, then _low, _high, _n_reached (times to target) and
    _reported (text, as printed); then the counts of runs. Where arms are tuned, per selection: arm_by_, chosen_by_
    (settings, JSON), undertuned_by_ and, of undertuned arms, next_by_ (candidates to try, JSON).
    """
    ours = _by_arm(comparison, summary)
    counts = [name for name in summary.columns if (name == "n" or name.startswith("n_")) and name != "n_reached"]
    rows = []
    for label in ordered(comparison):
        first = ours[label, comparison.metrics[0]]
        row: dict[str, Any] = {"label": label, "arm": first["arm"]}
        for metric in comparison.metrics:
            found = ours[label, metric]
            row |= {metric: found["estimate"], f"{metric}_low": found["low"], f"{metric}_high": found["high"]}
            if METRICS[metric].target:
                row[f"{metric}_n_reached"] = found["n_reached"]
            if any(metric in figures for figures in comparison.reported.values()):
                row[f"{metric}_reported"] = found["reported"]
        rows.append(row | {name: first[name] for name in counts})
        for select, metric in _read_by(comparison).items():
            rows[-1] |= {
                f"{name}_by_{select}": ours[label, metric][name] for name in ("arm", "chosen", "undertuned", "next")
            }
    frame = pd.DataFrame(rows)
    return frame.astype({name: "Int64" for name in frame if str(name).endswith("_n_reached")})


def remark(metric: str, row: dict[str, Any]) -> str:
    """How many reached the target; or why an interval is missing or not to be trusted."""
    known = int(row["n_finished"] + row["n_diverged"])
    parts = []
    if METRICS[metric].target and not none(row["n_reached"]) and known:
        parts.append(f"{int(row['n_reached'])}/{known} reached")
    if none(row["estimate"]):
        return parts[0] if parts else "not timed" if METRICS[metric].timed and row["n_finished"] else ""
    if not METRICS[metric].timed and not METRICS[metric].target and 0 < row["n_learned"] < row["n_finished"]:
        # Runs of both kinds: a mean between two clusters describes neither.
        median = show(metric, Estimate(row["median"], None, None)).value
        parts.append(f"median {median}; interval unreliable")
    elif none(row["low"]) and not METRICS[metric].per_round:
        few = known < 6 if METRICS[metric].target else row["n_finished"] < 2
        parts.append("too few seeds for an interval" if few else "all seeds equal")
    return ", ".join(parts)


def chosen_cell(row: dict[str, Any]) -> Cell:
    """The settings that tuning chose for an arm; empty where it has none to search."""
    if none(row["select"]):
        return Cell(Shown(NONE, ""), "", None)
    value, remark = in_words(*from_row(row))
    return Cell(Shown(value, ""), remark, None)


def runs_cell(row: dict[str, Any]) -> str:
    """How many runs stand behind a row: ``16``, or ``14/16 finished, 2 diverged``, and how many learned."""
    parts = [str(row["n"]) if row["n_finished"] == row["n"] else f"{row['n_finished']}/{row['n']} finished"]
    parts += [f"{row[f'n_{status}']} {status}" for status in BROKEN if row[f"n_{status}"]]
    if row["n_learned"] < row["n_finished"]:
        parts.append(f"{row['n_learned']} of {row['n_finished']} learned")
    return ", ".join(parts)


def _read_by(comparison: PlannedComparison) -> dict[str, str]:
    """What arms are tuned by → the first metric shown that is read from those arms."""
    found: dict[str, str] = {}
    for metric in comparison.metrics if comparison.selections else ():
        found.setdefault(comparison.selections[metric], metric)
    return found


def _by_arm(comparison: PlannedComparison, summary: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of a comparison by label and metric."""
    rows = summary[summary["comparison"] == comparison.name].to_dict("records")
    return {(str(row["label"]), str(row["metric"])): {str(k): v for k, v in row.items()} for row in rows}


def notes(comparison: PlannedComparison, rows: list[dict[str, Any]], device: str | None) -> list[str]:
    """What the figures are, in a few lines."""
    metrics = comparison.metrics
    return paragraphs(
        "table_notes",
        comparison=comparison,
        means=any(not METRICS[metric].target and not METRICS[metric].per_round for metric in metrics),
        target=target_text(comparison) if any(METRICS[metric].target for metric in metrics) else "",
        rounds=any(METRICS[metric].per_round for metric in metrics),
        timed=any(METRICS[metric].timed for metric in metrics),
        device=device,
        diverged=any(row["n_diverged"] for row in rows),
        undertuned=any(row["undertuned"] is True for row in rows),
        read_from=read_from(comparison),
    )


def target_text(comparison: PlannedComparison) -> str:
    target = comparison.target
    if target is None:
        return ""
    if target.metric == "val_accuracy":
        return f"validation accuracy of at least {target.value * 100:g} %"
    return f"validation loss of at most {target.value:g}"


def beside(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None = None) -> Table | None:
    """Medians and counts at the neighbouring targets; None where the comparison shows no time to target."""
    labels, columns, headings = ordered(comparison), [], []
    found = _by_arm(comparison, summary)
    for metric in (m for m in comparison.metrics if METRICS[m].target):
        for side, target in neighbours(comparison.target).items():
            cells = [found[label, metric] for label in labels]
            medians = [None if none(cell[f"{side}_median"]) else float(cell[f"{side}_median"]) for cell in cells]
            texts = column(metric, [Estimate(median, None, None) for median in medians])
            columns.append([Cell(text, _reached(c, side), None) for text, c in zip(texts, cells, strict=True)])
            headings.append(f"{heading(metric, device=device)}, {level_text(target)}")
    if not columns:
        return None
    rows_ = [Row(label, tuple(cells), "") for label, *cells in zip(labels, *columns, strict=True)]
    return Table(tuple(headings), (False,) * len(headings), tuple(rows_), (NOTE,))


NOTE = "The same runs at two neighbouring targets: medians over seeds, and how many runs reach them."


def level_text(target: Target) -> str:
    """The level of a target, with its unit where it has one: ``94 %``."""
    return f"{target.value * 100:g} %" if target.metric == "val_accuracy" else f"loss {target.value:g}"


def _reached(cell: dict[Any, Any], side: str) -> str:
    count, known = cell[f"{side}_n_reached"], int(cell["n_finished"] + cell["n_diverged"])
    return "" if none(count) else f"{int(count)}/{known} reached"

"""One table per comparison, ours with intervals beside the reported figures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from study.metric import Select
from study.metrics import METRICS
from study.plan.choice import Chosen
from study.plan.plan import PlannedComparison
from study.plan.style import AGAINST, ARM, REPORTED, RUNS, TUNED
from study.show.formatting import NONE, Cell, aligned, column, effects, heading, show
from study.show.observations import neighbours
from study.show.records import choices
from study.show.tables.tuning import by_selection, chosen_cell, doubts, read_from
from study.show.templates import paragraphs
from study.stats.estimates import Estimate
from study.target import Target

BROKEN = ("diverged", "failed", "missing")
LETTER, PADDING = 0.46, 1.1  # rem of a letter, and of a column
NARROW, MEDIUM = 46, 60  # rem of a table, above which it does not fit a small screen, and a page
Row = dict[str, Any]  # of the summary


class Column(NamedTuple):
    """One of a table: its name in a study file, and heading; ``kind``: measured, against, reported, chosen or runs."""

    name: str
    heading: str
    kind: str
    cells: list[Cell]  # [arms]


class Table(NamedTuple):
    arms: list[str]  # labels, the reference first
    columns: list[Column]
    notes: list[str]

    @property
    def headings(self) -> list[str]:
        return ["arm", *(column.heading for column in self.columns)]

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """A label, then the cells of its arm."""
        return list(zip(self.arms, *(column.cells for column in self.columns), strict=True))

    @property
    def below(self) -> list[Column]:
        """What is told of an arm below its figures; empty where arms are not tuned."""
        tuned = any(column.kind == "chosen" for column in self.columns)
        return [column for column in self.columns if tuned and column.kind in ("chosen", "runs")]

    @property
    def figures(self) -> list[Column]:
        """The columns that are compared, their decimals in line."""
        shown = [column for column in self.columns if column not in self.below]
        return [c if c.kind == "reported" else c._replace(cells=aligned(c.cells)) for c in shown]

    @property
    def groups(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """The headings of ``figures``: each with the columns that belong to it, by heading and kind."""
        found: list[tuple[str, list[tuple[str, str]]]] = []
        named = {"against": f"against {self.arms[0]}", "reported": "reported"}
        for _, title, kind, _ in self.figures:
            if kind not in named:
                found.append((title, []))
            found[-1][1].append((named.get(kind, "measured"), kind))
        return found

    @property
    def heads(self) -> list[str]:
        """The arm, then of each of ``figures`` what tells it apart below the one before it."""
        return [
            "arm",
            *(sub if kind in ("against", "reported") else title for title, parts in self.groups for sub, kind in parts),
        ]

    @property
    def size(self) -> str:
        """``narrow``, ``medium`` or ``broad``: below which width of the page its rows become cards."""
        words = [(sub if columns[1:] else title).split() for title, columns in self.groups for sub, _ in columns]
        rem = PADDING + LETTER * min(40, max(map(len, self.arms), default=0))
        for figure, heads in zip(self.figures, words, strict=True):
            lines = [line for cell in figure.cells for line in _lines(cell)]
            rem += PADDING + LETTER * max(map(len, [*lines, *heads]), default=0)
        return "narrow" if rem <= NARROW else "medium" if rem <= MEDIUM else "broad"


def ordered(comparison: PlannedComparison) -> list[str]:
    """The labels of the arms, the reference first, else as written."""
    labels = [arm.label for arm in comparison.arms]
    return sorted(labels, key=lambda label: label != comparison.reference)


def table(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None = None) -> Table:
    """``summary`` has the columns of summary.parquet; ``device``: what the arms were timed on, as headings name it."""
    rows = by_metric(comparison, summary)
    columns: list[Column] = []
    for metric, mine in rows.items():
        about = METRICS[metric]
        estimates = [Estimate(row["estimate"], row["low"], row["high"]) for row in mine]
        title = heading(metric, mine[0]["unit"], device)
        remarks = [remark(metric, row) for row in mine]
        columns.append(Column(metric, title, "measured", column(metric, estimates, remarks)))
        if metric in claimed(comparison):
            title = f"{about.title} against {comparison.reference}"
            columns.append(Column(metric + AGAINST, title, "against", against(metric, mine)))
        if has_reported(comparison, metric):
            reported = [Cell(NONE if pd.isna(row["reported"]) else row["reported"]) for row in mine]
            columns.append(Column(metric + REPORTED, f"{about.title}, reported", "reported", reported))
    chosen = _chosen(summary)
    for select, metric in shown_first(comparison).items():
        cells: list[Cell] = [
            Cell(NONE) if pd.isna(row["select"]) else chosen_cell(chosen, row["arm"]) for row in rows[metric]
        ]
        columns.append(Column(TUNED, f"tuned by {METRICS[select].title}", "chosen", cells))
    columns.append(Column(RUNS, "runs", "runs", [Cell(_runs(row)) for row in rows[comparison.metrics[0]]]))
    every = [row for mine in rows.values() for row in mine]
    metrics = [METRICS[metric] for metric in comparison.metrics]
    notes = paragraphs(
        "table_notes",
        comparison=comparison,
        means={mean: [m.title for m in metrics if m.mean == mean] for mean in dict.fromkeys(m.mean for m in metrics)},
        rounds=any(metric.per_round for metric in metrics),
        medians=any(row["estimator"] == "median" for row in every),
        against=[METRICS[metric].mean for metric in claimed(comparison)],
        target=target_text(comparison.target) if comparison.target and any(m.target for m in metrics) else "",
        timed=any(metric.timed for metric in metrics),
        device=device,
        undertuned=any(row["undertuned"] is True for row in every),
        misled=any(one.misled for one in chosen.values() if one),
        warm=any("warm" in arm.values.get("start", "") for arm in comparison.arms),
        read_from=read_from(comparison),
    )
    return Table(ordered(comparison), columns, notes)


def selected(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None) -> Table:
    """The table with the labels of the arms, and the columns that the study file chooses for a paper. What is left out
    of runs that did not finish, and of doubtful tuning, is a remark on the label.
    """
    ours, wanted = table(comparison, summary, device), comparison.table.headers if comparison.table else {}
    found = [column for column in ours.columns if not wanted or column.name in wanted]
    if wanted:
        found.sort(key=lambda column: [*wanted].index(column.name))
        found = [column._replace(heading=wanted[column.name] or column.heading) for column in found]
    names = {column.name for column in found}
    remarks: list[list[str]] = [[] for _ in ours.arms]
    if RUNS not in names:
        [runs] = [column.cells for column in ours.columns if column.name == RUNS]
        for mine, cell in zip(remarks, runs, strict=True):
            mine += [re.sub(r"^\d+, ", "", cell.value)] * (not cell.value.isdigit())
    if TUNED not in names:
        chosen, rows = _chosen(summary), by_metric(comparison, summary)
        for metric in (metric for metric in comparison.metrics if metric in names):
            for mine, row in zip(remarks, rows[metric], strict=True):
                mine += _against_tuning(row, chosen)
    labels = [
        Cell(label, remark="; ".join(dict.fromkeys(mine))) for label, mine in zip(ours.arms, remarks, strict=True)
    ]
    return ours._replace(columns=[Column(ARM, wanted.get(ARM) or "arm", "arm", labels), *found])


def _chosen(summary: pd.DataFrame) -> dict[str, Chosen | None]:
    """What tuning chose for each arm of a summary."""
    tried = summary.dropna(subset="undertuned")
    return choices(tried.assign(settings=tried["chosen"], chosen=tried["chosen"].notna()))


def _against_tuning(row: Row, chosen: Mapping[str, Chosen | None]) -> list[str]:
    """Why the arm of a row may do better than shown."""
    one = chosen.get(row["arm"])
    if pd.isna(row["select"]):
        return []
    return [f"{mark}: {why}" for mark, why in doubts(one).items()] if one else [chosen_cell(chosen, row["arm"]).remark]


def remark(metric: str, row: Row) -> str:
    """How many reached the target; or why an interval is missing or not to be trusted."""
    known = int(row["n_finished"] + row["n_diverged"])
    about, median = METRICS[metric], row["estimator"] == "median"
    parts = [text for text in [_reached(row)] if text and about.target and known]
    if pd.isna(row["estimate"]):
        absent = "over half diverged" if median else "not timed" if about.timed else "not recorded"
        return parts[0] if parts else absent * bool(row["n_finished"])
    parts = ["median"] * median + parts
    if not about.timed and not about.target and not median and 0 < row["n_learned"] < row["n_finished"]:
        # Runs of both kinds: a mean between two clusters describes neither.
        parts.append(f"median {show(metric, Estimate(row['median']))}; interval unreliable")
    elif pd.isna(row["low"]) and not about.per_round:
        few = known < 6 if median else row["n_finished"] < 2
        parts.append("too few seeds for an interval" if few else "all seeds equal")
    return ", ".join(parts)


def claimed(comparison: PlannedComparison) -> list[str]:
    """The metrics shown that are claimed: these have a column against the reference."""
    about = {claim.metric for claim in comparison.claims}
    return [metric for metric in comparison.metrics if metric in about]


def against(metric: str, rows: list[Row]) -> list[Cell]:
    """How far each arm is from the reference."""
    cells = effects(metric, [Estimate(row["against"], row["against_low"], row["against_high"]) for row in rows])
    remarks = ("median" * (pd.notna(r["against"]) and r["against_estimator"] == "median") for r in rows)
    return [cell._replace(remark=remark) for cell, remark in zip(cells, remarks, strict=True)]


def _lines(cell: Cell) -> list[str]:
    """The lines of a cell on the page; an interval has brackets, a long remark is broken."""
    return [cell.value, f" {cell.around} " * bool(cell.around), cell.remark[:16]]


def _runs(row: Row) -> str:
    """How many runs stand behind a row: ``16``, or ``14/16 finished, 2 diverged``, and how many learned."""
    parts = [str(row["n"]) if row["n_finished"] == row["n"] else f"{row['n_finished']}/{row['n']} finished"]
    parts += [f"{row[f'n_{status}']} {status}" for status in BROKEN if row[f"n_{status}"]]
    if row["n_learned"] < row["n_finished"]:
        parts.append(f"{row['n_learned']} of {row['n_finished']} learned")
    return ", ".join(parts)


def has_reported(comparison: PlannedComparison, metric: str) -> bool:
    return any(metric in figures for figures in comparison.reported.values())


def shown_first(comparison: PlannedComparison) -> dict[Select, str]:
    """What arms are tuned by → the first metric shown that is read from those arms."""
    metrics = comparison.metrics
    return {s: mine[0] for s, mine in by_selection(comparison).items() if mine[0] in metrics}


def by_metric(comparison: PlannedComparison, summary: pd.DataFrame) -> dict[str, list[Row]]:
    """The rows of a comparison, by metric, in the order of the arms."""
    mine = summary[summary["comparison"] == comparison.name].set_index("label", drop=False)
    return {
        metric: mine[mine["metric"] == metric].loc[ordered(comparison)].to_dict("records")  # type: ignore[misc]
        for metric in comparison.metrics
    }


def target_text(target: Target) -> str:
    accuracy = target.metric == "val_accuracy"
    return f"validation {'accuracy of at least' if accuracy else 'loss of at most'} {_level(target)}"


def _level(target: Target) -> str:
    """The level of a target, with its unit where it has one: ``94 %``."""
    return f"{target.value * 100:g} %" if target.metric == "val_accuracy" else f"{target.value:g}"


def beside(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None = None) -> Table | None:
    """Medians and counts at the neighbouring targets; None where the comparison shows no time to target."""
    columns: list[Column] = []
    for metric, mine in by_metric(comparison, summary).items():
        for side, target in neighbours(comparison.target).items() if METRICS[metric].target else ():
            level = f"{'loss ' * (target.metric == 'val_loss')}{_level(target)}"
            estimates = [Estimate(row[f"{side}_median"]) for row in mine]
            reached = [_reached(row, f"{side}_n_reached") for row in mine]
            title = f"{heading(metric, device=device)}, {level}"
            columns.append(Column(metric, title, "measured", column(metric, estimates, reached)))
    note = "The same runs at two neighbouring targets: medians over seeds, and how many runs reach them."
    return Table(ordered(comparison), columns, [note]) if columns else None


def _reached(row: Row, name: str = "n_reached") -> str:
    """How many of the runs of which that is known reached a target; ``name``: of the column that counts them."""
    return "" if pd.isna(row[name]) else f"{int(row[name])}/{int(row['n_finished'] + row['n_diverged'])} reached"

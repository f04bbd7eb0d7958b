"""One table per comparison: ours with intervals beside the reported figures, as CSV, Markdown and LaTeX."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd

from study.plan.metrics import METRICS
from study.plan.plan import PlannedComparison
from study.show.numbers import interval

BROKEN = ("diverged", "failed", "missing")


def table(comparison: PlannedComparison, summary: pd.DataFrame) -> pd.DataFrame:
    """A row per arm, a column per metric and one per reported figure; all cells are text.

    ``summary`` has the columns of summary.parquet.
    """
    ours = summary[summary["comparison"] == comparison.name].set_index(["label", "metric"])
    rows = []
    for arm in comparison.arms:
        row = {"arm": arm.label}
        for metric in comparison.metrics:
            row[heading(metric)] = cell(metric, ours.loc[(arm.label, metric)])
            if any(metric in figures for figures in comparison.reported.values()):
                row[f"{METRICS[metric].title}, reported"] = comparison.reported.get(arm.label, {}).get(metric, "–")
        row["runs"] = runs_cell(ours.loc[(arm.label, comparison.metrics[0])])
        rows.append(row)
    return pd.DataFrame(rows)


def heading(metric: str) -> str:
    unit = METRICS[metric].unit
    return f"{METRICS[metric].title} ({unit})" if unit else METRICS[metric].title


def cell(metric: str, row: pd.Series) -> str:
    """An estimate with its interval, and how many reached the target."""
    value, around = interval(metric, row["estimate"], row["low"], row["high"])
    parts = [value] + ([f"[{around}]"] if around else [])
    if METRICS[metric].target and not _none(row["n_reached"]):
        known = int(row["n_finished"] + row["n_diverged"])
        parts.append(f"({int(row['n_reached'])}/{known} reached)")
    elif 0 < row["n_learned"] < row["n_finished"] and not METRICS[metric].timed:
        # Runs of both kinds: a mean between two clusters describes neither.
        parts.append(f"(median {interval(metric, row['median'], None, None)[0]}; interval unreliable)")
    return " ".join(parts)


def runs_cell(row: pd.Series) -> str:
    """How many runs stand behind a row: ``16``, or ``14/16 finished, 2 diverged``, and how many learned."""
    parts = [str(row["n"]) if row["n_finished"] == row["n"] else f"{row['n_finished']}/{row['n']} finished"]
    parts += [f"{row[f'n_{status}']} {status}" for status in BROKEN if row[f"n_{status}"]]
    if row["n_learned"] < row["n_finished"]:
        parts.append(f"{row['n_learned']} of {row['n_finished']} learned")
    return ", ".join(parts)


def to_csv(frame: pd.DataFrame, comparison: PlannedComparison) -> str:
    return str(frame.to_csv(index=False, lineterminator="\n"))


def to_markdown(frame: pd.DataFrame, comparison: PlannedComparison) -> str:
    lines = [f"**{comparison.title}**", "", _row(frame.columns)]
    lines.append(_row(["---"] + ["---:"] * (frame.shape[1] - 1)))
    lines += [_row(values) for values in frame.itertuples(index=False)]
    return "\n".join([*lines, "", *notes(comparison)]) + "\n"


def to_latex(frame: pd.DataFrame, comparison: PlannedComparison) -> str:
    """A booktabs table (pandas' Styler would need the same package)."""
    columns = "l" + "r" * (frame.shape[1] - 1)
    lines = [r"\begin{tabular}{" + columns + "}", r"\toprule"]
    lines.append(" & ".join(map(_tex, frame.columns)) + r" \\")
    lines.append(r"\midrule")
    lines += [" & ".join(map(_tex, values)) + r" \\" for values in frame.itertuples(index=False)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", *(f"% {note}" for note in notes(comparison))]) + "\n"


FORMATS: dict[str, Callable[[pd.DataFrame, PlannedComparison], str]] = {
    "csv": to_csv,
    "md": to_markdown,
    "tex": to_latex,
}


def notes(comparison: PlannedComparison) -> list[str]:
    """What the figures are, in a line or two."""
    targets = any(METRICS[m].target for m in comparison.metrics)
    lines = [
        "Mean over seeds with its 95 % t interval; times: median with its 95 % interval."
        if any(METRICS[m].timed or METRICS[m].target for m in comparison.metrics)
        else "Mean over seeds with its 95 % t interval."
    ]
    if targets and comparison.target:
        lines.append(f"Target: {target_text(comparison)}.")
    if comparison.source:
        lines.append(f"Reported: {comparison.source}, as printed there.")
    return lines


def target_text(comparison: PlannedComparison) -> str:
    target = comparison.target
    if target is None:
        return ""
    if target.metric == "val_accuracy":
        return f"validation accuracy of at least {target.value * 100:g} %"
    return f"validation loss of at most {target.value:g}"


def _row(values: object) -> str:
    cells = [str(value).replace("|", r"\|") for value in values]  # type: ignore[attr-defined]
    return "| " + " | ".join(cells) + " |"


def _tex(value: object) -> str:
    text = str(value)
    for char in "&%$#_{}":
        text = text.replace(char, "\\" + char)
    return text.replace("×", r"$\times$").replace(">", r"$>$").replace("<", r"$<$")


def _none(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))

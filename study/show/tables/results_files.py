"""The table of a comparison as files: CSV for machines, Markdown and LaTeX for papers."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from study.metrics import METRICS
from study.plan.plan import PlannedComparison
from study.show.claims.table import Best
from study.show.formats import csv, markdown
from study.show.tables.latex_table import to_latex
from study.show.tables.results_table import beside, by_metric, claimed, has_reported, selected, shown_first


def to_csv(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None, best: Best) -> str:
    """For machines: a row per arm, numeric columns in stored units (accuracies as fractions).

    Per metric: its estimate under the metric's name, then _low, _high, _estimator (mean, geometric mean or median),
    _against, _against_low, _against_high (the reference, of metrics that are claimed), _n_reached (times to target)
    and _reported (text, as printed); then the counts of runs. Where arms are tuned, per selection: arm_by_, chosen_by_
    (settings, JSON), undertuned_by_ and, of undertuned arms, next_by_ (candidates to try, JSON); what it was chosen by
    in its trials and in its runs (score_by_, final_score_by_), and what did better beyond doubt: settings (JSON,
    better_by_), or the same arm chosen by another metric (better_select_by_).
    """
    rows = {metric: pd.DataFrame(mine) for metric, mine in by_metric(comparison, summary).items()}
    first = rows[comparison.metrics[0]]
    parts = [first[["label", "arm"]]]
    for metric, mine in rows.items():
        more = ["low", "high", "estimator"]
        more += ["against", "against_low", "against_high"] * (metric in claimed(comparison))
        names = {"estimate": metric} | {name: f"{metric}_{name}" for name in more}
        if METRICS[metric].target:
            mine = mine.astype({"n_reached": "Int64"})
            names["n_reached"] = f"{metric}_n_reached"
        if has_reported(comparison, metric):
            names["reported"] = f"{metric}_reported"
        parts.append(mine[[*names]].rename(columns=names))
    parts.append(first.filter(regex="^n(_|$)").drop(columns="n_reached"))
    for select, metric in shown_first(comparison).items():
        about = rows[metric][["arm", "chosen", "undertuned", "next", "score", "final_score", "better", "better_by"]]
        parts.append(about.rename(columns={"better_by": "better_select"}).add_suffix(f"_by_{select}"))
    whole = pd.concat(parts, axis=1).map(lambda cell: csv(cell) if isinstance(cell, str) else cell)
    return str(whole.to_csv(index=False, lineterminator="\n"))


def to_markdown(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None, best: Best) -> str:
    """For people: a table, and that at neighbouring targets; what is best by claims is bold."""
    ours = selected(comparison, summary, device)
    heads = [column.heading for column in ours.columns]
    body = [
        [
            f"**{markdown(x)}**" if arm == best.get(name) else markdown(x)
            for arm, x in zip(ours.arms, cells, strict=True)
        ]
        for name, _, _, cells in ours.columns
    ]
    parts = [(heads, list(zip(*body, strict=True)), ours.notes)]
    if further := beside(comparison, summary, device):
        parts.append((further.headings, [tuple(map(markdown, row)) for row in further.rows], further.notes))
    text = [f"**{markdown(comparison.title)}**"]
    for headings, rows, notes in parts:
        lines = [list(map(markdown, headings)), ["---", *["---:"] * (len(headings) - 1)], *rows]
        text.append("\n".join("| " + " | ".join(row) + " |" for row in lines))
        text.append("\n".join(f"{markdown(note)}  " for note in notes))
    return "\n\n".join(text) + "\n"


Format = Callable[[PlannedComparison, pd.DataFrame, str | None, Best], str]
FORMATS: dict[str, Format] = {"csv": to_csv, "md": to_markdown, "tex": to_latex}

"""Tables as files: CSV for machines, Markdown and LaTeX for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from study.plan.plan import PlannedComparison
from study.show.tables.results_table import Table, beside, numeric, table

TEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$",
    ">": r"$>$", "<": r"$<$", "≥": r"$\geq$", "≤": r"$\leq$", "−": r"$-$", "–": "--", "±": r"$\pm$", "÷": r"$\div$",
} | {char: f"\\{char}" for char in "&%$#_{}"}  # fmt: skip


def to_csv(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None) -> str:
    return str(numeric(comparison, summary).to_csv(index=False, lineterminator="\n"))


def to_markdown(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None) -> str:
    parts = [f"**{comparison.title}**"]
    for part in filter(None, (table(comparison, summary, device), beside(comparison, summary, device))):
        frame = part.frame()
        lines = [_row(frame.columns), _row(["---"] + ["---:"] * (frame.shape[1] - 1))]
        lines += [_row(values) for values in frame.itertuples(index=False)]
        parts += ["\n".join(lines), "\n".join(f"{note}  " for note in part.notes)]
    return "\n\n".join(parts) + "\n"


def to_latex(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None) -> str:
    r"""A tabular for ``\usepackage{booktabs}`` (pandas' Styler would need the same package), notes as comments."""
    ours = table(comparison, summary, device)
    top, bottom = _heads(ours)
    columns = "l" + "r" * (len(bottom) - 1)
    lines = ["% Needs \\usepackage{booktabs}.", *(f"% {note}" for note in ours.notes)]
    lines += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", *top, " & ".join(map(tex, bottom)) + r" \\", r"\midrule"]
    lines += [" & ".join(map(tex, values)) + r" \\" for values in ours.frame().itertuples(index=False)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


FORMATS: dict[str, Callable[[PlannedComparison, pd.DataFrame, str | None], str]] = {
    "csv": to_csv,
    "md": to_markdown,
    "tex": to_latex,
}


def tex(value: object) -> str:
    """Text such that LaTeX prints it as it is."""
    return "".join(TEX.get(char, char) for char in str(value))


def _heads(ours: Table) -> tuple[list[str], list[str]]:
    """One or two header rows: metrics that have reported figures span two columns."""
    if not any(ours.with_reported):
        return [], ["arm", *ours.headings, *ours.selected, "runs"]
    groups, rules, bottom, at = [""], [], ["arm"], 2
    for title, both in zip(ours.headings, ours.with_reported, strict=True):
        groups.append(rf"\multicolumn{{{1 + both}}}{{c}}{{{tex(title)}}}")
        rules.append(rf"\cmidrule(lr){{{at}-{at + both}}}")
        bottom += ["measured", "reported"] if both else ["measured"]
        at += 1 + both
    last = [*ours.selected, "runs"]
    return [" & ".join([*groups, *([""] * len(last))]) + r" \\", "".join(rules)], [*bottom, *last]


def _row(values: Iterable[object]) -> str:
    cells = [str(value).replace("|", r"\|") for value in values]
    return "| " + " | ".join(cells) + " |"

"""Tables as files: CSV for machines, Markdown and LaTeX for people."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from study.plan.plan import PlannedComparison
from study.show.tables.results_table import beside, numeric, table

TEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$",
    ">": r"$>$", "<": r"$<$", "≥": r"$\geq$", "≤": r"$\leq$", "−": r"$-$", "–": "--", "±": r"$\pm$", "÷": r"$\div$",
} | {char: f"\\{char}" for char in "&%$#_{}"}  # fmt: skip


def to_csv(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None) -> str:
    return str(numeric(comparison, summary).to_csv(index=False, lineterminator="\n"))


def to_markdown(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None) -> str:
    parts = [f"**{comparison.title}**"]
    for part in filter(None, (table(comparison, summary, device), beside(comparison, summary, device))):
        rows = [part.headings, ["---", *["---:"] * len(part.columns)], *part.rows]
        lines = ["| " + " | ".join(str(value).replace("|", r"\|") for value in row) + " |" for row in rows]
        parts += ["\n".join(lines), "\n".join(f"{note}  " for note in part.notes)]
    return "\n\n".join(parts) + "\n"


def to_latex(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None) -> str:
    r"""A tabular for ``\usepackage{booktabs}`` (pandas' Styler would need the same package), notes as comments."""
    ours = table(comparison, summary, device)
    head, *rows = (" & ".join(map(tex, row)) + r" \\" for row in (ours.headings, *ours.rows))
    return "\n".join(
        [
            "% Needs \\usepackage{booktabs}.",
            *(f"% {note}" for note in ours.notes),
            rf"\begin{{tabular}}{{l{'r' * len(ours.columns)}}}",
            r"\toprule",
            head,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


FORMATS: dict[str, Callable[[PlannedComparison, pd.DataFrame, str | None], str]] = {
    "csv": to_csv,
    "md": to_markdown,
    "tex": to_latex,
}


def tex(value: object) -> str:
    """Text such that LaTeX prints it as it is."""
    return "".join(TEX.get(char, char) for char in str(value))

r"""The table of a comparison in LaTeX: booktabs, columns of siunitx whose decimals are in line, lettered notes.

pandas' Styler writes such columns too, but neither intervals beside a value, nor notes.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from string import ascii_lowercase

import pandas as pd

from study.plan.plan import PlannedComparison
from study.show.claims.table import Best
from study.show.formats import latex
from study.show.formatting import Cell
from study.show.tables.results_table import Column, selected
from study.wording import one_line

NUMERIC = ("measured", "against")  # kinds of columns that are numbers with intervals
NUMBER = re.compile(r"(?P<before>× ?)?(?P<number>−?[\d,]*\d(?P<decimals>\.\d+)?(?:e[-+]?\d+)?)(?P<after> .*)?")
ALL = re.compile(r"(\d+)/\1 reached")  # what is as it should be needs no note
COUNT = re.compile(r"(?P<count>\d+(?:/\d+)?)(?: finished)?(?:, )?(?P<rest>.*)")  # of runs
SPACE = "\u00a0"  # at which no line ends
LINE = 12  # letters of a heading, beyond which it is folded, unless what stands below is wider
NEEDS = r"% Needs \usepackage{booktabs,siunitx,threeparttable}; siunitx is 3 or later."
BOLD = "Bold: better than all others, by claims that are supported."


class Notes:
    """Remarks below a table, each with a letter; the same remark has the same one."""

    def __init__(self) -> None:
        self.letters: dict[str, str] = {}

    def mark(self, remark: str) -> str:
        """The mark of a remark, which takes no room; nothing where there is none."""
        if not remark:
            return ""
        at = len(self.letters)
        letter = self.letters.setdefault(remark, ascii_lowercase[at % 26] * (1 + at // 26))
        return rf"\rlap{{\tnote{{{letter}}}}}"


class Numbers:
    """Numbers of one column, as siunitx reads them."""

    def __init__(self, texts: Sequence[str], before: str = "", after: str = "", bold: int | None = None) -> None:
        self.texts, self.before, self.after, self.bold = texts, before, after, bold
        self.found = [NUMBER.fullmatch(text) for text in texts]

    @property
    def format(self) -> str:
        """Room for a sign, digits before and digits after the point."""
        plain = [m["number"].replace(",", "").partition(".") for m in self.found if m and "e" not in m["number"]]
        sign = "-" * any(whole.startswith("−") for whole, *_ in plain)
        digits = max((len(whole.removeprefix("−")) for whole, *_ in plain), default=1)
        decimals = max((len(part) for *_, part in plain), default=0)
        return f"{self.before}{sign}{digits}{f'.{decimals}' * bool(decimals)}{self.after}"

    def cell(self, i: int, mark: str = "") -> str:
        """What is no number, and what has an exponent, stands in braces, which siunitx sets as text."""
        text, found = self.texts[i], self.found[i]
        if not text:
            return rf"{{{mark}}}" * bool(mark)
        if found and "e" not in found["number"]:
            number = found["number"].replace(",", "").replace("−", "-")
            after = self.after.replace("}", f"{mark}}}") if self.after else f"{{{mark}}}" * bool(mark)
            heavy = r"\bfseries " * (i == self.bold)
            return f"{self.before}{heavy}{number}{after}"
        said = rf"\num{{{found['number'].replace('−', '-')}}}" if found else latex(text)
        return f"{{{self.before.strip('{}')}{said}{self.after.strip('{}')}{mark}}}"


def to_latex(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None, best: Best) -> str:
    """With the columns that the study file chooses; what all figures are is a comment, for the caption."""
    ours = selected(comparison, summary, device)
    labels, *columns = ours.columns
    notes, heads = Notes(), [(labels.heading, 1, LINE)]
    body = [[latex(cell.value) + notes.mark(cell.remark) for cell in labels.cells]]
    kinds, bold = ["l"], False
    for column in columns:
        at = ours.arms.index(best[column.name]) if column.name in best else None
        bold |= at is not None
        spec, cells = _numbers(column, notes, at) if column.kind in NUMERIC else _texts(column, notes)
        kinds.append(spec)
        body += cells
        heads.append((_heading(column), len(cells), _letters(column)))
    below = [rf"\item[{letter}] {latex(remark)}" for remark, letter in notes.letters.items()] + [
        rf"\item[] {BOLD}"
    ] * bold
    lines = [
        NEEDS, *(f"% {one_line(note)}" for note in ours.notes),
        r"\begin{threeparttable}", r"\setlength{\tabcolsep}{4pt}",
        r"\sisetup{mode=text, reset-text-series=false, group-digits=integer, group-separator={,},",
        r"  group-minimum-digits=4, table-align-text-before=false, table-align-text-after=false}",
        rf"\begin{{tabular}}{{@{{}}{' '.join(kinds)}@{{}}}}", r"\toprule", *_heads(heads), r"\midrule",
        *(" & ".join(row) + r" \\" for row in zip(*body, strict=True)), r"\bottomrule", r"\end{tabular}",
    ]  # fmt: skip
    if below:
        lines += [r"\begin{tablenotes}[para, flushleft]\footnotesize", *below, r"\end{tablenotes}"]
    return "\n".join([*lines, r"\end{threeparttable}", ""])


def _heading(column: Column) -> str:
    """With the unit of differences and factors, which cells do not repeat."""
    if column.kind != "against":
        return column.heading
    found = [match for cell in column.cells if (match := NUMBER.fullmatch(cell.value))]
    unit = next((m["before"] or m["after"] for m in found if m["before"] or m["after"]), "").strip()
    return f"{column.heading} ({unit})" if unit and unit not in column.heading else column.heading


def _numbers(column: Column, notes: Notes, bold: int | None) -> tuple[str, list[list[str]]]:
    """A column of values, and where there are intervals two of their ends."""
    values = [_without_unit(cell.value) for cell in column.cells]
    marks = [notes.mark(_remark(cell)) for cell in column.cells]
    value = Numbers(values, bold=bold)
    ends = [cell.around.split(" to ") if cell.around else ["", ""] for cell in column.cells]
    if not any(map(any, ends)):
        own = [value.cell(i, mark) for i, mark in enumerate(marks)]
        return rf"S[table-format={value.format}]", [own]
    low, high = Numbers([a for a, _ in ends], "{[}", "{,}"), Numbers([b for _, b in ends], "", "{]}")
    spec = f"S[table-format={value.format}]@{{\\ }}S[table-format={low.format}]@{{\\ }}"
    spec += f"S[table-format={high.format}, table-text-alignment=left]"
    rows = range(len(values))
    return spec, [
        [value.cell(i, "" if ends[i][0] else marks[i]) for i in rows],
        [low.cell(i) for i in rows],
        [high.cell(i, marks[i] if ends[i][0] else "") for i in rows],
    ]


def _without_unit(text: str) -> str:
    found = NUMBER.fullmatch(text)
    return found["number"] if found else text


def _remark(cell: Cell) -> str:
    return ", ".join(part for part in cell.remark.split(", ") if part and not ALL.fullmatch(part))


def _texts(column: Column, notes: Notes) -> tuple[str, list[list[str]]]:
    """A column of texts; of runs the number, and in a note what became of them."""
    if column.kind == "runs":
        found = [COUNT.fullmatch(cell.value) for cell in column.cells]
        parts = [(m["count"], m["rest"]) if m else (c.value, "") for m, c in zip(found, column.cells, strict=True)]
    else:
        parts = [(cell.value, cell.remark) for cell in column.cells]
    align = "l" if column.kind == "chosen" else "r"
    return align, [[latex(value) + notes.mark(remark) for value, remark in parts]]


def _letters(column: Column) -> int:
    """How many letters of a heading are as wide as what stands below it: digits and brackets are narrower."""
    if column.kind not in NUMERIC:
        return max(LINE, *(len(cell.value) for cell in column.cells))
    return max(LINE, *(int(0.85 * len(f"{_without_unit(cell.value)} {cell.around}")) for cell in column.cells))


def _heads(heads: Sequence[tuple[str, int, int]]) -> list[str]:
    """The headings, how many columns and letters wide, folded, in rows: what is short stands in the last."""
    whole = [re.sub(r"\(.*\)", lambda found: found[0].replace(" ", SPACE), text) for text, *_ in heads]
    folded = [
        textwrap.wrap(text, most, break_long_words=False) or [""] for text, (*_, most) in zip(whole, heads, strict=True)
    ]
    most = max(map(len, folded))
    rows = [[text[i - most + len(text)] if i >= most - len(text) else "" for text in folded] for i in range(most)]
    align = ["l", *("c" * (len(heads) - 1))]
    return [
        " & ".join(
            rf"\multicolumn{{{span}}}{{{'@{}l' if not at else kind}}}{{{latex(text)}}}"
            for at, (text, (_, span, _), kind) in enumerate(zip(row, heads, align, strict=True))
        )
        + r" \\"
        for row in rows
    ]

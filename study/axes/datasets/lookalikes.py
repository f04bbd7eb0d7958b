"""Columns that look like something else: texts that are numbers or dates, values that only count or name the rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from study.wording import beginning, counted, listed, plural

if TYPE_CHECKING:
    import pandas as pd

MAX_CATEGORIES = 100  # of a column that is not named in ``categories``
SEVERAL = 10  # rows from which on numbers that all differ mean something
LONGEST = 40  # letters of a text that is shown
NEARLY_ALL = 0.9  # of the texts of a column differ, as those of an identifier do
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
MARK = r"[^\w\s.,+-]"  # a symbol beside a number
GROUPED = r"\d{1,3}(?:[ '’.,_\u00a0\u202f]\d{2,3})+(?:[.,]\d+)?"
WRITTEN = {  # how numbers may be written so that they are read as texts, and what to say or do
    "with a separator of thousands": (r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?", '{thousands: ","}'),
    "with a decimal comma": (r"[+-]?\d*,\d+", '{decimal: ","}'),
    "with a separator of thousands and a decimal comma": (
        r"[+-]?\d{1,3}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})", '{thousands: ".", decimal: ","}'
    ),
    "with a percent sign": (NUMBER + r"\s*%", ""),
    "with a sign of money": (rf"[+-]?[$€£¥]\s*{NUMBER}|{NUMBER}\s*[$€£¥]", ""),
    "as texts": (NUMBER, ""),
    "in another way": (
        rf"(?:{MARK}|[+-])*\s*(?:{NUMBER}|{GROUPED}|\d*[.,]?\d+[dD][+-]?\d+)\s*{MARK}*|[−–]\s*{NUMBER}"
        r"|0[xX][0-9a-fA-F]+", "",
    ),
}  # fmt: skip
BESIDE = {  # what many different values of a column may be, where few are categories
    "numbers with something beside them": rf"{MARK}*\s*{NUMBER}\s*[^\d\s][^\d]*",
    "fractions": r"\d+\s*/\s*\d+",
}
MONTH = r"[A-Za-z]{3,9}\.?"
CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?[AaPp]\.?[Mm]\.?)?"
DATE = (
    r"\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?(?:[T ]\d.*)?|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})(?:[T ]\d.*)?"
    rf"|{MONTH} \d{{1,2}},? \d{{4}}|\d{{1,2}}[ -]{MONTH}[ -](?:\d{{4}}|\d{{2}})|{CLOCK}"
)
IDENTIFIER = r"(?:.*[ _.-])?(?:id|index|idx|key|uuid|guid|no|nr|row|number|rownames)"


class Wrong(Exception):
    """A column cannot be used. ``setting``: of the dataset, that is to be changed."""

    def __init__(self, words: str, setting: str = "path") -> None:
        super().__init__(words)
        self.setting = setting


def check_text(known: pd.Series, target: bool, csv: bool) -> None:
    """Refuse texts of which most are numbers, or dates. ``known``: those that are not missing; ``csv``: as read.

    Raises Wrong.
    """
    name, texts = str(known.name), known.str.strip()
    instead = f"categories: {names([name])}"
    dates = texts.str.fullmatch(DATE)
    if dates.mean() > 0.5:
        if target:
            return
        first = texts[dates].iloc[0]
        what = "times" if re.fullmatch(CLOCK, first) else "dates"
        words = f"{name!r} holds {what} ({first!r}, row {texts.index[dates][0]})"
        raise Wrong(f"{words}; say drop: {names([name])}, or make numbers of them, or {instead}", "drop")
    plain = texts.str.fullmatch(NUMBER)
    ways: list[tuple[pd.Series, pd.Series, str, str]] = []  # with the texts that are no numbers if written so
    for what, (pattern, option) in WRITTEN.items():
        written = texts.str.fullmatch(pattern) & ~dates
        odd, numbers = texts[~(plain | written)], texts[plain | written]
        if written.any() and (len(odd) < len(texts) / 2 or numbers.nunique() > SEVERAL):
            ways.append((odd, texts[written & ~plain if (written & ~plain).any() else written], what, option))
    if ways:
        odd, shown, what, option = min(ways, key=lambda way: len(way[0]))
        if odd.empty:
            remedy = f"say read: {option}" if csv and option else "write them as plain numbers"
            words = f"{name!r} holds numbers written {what} ({shown.iloc[0]!r}, {rows(shown.index)})"
            raise Wrong(f"{words}; {remedy}, or {instead}", "read" if csv and option else "path")
        distinct = list(odd.unique()[:3])
        remedy = "correct them"
        if csv and odd.nunique() == len(distinct) and not any(re.search(r"\d", text) for text in distinct):
            remedy += f", say read: {{na_values: [{', '.join(map(repr, distinct))}]}} where they mean a missing value"
        quoted = ", ".join(f"{text[:LONGEST]!r}" for text in distinct)
        words = f"{name!r} holds numbers and {counted(len(odd), 'text')}, {quoted}"
        raise Wrong(f"{words} ({rows(odd.index)}); {remedy}, or {instead}")
    for what, pattern in BESIDE.items():
        beside = texts[texts.str.fullmatch(pattern)]
        if len(beside) > len(texts) / 2 and beside.nunique() > SEVERAL:
            words = f"{name!r} holds {what} ({beside.iloc[0]!r}, {rows(beside.index)})"
            raise Wrong(f"{words}; write them as plain numbers, or {instead}")


def check_spelling(known: pd.Series, csv: bool) -> None:
    """Refuse texts that are the same but for case or spaces, and such as hold no letter nor digit. Raises Wrong."""
    name = str(known.name)
    instead = f"or categories: {names([name])}"
    empty = known[known.map(lambda text: not any(map(str.isalnum, text)))]
    if len(empty) and len(empty) < len(known) / 2:
        first = str(empty.iloc[0])
        remedy = f"say read: {{na_values: [{first!r}]}} where it means a missing value" if csv else "correct it"
        raise Wrong(f"{name!r} holds {first[:LONGEST]!r} ({rows(empty.index)}); {remedy}, {instead}")
    alike: dict[str, str] = {}
    for text in known.value_counts().index:  # the frequent first
        other = alike.setdefault(" ".join(text.casefold().split()), text)
        if other != text:
            words = f"{name!r} holds {other[:LONGEST]!r} and {text[:LONGEST]!r} ({rows(known.index[known == text])})"
            raise Wrong(f"{words}, which differ in case or spaces only; write them alike, {instead}")


def check_categories(known: pd.Series) -> None:
    """Refuse values of which nearly all differ, or that are too many. Raises Wrong."""
    name, different = str(known.name), known.nunique()
    asked = f"say drop: {names([name])}, or categories: {names([name])}"
    if different > 2 and different >= NEARLY_ALL * len(known):
        example = f"{str(known.iloc[0])[:LONGEST]!r}, row {known.index[0]}"
        words = f"{name!r} has {different} different values in {len(known)} rows, as an identifier has ({example})"
        raise Wrong(f"{words}; {asked}", "drop")
    if different > MAX_CATEGORIES:
        words = f"{name!r} has {different} different values, each a column of its own, and at most {MAX_CATEGORIES}"
        raise Wrong(f"{words} are taken unasked; {asked}", "categories")


def counting(known: pd.Series) -> str:
    """Of numbers, in what they look as if they counted or named rows; empty where they do not."""
    if len(known) < SEVERAL or known.dtype.kind == "b" or (known % 1 != 0).any() or known.duplicated().any():
        return ""
    if known.max() - known.min() == len(known) - 1:
        return f"counts rows, from {known.min():g} to {known.max():g}"
    if known.is_monotonic_increasing or known.is_monotonic_decreasing:
        return f"grows or falls from row to row, from {known.iloc[0]:g} to {known.iloc[-1]:g}, as an identifier does"
    if re.fullmatch(IDENTIFIER, str(known.name).lower()) or re.fullmatch(r".*[a-z]I[Dd]", str(known.name)):
        return "is called an identifier, and has a different value in every row"
    return ""


def names(columns: Sequence[str]) -> str:
    """As a list in YAML: ``[id, 'Unnamed: 0']``."""
    plain = re.compile(r"[A-Za-z_](?:[\w .-]*\w)?")
    return f"[{', '.join(name if plain.fullmatch(name) else repr(name) for name in columns)}]"


def rows(index: pd.Index) -> str:
    """``row 3``; ``rows 3, 7, 9 and 12 more``."""
    return f"{plural(len(index), 'row')} {listed(beginning([*map(str, index)], 3))}"

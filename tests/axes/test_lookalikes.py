"""Columns that look like something else than they are: refused with rows and what to say, or told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.axes.datasets.raw import Found, Unfit
from study.axes.datasets.table import Table

ROWS = 60
DRAW = np.random.default_rng(0)
X, Z = DRAW.normal(size=(2, ROWS)).round(3)
KIND = np.where(DRAW.random(ROWS) < 0.5, "yes", "no")
FRAME = pd.DataFrame({"x": X, "z": Z, "kind": KIND})
TEXT = FRAME.to_csv(index=False)


def look(folder: Path, content: str | bytes | pd.DataFrame, **more: Any) -> Found:
    path = folder / "t.csv"
    content = content.to_csv(index=False) if isinstance(content, pd.DataFrame) else content
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Table(path=str(path), target="kind", **more).look()


def each(text: str, many: int = 20) -> list[str]:
    """A column of texts made of 20 different numbers, so that it is no identifier."""
    return [text.format(n=i % many + 1, tens=f"{i % many + 1:03d}", half=i % many + 0.5) for i in range(ROWS)]


PLAIN = "write them as plain numbers, or categories: [x]"
COLUMNS = {
    "spaces between thousands": (each("{n} {tens}"), f"numbers written in another way ('1 001', .*; {PLAIN}"),
    "apostrophes between thousands": (each("{n}'{tens}"), f"numbers written in another way (\"1'001\", .*; {PLAIN}"),
    "points and a comma": (
        each("{n}.{tens},5"), "numbers written with a separator of thousands and a decimal comma ('1.001,5', "
        '.*; say read: {thousands: ".", decimal: ","}, or categories: [x]',
    ),
    "groups of two": (each("{n},10,{tens}"), f"numbers written in another way ('1,10,001', .*; {PLAIN}"),
    "money below zero": (each("-${half}"), f"numbers written with a sign of money ('-$0.5', .*; {PLAIN}"),
    "brackets for a sign": (
        ["3.5", *each("({half})")[1:]], f"numbers written in another way ('(1.5)', rows 2, 3, 4 and 56 more); {PLAIN}"
    ),
    "a sign that is no hyphen": (["3.5", *each("−{half}")[1:]], f"numbers written in another way ('−1.5', .*; {PLAIN}"),
    "hexadecimal": (each("0x{n}"), f"numbers written in another way ('0x1', .*; {PLAIN}"),
    "exponents of Fortran": (each("{half}D+02"), f"numbers written in another way ('0.5D+02', .*; {PLAIN}"),
    "limits": (each("<{half}"), f"numbers written in another way ('<0.5', .*; {PLAIN}"),
    "units": (each("{half} kg"), f"numbers with something beside them ('0.5 kg', rows 1, 2, 3 and 57 more); {PLAIN}"),
    "degrees": (each("{half}N"), f"numbers with something beside them ('0.5N', .*; {PLAIN}"),
    "fractions": (each("{n}/3"), f"fractions ('1/3', .*; {PLAIN}"),
    "times": (each("{n}:30", 8), "times ('1:30', row 1); say drop: [x], or make numbers of them, or categories: [x]"),
    "names of months": (each("{n} Jan 2020", 8), "dates ('1 Jan 2020', row 1); say drop: [x], .*"),
    "American dates": (each("Mar {n}, 2020", 8), "dates ('Mar 1, 2020', row 1); say drop: [x], .*"),
    "numbers among as many words": (
        ["low" if i % 2 else f"{i}.5" for i in range(ROWS)], "numbers and 30 texts, 'low' (rows 2, .*"
    ),
    "numbers among more words": (
        ["low" if i % 3 else f"{i}.5" for i in range(ROWS)], "numbers and 40 texts, 'low' (rows 2, .*"
    ),
    "a question mark among words": (
        ["?" if i == 6 else "ab"[i % 2] for i in range(ROWS)],
        "'?' (row 7); say read: {na_values: ['?']} where it means a missing value, or categories: [x]",
    ),
    "words in capitals": (
        ["A" if i == 6 else "ab"[i % 2] for i in range(ROWS)],
        "'a' and 'A' (row 7), which differ in case or spaces only; write them alike, or categories: [x]",
    ),
    "words with a space": (
        ["b " if i == 7 else "ab"[i % 2] for i in range(ROWS)],
        "'b' and 'b ' (row 8), which differ in case or spaces only; write them alike, or categories: [x]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_that_is_refused(name: str, tmp_path: Path) -> None:
    values, words = COLUMNS[name]
    with pytest.raises(Unfit) as refused:
        look(tmp_path, FRAME.assign(x=values))
    begin, some, end = words.partition(".*")
    [line] = refused.value.words
    assert line.startswith(f"{tmp_path / 't.csv'}: 'x' holds {begin}")
    assert line.endswith(end if some else begin)
    assert look(tmp_path, FRAME.assign(x=values), categories=["x"]).rows == ROWS


@pytest.mark.parametrize(
    "values", [each("k{n}"), each("{n}-5", 9), each("{n} rooms", 5), each("1.{n}.2", 9), each("A {n}")]
)
def test_categories_that_have_numbers_in_them_are_read(values: list[str], tmp_path: Path) -> None:
    assert look(tmp_path, FRAME.assign(x=values)).summary.startswith(
        "1 column of numbers (z); 1 column of categories (x: "
    )


def test_classes_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match=r"'kind' holds 'yes' and 'YES' \(row 4\), which differ in case or spaces only"):
        look(tmp_path, FRAME.assign(kind=["yes" if i % 2 == 0 else "YES" if i == 3 else "no" for i in range(ROWS)]))


FILES = {
    "zeros at the end": (TEXT.encode() + b"\0" * 9, ", line 62: holds a zero byte; it is damaged, or say how it is "
                         "written: read: {encoding: utf-16}"),
    "two bytes a letter": (TEXT.encode("utf-16-le"), ", line 1: holds a zero byte; it is damaged, or say how it is "
                           "written: read: {encoding: utf-16}"),
    "Excel": (b"PK\x03\x04" + b"\1" * 99, " is a zip archive, as those of Excel are; save it as CSV, or unpack it"),
    "a page": (b"<!DOCTYPE html>\n<html></html>\n", " is a web page; fetch the file itself"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
                  " is a pointer of Git LFS; fetch the file itself (git lfs pull)"),
    "names that differ in a space": (TEXT.replace("x,z,", "x,x ,", 1), " has the columns 'x' and 'x ', which differ in "
                                     "spaces only; rename one"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_something_else(name: str, tmp_path: Path) -> None:
    content, words = FILES[name]
    with pytest.raises(Unfit) as refused:
        look(tmp_path, content)
    assert refused.value.words == (f"{tmp_path / 't.csv'}{words}",)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"w": 7}, "the same in all rows: w"),
        ({"w": "a"}, "the same in all rows: w"),
        ({"w": KIND}, "tells kind exactly: w"),
        ({"w": np.where(KIND == "yes", 3, 8)}, "tells kind exactly: w"),
    ],
)
def test_columns_that_say_nothing_or_all_are_told(more: dict[str, Any], told: str, tmp_path: Path) -> None:
    assert told not in look(tmp_path, FRAME).summary
    assert look(tmp_path, FRAME.assign(**more)).summary.endswith(told)


def test_a_target_in_another_unit_is_told(tmp_path: Path) -> None:
    frame = FRAME.assign(kind=Z * 1.8 + 32)
    assert look(tmp_path, frame).summary.endswith("tells kind exactly: z")
    assert "exactly" not in look(tmp_path, frame.assign(z=Z + 0.001 * X)).summary


@pytest.mark.parametrize(("scale", "words"), [(1e307, "large"), (1e-300, "small")])
def test_values_that_cannot_be_scaled_are_refused(scale: float, words: str, tmp_path: Path) -> None:
    with pytest.raises(Unfit, match=f"column 2 of the features: its values are too {words} to be scaled"):
        look(tmp_path, FRAME.assign(z=Z * scale))
    with pytest.raises(Unfit, match="values of the target are too large or too small to be scaled"):
        look(tmp_path, FRAME.assign(kind=Z * scale))


def test_whole_numbers_that_lose_digits_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_pandas(FRAME).append_column(
        "n", pa.array([2**64 - 1 - i % 3 for i in range(ROWS)], pa.uint64())
    )
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(Unfit, match="'n' holds whole numbers of more digits than are kept"):
        Table(path=str(tmp_path / "t.parquet"), target="kind").look()

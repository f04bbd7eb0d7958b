"""Tables that are refused as files: encoding, separators, header, rows and target; each in one line, with words."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.axes.datasets.raw import Unfit
from study.axes.datasets.table import Table
from study.errors import Refused
from study.plan.file.expand import prepare
from study.store.layout import Store

BODY = "1.5,a\n2.5,b\n" * 10
TEXTS: dict[str, tuple[str | bytes, str, str]] = {  # content, the setting that is named, what follows the path
    "nothing": ("", "path", " is empty; give a file with a header and rows"),
    "a header alone": ("x,kind\n", "path", " has 0 rows; give 5 at least"),
    "two rows": ("x,kind\n1,a\n2,b\n", "path", " has 2 rows; give 5 at least"),
    "another separator": (
        "x;kind\n" + BODY.replace(",", ";"), "read",
        " has 'x;kind' for a header; say how it is separated: read: {sep: \";\"}",
    ),
    "another separator, and decimal commas": (
        "x;kind\n" + "1,5;a\n2,5;b\n" * 10, "read",
        " has 'x;kind' for a header; say how it is separated: read: {sep: \";\"}",
    ),
    "tabs": (
        "x\tkind\n" + BODY.replace(",", "\t"), "read",
        r''' has 'x\tkind' for a header; say how it is separated: read: {sep: "\t"}''',
    ),
    "another encoding": (
        ("x,kind\n" + BODY).replace("a", "ä").encode("latin-1"), "read",
        " is not utf-8; say how it is written: read: {encoding: latin-1}, or utf-16",
    ),
    "a target that is not there": ("x,sort\n" + BODY, "target", " has no column 'kind'; it has x, sort"),
    "a name twice": (
        "kind,x,kind\n" + "1,2,3\n" * 9, "path", " has the column 'kind' twice, as columns 1 and 3; rename one"
    ),
    "a first row that is longer": (
        "x,kind\n1,2,a\n" + BODY, "path",
        ", line 2 has 3 values, and those above 2: a name is missing in the header, quotes are missing, or there is "
        "another separator (read: {sep: …})",
    ),
    "a later row that is longer": (
        "x,kind\n" + BODY + "1,2,a\n", "path",
        ", line 22 has 3 values, and those above 2: a name is missing in the header, quotes are missing, or there is "
        "another separator (read: {sep: …})",
    ),
    "a row that is shorter": (
        "kind,x\n" + "a,1\nb,2\n" * 9 + "a\n", "missing",
        ": 1 of 19 values are missing in 'x' (row 19); say missing: median, indicator or drop, or drop: [x]",
    ),
    "quotes without an end": (
        "x,kind\n" + BODY + '1,"a\n', "path",
        ", line 22: a text in quotes does not end; correct it, or say read: {quotechar: …}",
    ),
    "row numbers as to_csv writes them": (
        ",x,kind\n" + "".join(f"{i},{i % 3},{'ab'[i % 2]}\n" for i in range(20)), "drop",
        ": column 'Unnamed: 0' has no name, as row numbers that were written with the table; say drop: ['Unnamed: 0'], "
        "or give it a name",
    ),
    "one class": ("x,kind\n" + "1,a\n2,a\n" * 9, "target", ": 'kind' has one value only; a classification needs two"),
    "a class of one row": (
        "x,kind\n" + BODY + "3.5,c\n", "target",
        ": 'c' is in one row only of 'kind' (row 21), too few to be split; take it out, or say task: regression",
    ),
    "a target with gaps": (
        "x,kind\n" + BODY + "3.5,\n", "missing",
        ": 1 of 21 values are missing in 'kind' (row 21), which is to be learned; say missing: drop, and these rows "
        "are left out",
    ),
    "a target with a lone word": (
        "x,kind\n" + "1.5,3.25\n2.5,1.5\n" * 9 + "1.5,n/v\n", "path",
        ": 'kind' holds numbers and 1 text, 'n/v' (row 19); correct them, say read: {na_values: ['n/v']} where they "
        "mean a missing value, or categories: [kind]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_that_is_refused(name: str, tmp_path: Path) -> None:
    content, setting, words = TEXTS[name]
    path = tmp_path / "t.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(Unfit) as refused:
        Table(path=str(path), target="kind").load()
    assert (str(refused.value), refused.value.setting) == (f"{path}{words}", setting)


def test_what_follows_the_words_is_read(tmp_path: Path) -> None:
    """Whoever says what he is asked to say has his table."""
    path = tmp_path / "t.csv"
    rows = (f'{i},"1,{i % 3}00",{"?" if i == 3 else i % 7},{"ab"[i % 2]}\n' for i in range(20))
    path.write_text(",x,y,kind\n" + "".join(rows))
    said: dict[str, Any] = {}
    for setting, more in (
        ("drop", {"drop": ["Unnamed: 0"]}),
        ("read", {"read": {"thousands": ",", "na_values": ["?"]}}),
        ("missing", {"missing": "median"}),
    ):
        with pytest.raises(Unfit) as refused:
            Table.model_validate({"path": str(path), "target": "kind", **said}).load()
        assert refused.value.setting == setting
        said |= more
    assert Table.model_validate({"path": str(path), "target": "kind", **said}).load().features.shape == (20, 2)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (gzip.compress(b"x,kind\n" + BODY.encode() * 100)[:-20], "t.csv.gz"),
        (b"PAR1" + bytes(100), "t.parquet"),
        (b"", "t.parquet"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "t.csv"),
    ],
    ids=["torn gzip", "torn Parquet", "empty Parquet", "an image"],
)
def test_a_damaged_file_is_told_in_one_line(content: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Unfit) as refused:
        Table(path=str(tmp_path / name), target="kind").load()
    assert len(str(refused.value).splitlines()) == 1
    for library in ("pandas", "pyarrow", "codec", "tokenizing", "Error"):
        assert library not in str(refused.value)


def test_a_name_twice_in_parquet(tmp_path: Path) -> None:
    column = pa.array([1.5, 2.5] * 10)
    pq.write_table(pa.table([column, column, pa.array(["a", "b"] * 10)], ["x", "x", "kind"]), tmp_path / "t.parquet")
    with pytest.raises(Unfit, match="has the column 'x' twice, as columns 1 and 2; rename one"):
        Table(path=str(tmp_path / "t.parquet"), target="kind").load()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"drop": ["sise"]}, "'sise' is not a column; did you mean 'size'?"),
        ({"numbers": ["sise"]}, "'sise' is not a column; did you mean 'size'?"),
        ({"drop": ["kind"]}, "'kind' is what is to be learned; take it out of 'drop'"),
        ({"numbers": ["size"], "categories": ["size"]}, "'size' is in 'numbers' too; keep one"),
        ({"numbers": ["colour"]}, "'colour' holds texts ('c0', row 1); take it out"),
        ({"drop": ["size", "colour"]}, "has no column but 'kind'; add what to predict it from"),
        ({"rows": 301, "drop": ["colour"]}, "there are 300 rows; give rows: 300 at most, or take it out"),
        ({}, "'colour' has 150 different values, each a column of its own, and at most 100 are taken unasked; "
             "say drop: [colour], or categories: [colour]"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_the_table(settings: dict[str, Any], words: str, tmp_path: Path) -> None:
    colours = [f"c{i % 150}" for i in range(300)]
    table = pd.DataFrame({"size": np.linspace(0, 1, 300), "colour": colours, "kind": ["a", "b"] * 150})
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(Unfit) as refused:
        Table(path=str(tmp_path / "t.csv"), target="kind", **settings).look()
    assert str(refused.value).endswith(words)


STUDY = """
study: s
baseline:
  dataset: {{name: table, path: t.csv, target: kind{more}}}
  network: linear
  optimizer: {{name: sgd, lr: 0.1}}
  batch_size: 8
  epochs: 1
comparisons:
  a: {{vary: {{optimizer.lr: [0.1, 0.2]}}, metrics: [test_accuracy]}}
"""


def test_all_columns_that_are_wrong_are_told_at_once_before_anything_is_trained(tmp_path: Path) -> None:
    rows = range(40)
    table = pd.DataFrame({"id": [f"p{i}" for i in rows], "day": [f"2024-02-{1 + i % 9:02}" for i in rows]})
    table = table.assign(size=[i % 7 / 3 for i in rows], kind=["a", "b"] * 20)
    table.to_csv(tmp_path / "t.csv", index=False)
    study = tmp_path / "s.yaml"
    study.write_text(STUDY.format(more=""))
    with pytest.raises(Refused) as refused:
        prepare(study, Store(tmp_path / "results"))
    where = f"{study}: baseline.dataset.drop: {tmp_path / 't.csv'}: "
    assert [line.partition(";")[0] for line in refused.value.lines] == [
        where + "'id' has 40 different values in 40 rows, as an identifier has ('p0', row 1)",
        where + "'day' holds dates ('2024-02-01', row 1)",
    ]
    study.write_text(STUDY.format(more=", drop: [id, day]"))
    [dataset] = prepare(study, Store(tmp_path / "results")).datasets.values()
    assert dataset.found is not None
    assert dataset.found.summary == "1 column of numbers (size); left out: id, day"
    assert dataset.sizes == (24, 8, 8)


def test_a_number_to_predict_is_no_class_unless_the_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,kind\n" + "1.5,0.0\n2.5,1.0\n" * 10)
    study = tmp_path / "s.yaml"
    study.write_text(STUDY.format(more=""))
    with pytest.raises(Refused) as refused:
        prepare(study, Store(tmp_path / "results"))
    words = "'test_accuracy' needs classes and 'table' is for regression; use a loss, or say task: classification"
    assert refused.value.lines == [f"{study}: comparisons.a.metrics[0]: {words}"]
    study.write_text(STUDY.format(more=", task: classification"))
    assert prepare(study, Store(tmp_path / "results")).comparisons


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('read: {sepp: ";"}', "read.sepp: 'sepp' is not a key; did you mean 'sep'?"),
        ("read: {encoding: u9}", "read.encoding: 'u9' is refused; give an encoding, such as utf-8, latin-1 or utf-16"),
        ('read: {sep: "a["}', "read.sep: 'a[' is refused; give one character, or a regular expression"),
        ("missing: mean", "missing: 'mean' is refused; give one of 'median', 'drop' or 'indicator'"),
        ("drop: id", "drop: 'id' is refused; give a list"),
        ("rows: 3", "rows: 3 is refused; give a number of at least 10"),
        ('label: " "', "label: ' ' is refused; give one line of at most 80 letters"),
        ('label: "a\\nb"', r"label: 'a\nb' is refused; give one line of at most 80 letters"),
        ("found: 3", "found: 'found' is not a setting of 'table'; did you mean 'fold'?"),
    ],
)  # fmt: skip
def test_settings_that_are_misspelt(more: str, words: str, tmp_path: Path) -> None:
    study = tmp_path / "s.yaml"
    study.write_text(STUDY.format(more=f", {more}"))
    with pytest.raises(Refused) as refused:
        prepare(study, Store(tmp_path / "results"))
    assert refused.value.lines == [f"{study}: baseline.dataset.{words}"]


KINDS: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "numbers": lambda draw, n: draw.normal(size=n),
    "whole": lambda draw, n: draw.integers(0, 9, n),
    "truths": lambda draw, n: draw.random(n) < 0.5,
    "texts": lambda draw, n: draw.choice(["a", 'b"c', "d, e", "ä\nö"], n),
    "holes": lambda draw, n: np.where(draw.random(n) < 0.2, np.nan, draw.normal(size=n)),
    "holed truths": lambda draw, n: pd.Series(draw.random(n) < 0.5).mask(draw.random(n) < 0.2),
    "holed whole": lambda draw, n: pd.Series(draw.integers(0, 5, n), dtype="Int64").mask(draw.random(n) < 0.2),
    "categories": lambda draw, n: pd.Categorical(draw.choice(["u", "v"], n), categories=["u", "v", "w"]),
    "constant": lambda draw, n: [7] * n,
    "nothing": lambda draw, n: [None] * n,
    "mixed": lambda draw, n: ["x" if i % 2 else "1.5" for i in range(n)],
    "dates": lambda draw, n: pd.date_range("2024", periods=n),
    "bytes": lambda draw, n: [b"a"] * n,
    "huge": lambda draw, n: [10**25 + i % 3 for i in range(n)],
}


@pytest.mark.parametrize("seed", range(150))
def test_any_table_is_read_whole_or_refused_in_a_line_for_each_column(seed: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(seed)
    rows = int(draw.choice([3, 8, 30, 60]))
    usual = [*KINDS][:8]
    columns = {f"c{i}": KINDS[draw.choice(usual if draw.random() < 0.9 else [*KINDS])](draw, rows) for i in range(3)}
    table = pd.DataFrame(columns).assign(kind=KINDS[draw.choice(["whole", "truths", "texts", "numbers"])](draw, rows))
    ending, missing = draw.choice(["csv", "parquet"]), draw.choice(["", "median", "drop", "indicator"])
    path = tmp_path / f"t.{ending}"
    try:
        table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    except (TypeError, ValueError, OverflowError, pa.ArrowException):
        pytest.skip("pandas cannot write it")
    dataset = Table(path=str(path), target="kind", missing=missing or None)
    lines: tuple[str, ...] = ()
    try:
        found = dataset.look()
    except Unfit as error:
        lines = error.words
    assert all(line.startswith(str(path)) or "too few to be split" in line for line in lines)
    if lines:
        return
    features = dataset.load().features
    assert features.shape == (found.rows, *found.shape)
    assert found.rows == rows or missing == "drop"
    assert np.isfinite(features).all() or missing in ("median", "indicator")


@pytest.mark.parametrize(("missing", "rows"), [("median", 19), ("indicator", 19), ("drop", 18)])
def test_a_row_without_a_target_is_left_out_and_others_are_not(missing: str, rows: int, tmp_path: Path) -> None:
    lines = [f"{i / 7},{'abc'[i % 3]}" for i in range(20)]
    lines[4], lines[9] = "0.5,", ",a"
    (tmp_path / "t.csv").write_text("\n".join(["size,kind", *lines]))
    found = Table.model_validate({"path": str(tmp_path / "t.csv"), "target": "kind", "missing": missing}).load()
    assert len(found.target) == len(found.features) == rows

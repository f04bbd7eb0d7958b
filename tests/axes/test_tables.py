"""Tables: what their columns are taken for, beside pandas and scikit-learn by hand; and what is refused, with words."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from study.axes.datasets.raw import Unfit
from study.axes.datasets.table import Csv, Table
from study.engine.inputs.data import load
from study.engine.inputs.prepare import prepare, read

ROWS = 60


def frame() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": draw.normal(5, 3, ROWS),
            "colour": draw.choice(["red", "green", "blue"], ROWS),
            "count": draw.integers(0, 9, ROWS),
            "kind": np.resize(["b", "a", "c"], ROWS),
            "old": draw.random(ROWS) < 0.5,
        }
    )


def written(folder: Path, table: pd.DataFrame, ending: str = "csv", **settings: Any) -> Table:
    path = folder / f"t.{ending}"
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    return Table(path=str(path), target="kind", **settings)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_features_are_numbers_then_a_column_for_each_value(ending: str, tmp_path: Path) -> None:
    table = frame()
    raw = written(tmp_path, table, ending).load()
    codes = (table["colour"].to_numpy()[:, None] == ["blue", "green", "red"]).astype(float)
    expected = np.column_stack([table["size"], table["count"], table["old"], codes])
    np.testing.assert_array_equal(raw.features, expected)
    assert (raw.labels, raw.classes, raw.task) == (("a", "b", "c"), 3, "classification")
    assert [raw.labels[code] for code in raw.target] == table["kind"].tolist()
    assert raw.columns == ("size: numbers", "colour: 3 values", "count: numbers", "old: numbers")
    assert raw.summary == (
        "3 columns of numbers (size, count, old)",
        "1 column of categories (colour: 3 values)",
    )


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_data_that_were_read_before_rules_were_made_give_the_same_bits(ending: str, tmp_path: Path) -> None:
    """As all tables were read once: by ``get_dummies`` on the whole frame."""
    table = frame()
    dataset = written(tmp_path, table, ending)
    before = pd.read_csv(dataset.path) if ending == "csv" else pd.read_parquet(dataset.path)
    target = before.pop("kind")
    np.testing.assert_array_equal(dataset.load().features, pd.get_dummies(before, dtype=float).to_numpy(dtype=float))
    np.testing.assert_array_equal(dataset.load().target, pd.factorize(target, sort=True)[0])
    assert "read" not in dataset.differing()  # so that its id is the one that it had


@pytest.mark.parametrize(
    ("target", "labels"),
    [
        ([True, False], ("False", "True")),
        ([3, 1], ("1", "3")),
        ([0.5, 2.0], ("0.5", "2")),
        (["ja", "nein"], ("ja", "nein")),
        (pd.Categorical(["z", "y"], categories=["z", "y"]), ("z", "y")),
    ],
)
def test_classes_have_names(target: Any, labels: tuple[str, ...], tmp_path: Path) -> None:
    table = frame().assign(kind=np.resize(np.asarray(target), ROWS))
    if isinstance(target, pd.Categorical):
        table["kind"] = table["kind"].astype(target.dtype)
    raw = written(tmp_path, table, "parquet", task="classification").load()
    assert raw.labels == labels
    assert [raw.labels[code] for code in raw.target[:2]] == [
        f"{x:g}" if isinstance(x, float) else str(x) for x in target
    ]


def holed() -> pd.DataFrame:
    table = frame()
    table.loc[[3, 7, 11], "size"] = np.nan
    table.loc[[7, 20], "colour"] = None
    return table


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("split", ["fixed", "by_seed"])
@pytest.mark.parametrize("missing", ["median", "indicator"])
def test_missing_values_are_medians_of_the_training_rows(missing: str, split: str, ending: str, tmp_path: Path) -> None:
    table = holed()
    dataset = written(tmp_path, table, ending, missing=missing, split=split)
    prepare(dataset, tmp_path / "d.npz")
    stored, data = read(dataset), load(tmp_path / "d.npz")
    train = stored.split == 0
    numbers = table[["size", "count", "old"]].astype(float).to_numpy()
    codes = (table["colour"].to_numpy()[:, None] == ["blue", "green", "red"]).astype(float)
    parts = [SimpleImputer(strategy="median").fit(numbers[train]).transform(numbers), codes]
    if missing == "indicator":
        parts.append(table[["size", "colour"]].isna().astype(float).to_numpy())
    known = np.column_stack(parts)
    assert np.median(numbers[~np.isnan(numbers[:, 0]), 0]) != parts[0][3, 0]  # of all rows it would be another
    expected = StandardScaler().fit(known[train]).transform(known)
    found = data.of([0]) if split == "by_seed" else data
    np.testing.assert_allclose(found.train.x, expected[train], atol=1e-6)
    np.testing.assert_allclose(found.test.x, expected[stored.split == 2], atol=1e-6)


def test_rows_with_missing_values_can_be_left_out(tmp_path: Path) -> None:
    table = holed()
    table.loc[40, "kind"] = None
    raw = written(tmp_path, table, missing="drop").load()
    whole = written(tmp_path, table.dropna().reset_index(drop=True)).load()
    assert len(raw.target) == ROWS - 5
    np.testing.assert_array_equal(raw.features, whole.features)
    np.testing.assert_array_equal(raw.target, whole.target)
    assert raw.summary[-1] == "5 rows with missing values left out"


@pytest.mark.parametrize(
    ("name", "options", "read"),
    [
        ("semicolons and decimal commas", {"sep": ";", "decimal": ","}, {"sep": ";", "decimal": ","}),
        ("tabs in another encoding", {"sep": "\t", "encoding": "latin-1"}, {"sep": "\t", "encoding": "latin-1"}),
        ("UTF-16", {"encoding": "utf-16"}, {"encoding": "utf-16"}),
        ("a byte order mark", {"encoding": "utf-8-sig"}, None),
        ("other words for missing", {"na_rep": "?"}, {"na_values": ["?"]}),
    ],
)
def test_a_table_is_the_same_however_it_is_written(
    name: str, options: dict[str, Any], read: dict[str, Any] | None, tmp_path: Path
) -> None:
    table = holed().replace({"colour": {"red": "röt"}}).round({"size": 3})
    expected = written(tmp_path, table, missing="indicator").load()
    table.to_csv(tmp_path / "other.csv", index=False, **options)
    raw = Table.model_validate(
        {"name": "table", "path": str(tmp_path / "other.csv"), "target": "kind", "missing": "indicator", "read": read}
    ).load()
    np.testing.assert_array_equal(raw.features, expected.features)
    np.testing.assert_array_equal(raw.target, expected.target)


def test_other_writings_of_numbers(tmp_path: Path) -> None:
    values = [f"{1000 * i % 7919 + 1000:,}" for i in range(ROWS)]
    text = "x;kind\n" + "".join(f"{value};{'ab'[i % 2]}\n" for i, value in enumerate(values))
    (tmp_path / "t.csv").write_text(text)
    dataset = Table(path=str(tmp_path / "t.csv"), target="kind", read=Csv(sep=";", thousands=","))
    assert dataset.load().features[:, 0].tolist() == [float(value.replace(",", "")) for value in values]
    decimals = frame().assign(size=[Decimal(i) / 4 + (i % 3) for i in range(ROWS)])
    expected = [i / 4 + i % 3 for i in range(ROWS)]
    assert written(tmp_path, decimals, "parquet").load().features[:, 0].tolist() == expected


def test_an_index_of_a_parquet_file_may_be_the_target_and_is_no_feature(tmp_path: Path) -> None:
    table = frame()
    table.set_index("kind").to_parquet(tmp_path / "t.parquet")
    raw = Table(path=str(tmp_path / "t.parquet"), target="kind").load()
    np.testing.assert_array_equal(raw.features, written(tmp_path, table).load().features)
    table.set_index(pd.Index(range(ROWS, 0, -1), name="id")).to_parquet(tmp_path / "t.parquet")
    assert Table(path=str(tmp_path / "t.parquet"), target="kind").load().features.shape == (ROWS, 6)


def test_what_looks_like_something_else_is_taken_as_it_is_called(tmp_path: Path) -> None:
    table = frame().assign(row=range(ROWS), zip=np.resize(["1", "2", "x"], ROWS), code=np.resize([7, 5], ROWS))
    raw = written(tmp_path, table, numbers=["row"], categories=["zip", "code"], drop=["size"]).load()
    assert raw.features.shape == (ROWS, 3 + 3 + 3 + 2)  # count, old, row; colour, zip, code
    assert raw.summary[1:] == (
        "3 columns of categories (colour: 3 values, zip: 3 values, code: 2 values)",
        "left out: size",
        "tells kind exactly: zip",
    )


SAY = "say drop: [x], or"
TABLES: dict[str, tuple[Any, str, str]] = {  # a column x beside the others, the setting that is named, the words
    "a lone word among numbers": (
        [*map(str, range(50)), *["?"] * 10], "path",
        "'x' holds numbers and 10 texts, '?' (rows 51, 52, 53 and 7 more); correct them, say read: {na_values: ['?']} "
        "where they mean a missing value, or categories: [x]",
    ),
    "thousands": (
        [f"{i},000" for i in range(1, 61)], "read",
        "'x' holds numbers written with a separator of thousands ('1,000', rows 1, 2, 3 and 57 more); "
        'say read: {thousands: ","}, or categories: [x]',
    ),
    "decimal commas": (
        [f"{i % 9},5" for i in range(60)], "read",
        "'x' holds numbers written with a decimal comma ('0,5', rows 1, 2, 3 and 57 more); "
        'say read: {decimal: ","}, or categories: [x]',
    ),
    "three decimals after a comma": (
        [f"{i % 3},{500 + i}" for i in range(60)], "read",
        "'x' holds numbers written with a decimal comma ('0,500', rows 1, 2, 3 and 57 more); "
        'say read: {decimal: ","}, or categories: [x]',
    ),
    "percent": (
        [f"{i % 9}.5 %" for i in range(60)], "path",
        "'x' holds numbers written with a percent sign ('0.5 %', rows 1, 2, 3 and 57 more); write them as plain "
        "numbers, or categories: [x]",
    ),
    "money": (
        [f"${i % 9}" for i in range(60)], "path",
        "'x' holds numbers written with a sign of money ('$0', rows 1, 2, 3 and 57 more); write them as plain "
        "numbers, or categories: [x]",
    ),
    "dates": (
        [f"2024-01-{1 + i % 7:02}" for i in range(60)], "drop",
        "'x' holds dates ('2024-01-01', row 1); say drop: [x], or make numbers of them, or categories: [x]",
    ),
    "identifiers": (
        [f"p{i}" for i in range(60)], "drop",
        f"'x' has 60 different values in 60 rows, as an identifier has ('p0', row 1); {SAY} categories: [x]",
    ),
    "row numbers": (range(60), "drop", f"'x' counts rows, from 0 to 59; {SAY} numbers: [x]"),
    "row numbers, shuffled": (
        np.random.default_rng(0).permutation(60), "drop", f"'x' counts rows, from 0 to 59; {SAY} numbers: [x]"
    ),
    "numbers that grow": (
        [i * i for i in range(60)], "drop",
        f"'x' grows or falls from row to row, from 0 to 3481, as an identifier does; {SAY} numbers: [x]",
    ),
    "missing values": (
        [None, *[1.5, 2.5] * 29, None], "missing",
        "2 of 60 values are missing in 'x' (rows 1 and 60); say missing: median, indicator or drop, or drop: [x]",
    ),
    "nothing": ([None] * 60, "drop", "'x' has no values; say drop: [x]"),
    "infinity": ([np.inf, *[1.5] * 59], "path", "'x' is not finite (row 1); correct it, or say drop: [x]"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_column_that_is_refused(name: str, tmp_path: Path) -> None:
    values, setting, words = TABLES[name]
    dataset = written(tmp_path, frame().assign(x=values))
    with pytest.raises(Unfit) as refused:
        dataset.load()
    assert (str(refused.value), refused.value.setting) == (f"{dataset.path}: {words}", setting)
    assert written(tmp_path, frame().assign(x=values), drop=["x"]).load().features.shape == (ROWS, 6)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([datetime.date(2024, 1, 1)] * ROWS, "is neither a number nor a text (dates, rows 1, 2, 3 and 57 more)"),
        ([pd.Timestamp("2024-01-01")] * ROWS, "holds dates or times"),
        ([["a"], ["b"]] * 30, "is neither a number nor a text (lists, rows 1, 2, 3 and 57 more)"),
        ([str(i / 8) for i in range(ROWS)], "holds numbers written as texts ('0.0', rows 1, 2, 3 and 57 more)"),
    ],
)
def test_a_column_of_parquet_that_is_refused(values: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(Unfit) as refused:
        written(tmp_path, frame().assign(x=values), "parquet").load()
    assert f"'x' {words}" in str(refused.value)
    assert "read:" not in str(refused.value)

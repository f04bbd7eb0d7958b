"""Preparation: splits, scaling, and files that are not what they should be."""

import gzip
import struct

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import datasets

from study.axes.custom import Custom
from study.axes.dataset import Dataset, Diabetes, Digits, Wine
from study.axes.datasets.files import Idx
from study.axes.datasets.table import Table
from study.engine.inputs.data import load
from study.engine.inputs.prepare import prepare, read
from study.store.checksums import Sums


def prepared(dataset, folder):
    path = folder / "prepared.npz"
    prepare(dataset, path)
    return load(path)


@pytest.mark.parametrize(
    "name", [n for n, kind in Dataset.choices().items() if not (kind.looked_at or issubclass(kind, Custom))]
)
def test_a_dataset_is_what_its_class_says(name):
    found = read(Dataset.choices()[name]())
    task, classes = found.about["task"], found.about["classes"]
    assert task == Dataset.choices()[name].known_task  # so that it is planned as it is trained
    assert len(np.unique(found.target)) == classes if task == "classification" else classes == 0


class Mistaken(Dataset):
    """Its ``name`` has no default, so that it is in no registry."""

    known_task = "classification"
    load = Diabetes.load


class Short(Dataset):
    known_task = "classification"
    known_rows = 17
    load = Wine.load


class Flat(Dataset):
    known_task = "classification"
    images = True
    load = Wine.load


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Flat, "own: its class says images = True, its data have False; correct it"),
        (Mistaken, "own: its class says known_task = 'classification', its data have 'regression'; correct it"),
        (Short, "own: its class says known_rows = 17, its data have 178; correct it"),
    ],
)
def test_one_that_is_not_what_its_class_says_is_refused(tmp_path, kind, words):
    with pytest.raises(ValueError, match=f"^{words}$"):
        prepared(kind(name="own"), tmp_path)
    assert not list(tmp_path.glob("*.npz"))


def test_splits_are_60_20_20_and_stratified(tmp_path):
    data = prepared(Digits(), tmp_path)
    assert [len(part.y) for part in (data.train, data.val, data.test)] == [1077, 360, 360]
    whole = np.bincount(datasets.load_digits().target) / 1797
    for part in (data.train, data.val, data.test):
        assert np.abs(np.bincount(part.y.numpy()) / len(part.y) - whole).max() < 0.005
    assert [p.name for p in tmp_path.iterdir()] == ["prepared.npz"]


def test_every_row_is_in_one_split(tmp_path):
    data = prepared(Wine(), tmp_path)
    rows = np.concatenate([part.x.numpy() for part in (data.train, data.val, data.test)])
    assert len(np.unique(rows, axis=0)) == len(np.unique(datasets.load_wine().data, axis=0))
    assert len(rows) == 178


def test_features_are_standardized_by_the_training_rows(tmp_path):
    data = prepared(Wine(), tmp_path)
    np.testing.assert_allclose(data.train.x.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(data.train.x.numpy().std(0), 1, rtol=1e-5)
    assert abs(float(data.test.x.mean())) > 1e-4


def test_pixels_are_divided_by_their_maximum(tmp_path):
    data = prepared(Digits(), tmp_path)
    assert data.shape == (1, 8, 8)
    assert (float(data.train.x.min()), float(data.train.x.max())) == (0, 1)
    assert set(np.unique(data.train.x * 16)) == set(range(17))


def test_a_regression_target_is_standardized_by_the_training_rows(tmp_path):
    data = prepared(Diabetes(), tmp_path)
    assert (data.task.name, data.outputs) == ("regression", 1)
    assert float(data.train.y.mean()) == pytest.approx(0, abs=1e-6)
    assert float(data.train.y.numpy().std()) == pytest.approx(1, rel=1e-5)
    assert float(data.test.y.numpy().std()) != pytest.approx(1, rel=1e-5)


def test_split_seed_draws_another_split(tmp_path):
    first, same, other = (prepared(Wine(split_seed=s), tmp_path).test.x for s in (0, 0, 1))
    assert first.equal(same)
    assert not first.equal(other)


def frame(rows=60):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": rng.normal(5, 3, rows),
            "fixed": 0.1,
            "colour": rng.choice(["red", "green", "blue"], rows),
            "kind": np.resize(["a", "b"], rows),
            "count": np.resize([10, 20, 40], rows),
            "price": rng.normal(size=rows),
        }
    )


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_table(ending, tmp_path):
    path = tmp_path / f"table.{ending}"
    frame().to_csv(path, index=False) if ending == "csv" else frame().to_parquet(path)
    data = prepared(Table(path=str(path), target="kind"), tmp_path)
    assert (data.task.name, data.outputs, data.shape) == ("classification", 2, (4 + 3,))  # three colours
    constant = (data.train.x == 0).all(0)
    assert int(constant.sum()) == 1


@pytest.mark.parametrize(
    ("target", "task", "expected"),
    [
        ("kind", None, ("classification", 2)),
        ("count", None, ("classification", 3)),
        ("count", "regression", ("regression", 1)),
        ("price", None, ("regression", 1)),
    ],
)
def test_the_task_follows_from_the_target(target, task, expected, tmp_path):
    frame().to_csv(tmp_path / "t.csv", index=False)
    data = prepared(Table(path=str(tmp_path / "t.csv"), target=target, task=task), tmp_path)
    assert (data.task.name, data.outputs) == expected


def test_boolean_and_many_valued_targets(tmp_path):
    table = frame(80).assign(flag=np.resize([True, False], 80), number=np.arange(80))
    table.to_parquet(tmp_path / "t.parquet")
    tasks = [
        prepared(Table(path=str(tmp_path / "t.parquet"), target=t, numbers=["number"]), tmp_path).task.name
        for t in ("flag", "number")
    ]
    assert tasks == ["classification", "regression"]


@pytest.mark.parametrize(
    ("target", "changes", "words"),
    [
        ("colour!", {}, "has no column 'colour!'; did you mean 'colour'"),
        ("kind", {"size": np.nan}, r"'size' has no values; say drop: \[size\]"),
        ("kind", {"kind": "a"}, "one value only"),
        ("price", {"price": 2.0}, "one value only"),
        ("kind", {"size": np.inf}, "not finite"),
        ("name", {"name": [f"n{i}" for i in range(60)]}, "60 different texts"),
        ("kind", {"day": pd.Timestamp("2020-01-01")}, "'day' holds dates or times; make numbers of them"),
    ],
)
def test_tables_that_are_refused(target, changes, words, tmp_path):
    frame().assign(**changes).to_parquet(tmp_path / "t.parquet")
    with pytest.raises((ValueError, LookupError), match=words):
        prepared(Table(path=str(tmp_path / "t.parquet"), target=target), tmp_path)


def test_a_file_that_changed_since_planning_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    frame().to_csv(path, index=False)
    planned = Sums(tmp_path / "sums.json").resolve(Table(path="t.csv", target="kind"), tmp_path)
    prepared(planned, tmp_path)
    frame(59).to_csv(path, index=False)
    with pytest.raises(ValueError, match="SHA-256"):
        prepared(planned, tmp_path)


def test_the_log_says_what_it_was_taken_for(tmp_path):
    frame().to_csv(tmp_path / "t.csv", index=False)
    lines = prepare(Table(path=str(tmp_path / "t.csv"), target="kind", drop=["count"]), tmp_path / "d.npz").lines
    assert lines == [
        "rows: 36 training, 12 validation, 12 test, each of 6",
        "3 columns of numbers (size, fixed, price)",
        "1 column of categories (colour: 3 values)",
        "left out: count",
        "the same in all rows: fixed",
        "columns: size: numbers; fixed: numbers; colour: 3 values; price: numbers; count: left out",
        "rows of each class: a: 30, b: 30",
    ]


def write_idx(path, array, compress):
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    content = header + array.astype("u1").tobytes()
    if compress:
        path = path.with_name(path.name + ".gz")
    path.write_bytes(gzip.compress(content) if compress else content)


@pytest.fixture
def mnist(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "train-images-idx3-ubyte": rng.integers(0, 201, (50, 6, 5)),
        "train-labels-idx1-ubyte": np.resize(np.arange(5), 50),
        "t10k-images-idx3-ubyte": rng.integers(0, 201, (20, 6, 5)),
        "t10k-labels-idx1-ubyte": np.resize(np.arange(5), 20),
    }

    def write(compress):
        folder = tmp_path / f"mnist{compress}"
        folder.mkdir()
        for name, array in arrays.items():
            write_idx(folder / name, array, compress)
        return folder, arrays

    return write


@pytest.mark.parametrize("compress", [False, True])
def test_idx_keeps_its_test_files(compress, mnist, tmp_path):
    folder, arrays = mnist(compress)
    data = prepared(Idx(path=str(folder)), tmp_path)
    assert (data.shape, data.outputs) == ((1, 6, 5), 5)
    assert [len(part.y) for part in (data.train, data.val, data.test)] == [40, 10, 20]
    assert data.val.y.bincount().tolist() == [2] * 5
    np.testing.assert_array_equal(data.test.y, arrays["t10k-labels-idx1-ubyte"])
    pixels = arrays["t10k-images-idx3-ubyte"]
    scale = np.round(pixels.max() / float(data.test.x.max()))
    np.testing.assert_allclose(data.test.x[:, 0] * scale, pixels, atol=1e-4)


def test_seeds_that_draw_the_split_keep_the_test_files(mnist, tmp_path):
    folder, arrays = mnist(False)
    data = prepared(Idx(path=str(folder), split="by_seed"), tmp_path).of([0, 1])
    assert [part.rows for part in (data.train, data.val, data.test)] == [40, 10, 20]
    pixels = [part.take(torch.arange(part.rows).expand(2, -1))[0] for part in (data.train, data.val, data.test)]
    for seed in range(2):
        brightest = np.round(arrays["t10k-images-idx3-ubyte"].max() / float(pixels[2][seed].max()))
        both = torch.cat([pixels[0][seed], pixels[1][seed]])[:, 0] * brightest
        found = np.unique(both.round().numpy().reshape(50, -1), axis=0)
        np.testing.assert_array_equal(found, np.unique(arrays["train-images-idx3-ubyte"].reshape(50, -1), axis=0))
        np.testing.assert_allclose(pixels[2][seed][:, 0] * brightest, arrays["t10k-images-idx3-ubyte"], atol=1e-3)
    assert not pixels[1][0].equal(pixels[1][1])


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("t10k-labels-idx1-ubyte", None, "has no t10k-labels"),
        ("train-labels-idx1-ubyte", b"hello", "is not an IDX file"),
        ("train-labels-idx1-ubyte", b"\0\0\x08\x01\0\0\0\x32abc", "holds 3 values where its header promises 50"),
        ("train-labels-idx1-ubyte", b"\0\0\x08\x01\0\0\0\x02\0\1", "50 train images but 2 labels"),
    ],
)
def test_idx_files_that_are_refused(name, content, error, mnist, tmp_path):
    folder, _ = mnist(False)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises((ValueError, FileNotFoundError), match=error):
        prepared(Idx(path=str(folder)), tmp_path)

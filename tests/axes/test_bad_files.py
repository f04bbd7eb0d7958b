"""Files and folders of arrays and images that cannot be used: one line each, when a study is planned."""

from __future__ import annotations

import gzip
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from study.axes.dataset import Dataset
from study.axes.datasets.files import IDX_FILES, Idx, Images, Npz
from study.axes.datasets.raw import Found, Unfit
from study.axes.datasets.table import Table
from study.store.checksums import Sums

DRAW = np.random.default_rng(0)
TRAIN_X, TRAIN_Y, TEST_X, TEST_Y = IDX_FILES
Change = Callable[[Path], Any]


def look(dataset: Dataset, folder: Path) -> Found:
    found = Sums(folder / "sums.json").resolve(dataset, folder).found
    assert found is not None
    return found


def refused(dataset: Dataset, folder: Path) -> str:
    with pytest.raises((Unfit, OSError)) as error:
        look(dataset, folder)
    return str(error.value).removeprefix(f"{folder}/")


def idx(values: np.ndarray, code: int = 8) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, code, values.ndim, *values.shape) + values.tobytes()


def mnist(folder: Path) -> None:
    pixels, labels = DRAW.integers(0, 255, (40, 6, 6)).astype("u1"), (np.arange(40) % 4).astype("u1")
    for name, values in zip(IDX_FILES, (pixels, labels, pixels[:20], labels[:20]), strict=True):
        (folder / name).write_bytes(idx(values))


def labels(train: list[int], test: list[int]) -> Change:
    def change(folder: Path) -> None:
        (folder / TRAIN_Y).write_bytes(idx(np.array(train, dtype="u1")))
        (folder / TEST_Y).write_bytes(idx(np.array(test, dtype="u1")))

    return change


def instead(name: str, content: bytes | None) -> Change:
    """Another file in the place of one; a FIFO."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name) if content is None else (folder / name).write_bytes(content)

    return change


def torn_gzip(folder: Path) -> None:
    whole = gzip.compress((folder / TRAIN_X).read_bytes())
    (folder / TRAIN_X).unlink()
    (folder / f"{TRAIN_X}.gz").write_bytes(whole[: len(whole) // 2])


def device(folder: Path) -> None:
    (folder / TRAIN_X).unlink()
    (folder / TRAIN_X).symlink_to("/dev/zero")


FOUR = [i % 4 for i in range(40)]
IDX: dict[str, tuple[Change, str]] = {
    "torn": (
        instead(TRAIN_X, idx(np.zeros((40, 6, 6), "u1"))[:99]),
        f"{TRAIN_X}: holds 83 values where its header promises 1440",
    ),
    "torn gzip": (torn_gzip, f"{TRAIN_X}.gz: is damaged, or no gzip file; get it again"),
    "an endless header": (
        instead(TRAIN_X, struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 2**31)),
        f"{TRAIN_X}: holds 0 values where its header promises {2**93}",
    ),
    "a single value": (instead(TRAIN_X, b"\0\0\x08\0a"), f"{TRAIN_X}: holds a single value; give one for each row"),
    "a label out of range": (
        labels([*FOUR[:-1], 200], FOUR[:20]),
        f"{TRAIN_Y}: no image has label 4, and label 200 is there (row 40); "
        "correct it, or number the classes one after another",
    ),
    "a label of the test images alone": (
        labels(FOUR, [*FOUR[:19], 9]), f"{TEST_Y}: label 9 (row 20) is of no training image; correct it"
    ),
    "one class": (labels([0] * 40, [0] * 20), "there is one class only, '0'; a classification needs two"),
    "an empty test split": (
        lambda folder: [(folder / TEST_X).write_bytes(idx(np.zeros((0, 6, 6), "u1"))), labels(FOUR, [])(folder)],
        "the test split that comes with the data is empty; fill it, or take it out",
    ),
    "no number": (
        instead(TRAIN_X, idx(np.where(np.arange(1440).reshape(40, 6, 6) == 77, np.nan, 1).astype(">f4"), 0x0D)),
        "features are not finite (row 3); correct it, or take it out",
    ),
    "a FIFO": (instead(TRAIN_X, None), f"{TRAIN_X}: is no file; give the file itself"),
    "a device": (device, f"{TRAIN_X}: is no file; give the file itself"),
}  # fmt: skip


@pytest.mark.parametrize("name", IDX)
def test_idx_files(name: str, tmp_path: Path) -> None:
    change, words = IDX[name]
    mnist(tmp_path)
    change(tmp_path)
    assert refused(Idx(path="."), tmp_path) == words


def test_labels_may_begin_at_one(tmp_path: Path) -> None:
    mnist(tmp_path)
    labels([i + 1 for i in FOUR], [i + 1 for i in FOUR[:20]])(tmp_path)
    assert look(Idx(path="."), tmp_path).classes == 5  # as before: none is called 0


def save(path: Path, shape: tuple[int, ...] = (6, 6)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(DRAW.integers(0, 255, shape).astype("u1")).save(path)


def moved(part: str, beside: str = "") -> Change:
    """The classes into ``train`` or ``test``; ``beside``: one that stays beside them."""

    def change(folder: Path) -> None:
        for name in "ab":
            shutil.copytree(folder / name, folder / part / name)
            if beside:
                shutil.copytree(folder / name, folder / "test" / name)
            shutil.rmtree(folder / name)
        if beside:
            save(folder / beside / "x.png")

    return change


FOLDERS: dict[str, tuple[Change, str]] = {
    "two sizes": (
        lambda d: save(d / "b" / "x.png", (7, 6)),
        "b/x.png: is 6 × 7 pixels, a/0.png 6 × 6; bring all to one size",
    ),
    "several that are none": (
        lambda d: [(d / "b" / f"{i}.png").write_bytes(b"no") for i in (1, 3, 21)],
        "b/1.png, b/21.png and b/3.png: are damaged, or no images; take them out of the folder",
    ),
    "many of other sizes": (
        lambda d: [save(d / "b" / f"x{i:02}.png", (7, i + 1)) for i in range(12)],
        f"{', '.join(f'b/x{i:02}.png: is {i + 1} × 7 pixels' for i in range(10))} and 2 more, "
        "a/0.png 6 × 6; bring all to one size",
    ),
    "a FIFO": (lambda d: os.mkfifo(d / "a" / "x.png"), "a/x.png: is no file, and would not be read; take it out"),
    "a link to nothing": (
        lambda d: (d / "a" / "x.png").symlink_to("nowhere"), "a/x.png: is no file, and would not be read; take it out"
    ),
    "a folder in a class": (
        lambda d: save(d / "a" / "c" / "x.png"), "a/c: is no file, and would not be read; take it out"
    ),
    "a class without images": (
        lambda d: (d / "c").mkdir(), "c: is the folder of a class and holds no images; take it out"
    ),
    "an image beside the classes": (
        lambda d: save(d / "x.png"), "x.png: is in no folder of a class, and would not be read; take it out"
    ),
    "no test": (moved("train"), "has 'train' and no 'test'; add it, or move what is in 'train' up"),
    "no train": (moved("test"), "has 'test' and no 'train'; add it, or move what is in 'test' up"),
    "a third part": (
        moved("train", beside="val"), "val: is neither 'train' nor 'test', and would not be read; take it out"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
def test_folders_of_images(name: str, tmp_path: Path) -> None:
    change, words = FOLDERS[name]
    for i in range(20):
        save(tmp_path / "ab"[i % 2] / f"{i}.png")
    assert look(Images(path="."), tmp_path).rows == 20
    change(tmp_path)
    assert refused(Images(path="."), tmp_path).replace(f"{tmp_path}/", "").removeprefix(f"{tmp_path}: ") == words


X, Y = DRAW.normal(size=(30, 3)), np.arange(30) % 3
ARRAYS: dict[str, tuple[dict[str, Any], str]] = {
    "dates": ({"y": np.full(30, "2020-01-01", "datetime64[D]")}, "y holds datetime64[D]; give numbers, or texts"),
    "other classes in the test rows": (
        {"x_test": X, "y_test": Y + 0.5}, "y holds int64 and float64; give numbers, or texts"
    ),
    "no rows": ({"x": X[:0], "y": Y[:0]}, "x has no rows; give some, or take x and y out"),
    "no test rows": (
        {"x_test": X[:0], "y_test": Y[:0]}, "x_test has no rows; give some, or take x_test and y_test out"
    ),
    "no columns": ({"x": X[:, :0]}, "the features are 30 × 0: there are none; give some"),
    "nothing but one value": (
        {"x": np.ones((30, 4, 4))}, "all features are the same in all rows; nothing can be learned from them"
    ),
    "black beyond black": (
        {"x": -1 - np.square(DRAW.normal(size=(30, 4, 4)))},
        "images have no value above 0, and pixels are divided by their maximum; give others",
    ),
    "too many digits": (
        {"x": np.arange(90).reshape(30, 3) + 2**60},
        "features are whole numbers of more digits than are kept; give another unit",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name: str, tmp_path: Path) -> None:
    arrays, words = ARRAYS[name]
    np.savez(tmp_path / "d.npz", **{"x": X, "y": Y} | arrays)
    assert refused(Npz(path="d.npz"), tmp_path).removeprefix("d.npz: ") == words


def test_arrays_that_are_not_read_are_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=X, y=Y, split=Y, x_val=X)
    assert Npz(path=str(tmp_path / "d.npz")).load().summary == ("left out: split and x_val",)


def fifo(path: Path) -> None:
    os.mkfifo(path)


PLACES: dict[str, tuple[Change, str]] = {
    "a FIFO": (fifo, "is neither a file nor a folder; give a file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "is neither a file nor a folder; give a file"),
    "nothing for ever": (lambda path: path.symlink_to("/dev/null"), "is neither a file nor a folder; give a file"),
    "itself": (lambda path: path.symlink_to(path), "cannot be read (too many levels of symbolic links); give another"),
    "a folder": (lambda path: path.mkdir(), "is a folder; give a file"),
}


@pytest.mark.parametrize("name", PLACES)
def test_what_stands_in_place_of_a_file(name: str, tmp_path: Path) -> None:
    make, words = PLACES[name]
    make(tmp_path / "t.csv")
    assert refused(Table(path="t.csv", target="y"), tmp_path) == f"'{tmp_path / 't.csv'}' {words}"


def test_a_path_that_is_none(tmp_path: Path) -> None:
    assert refused(Table(path="t\0.csv", target="y"), tmp_path) == "'t\\x00.csv' is no path; give that of a file"

"""Datasets in files of arrays and images; and rows that are sampled from any."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from study.axes.dataset import Dataset, Digits, Wine
from study.axes.datasets.files import Idx, Images, Npz
from study.axes.datasets.raw import Raw, Unfit
from study.engine.inputs.data import load
from study.engine.inputs.prepare import prepare, read
from study.store.checksums import Sums

ROWS = 40


def planned(dataset: Dataset, folder: Path) -> Dataset:
    return Sums(folder / "sums.json").resolve(dataset, folder)


def npz(folder: Path, **arrays: Any) -> Npz:
    np.savez(folder / "d.npz", **arrays)
    return Npz(path=str(folder / "d.npz"))


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 200, shape).astype("uint8")


LABELS = np.resize(["cat", "dog"], ROWS)


@pytest.mark.parametrize(
    ("shape", "found"),
    [((7,), (7,)), ((6, 5), (1, 6, 5)), ((3, 6, 5), (3, 6, 5)), ((6, 5, 3), (3, 6, 5)), ((1, 6, 5), (1, 6, 5))],
)
def test_npz_holds_features_or_images_with_channels_before_or_after(
    shape: tuple[int, ...], found: tuple[int, ...], tmp_path: Path
) -> None:
    x = draw(ROWS, *shape)
    dataset = planned(npz(tmp_path, x=x, y=LABELS), tmp_path)
    raw = dataset.load()
    assert raw.features.shape == (ROWS, *found)
    assert (raw.labels, raw.task) == (("cat", "dog"), "classification")
    expected = np.moveaxis(x, 3, 1) if shape == (6, 5, 3) else x.reshape(raw.features.shape)
    np.testing.assert_array_equal(raw.features, expected)
    assert dataset.found is not None
    assert (dataset.found.shape, dataset.images, dataset.given_test) == (found, len(shape) > 1, False)
    assert dataset.sizes == (24, 8, 8)
    prepare(dataset, tmp_path / "p.npz")
    assert load(tmp_path / "p.npz").shape == found


def test_npz_may_come_with_a_test_split_and_hold_values_to_predict(tmp_path: Path) -> None:
    y = np.arange(ROWS) / 3
    dataset = planned(npz(tmp_path, x=draw(ROWS, 4), y=y, x_test=draw(11, 4), y_test=y[:11]), tmp_path)
    assert (dataset.known_task, dataset.given_test, dataset.sizes) == ("regression", True, (32, 8, 11))
    stored = read(dataset)
    assert np.bincount(stored.split).tolist() == [32, 8, 11]
    np.testing.assert_array_equal(np.flatnonzero(stored.split == 2), np.arange(ROWS, ROWS + 11))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": draw(ROWS, 4)}, "has no array 'y'"),
        ({"x": draw(ROWS, 4), "y": LABELS, "x_test": draw(5, 4)}, "has no array 'y_test'"),
        ({"x": draw(ROWS, 4), "y": LABELS[:7]}, "x has 40 rows but y is 7; give one value a row"),
        ({"x": draw(ROWS, 4), "y": draw(ROWS, 10)}, "y is 40 × 10; give one value a row"),
        ({"x": draw(ROWS, 4), "y": LABELS, "x_test": draw(40, 5), "y_test": LABELS}, "rows of x are 4, of x_test 5"),
        (
            {"x": draw(ROWS, 7, 6, 5), "y": LABELS},
            "x is 40 × 7 × 6 × 5: either the second or the last must be channels",
        ),
        ({"x": draw(ROWS, 3, 6, 3), "y": LABELS}, "must be channels, 1, 3 or 4 of them"),
        ({"x": draw(ROWS), "y": LABELS}, "x has 1 dimension; give"),
        ({"x": LABELS, "y": LABELS}, "x holds <U3; give numbers"),
        ({"x": np.where(draw(ROWS, 2) == 0, 0, np.nan), "y": LABELS}, "x is not finite in row 1; correct it"),
        ({"x": draw(ROWS, 4), "y": LABELS == "bird"}, "y has one value only"),
        ({"x": draw(ROWS, 4), "y": np.array([{}] * ROWS)}, "no .npz file of numbers and texts"),
        ({"x": draw(ROWS, 4), "y": np.float64(1)}, "x or y is a single value"),
    ],
)
def test_npz_files_that_are_refused(arrays: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(Unfit) as refused:
        planned(npz(tmp_path, **arrays), tmp_path)
    assert words in str(refused.value)
    assert str(refused.value).startswith(f"{tmp_path / 'd.npz'}: ")


@pytest.mark.parametrize("content", [b"", b"PK\3\4 torn", np.lib.format.magic(1, 0)], ids=["empty", "torn", "npy"])
def test_a_damaged_npz_file_is_told_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "d.npz").write_bytes(content)
    with pytest.raises(Unfit, match=r"d\.npz: is damaged, or no \.npz file"):
        planned(Npz(path="d.npz"), tmp_path)


def pictures(folder: Path, mode: str = "RGB", parts: tuple[str, ...] = ("",), each: int = 12) -> Path:
    generator = np.random.default_rng(1)
    for part in parts:
        for label in ("b", "a"):
            (folder / "pets" / part / label).mkdir(parents=True)
            for i in range(each):
                pixels = generator.integers(0, 256, (5, 6) if mode == "L" else (5, 6, 3)).astype("uint8")
                Image.fromarray(pixels).save(folder / "pets" / part / label / f"{i:02}.png")
    (folder / "pets" / ".DS_Store").touch()
    (folder / "pets" / parts[0] / "a" / ".hidden").touch()
    return folder / "pets"


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3)])
def test_images_are_a_folder_for_each_class(mode: str, channels: int, tmp_path: Path) -> None:
    folder = pictures(tmp_path, mode)
    dataset = planned(Images(path="pets"), tmp_path)
    raw = dataset.load()
    assert (raw.features.shape, raw.labels) == ((24, channels, 5, 6), ("a", "b"))
    assert raw.target.tolist() == [0] * 12 + [1] * 12
    pixels = np.asarray(Image.open(folder / "b" / "03.png"))
    np.testing.assert_array_equal(raw.features[15], pixels[None] if mode == "L" else pixels.transpose(2, 0, 1))
    assert dataset.sizes == (14, 5, 5)
    prepare(dataset, tmp_path / "p.npz")
    assert load(tmp_path / "p.npz").shape == (channels, 5, 6)


def test_images_may_come_with_a_test_split(tmp_path: Path) -> None:
    pictures(tmp_path, parts=("train", "test"))
    dataset = planned(Images(path="pets"), tmp_path)
    assert (dataset.given_test, dataset.sizes) == (True, (19, 5, 24))
    assert np.bincount(read(dataset).split).tolist() == [19, 5, 24]


def test_a_picture_in_another_class_is_another_dataset_and_a_folder_elsewhere_is_not(tmp_path: Path) -> None:
    folder = pictures(tmp_path)
    first = planned(Images(path="pets"), tmp_path)
    folder.rename(tmp_path / "elsewhere")
    assert planned(Images(path="elsewhere"), tmp_path).differing() == first.differing()
    (tmp_path / "elsewhere" / "a" / "11.png").rename(tmp_path / "elsewhere" / "b" / "000.png")
    assert planned(Images(path="elsewhere"), tmp_path).differing() != first.differing()


def test_images_that_are_refused(tmp_path: Path) -> None:
    folder = pictures(tmp_path)
    odd = folder / "b" / "04.png"

    def words() -> str:
        with pytest.raises((Unfit, FileNotFoundError)) as refused:
            planned(Images(path="pets"), tmp_path)
        return str(refused.value)

    first = folder / "a" / "00.png"
    Image.fromarray(draw(7, 6, 3)).save(odd)
    assert words() == f"{odd}: is 6 × 7 pixels, {first} 6 × 5; bring all to one size"
    Image.fromarray(draw(5, 6)).save(odd)
    assert words() == f"{odd} and {first}: one is grey, the other colour; say mode: RGB, or mode: L"
    assert Images(path=str(folder), mode="L").load().features.shape == (24, 1, 5, 6)
    Image.fromarray(draw(5, 6, 4)).save(odd)
    assert words() == f"{odd}: is of mode RGBA; say mode: RGB, or mode: L for grey"
    odd.write_text("no image")
    assert words() == f"{odd}: is damaged, or no image; take it out of the folder"
    (folder / "b").rename(tmp_path / "b")
    assert words() == f"{folder}: has one class only, 'a'; a classification needs two folders"
    (folder / "a").rename(tmp_path / "a")
    assert words().startswith(f"{folder}: holds no images in folders, one for each class")


def idx(path: Path, array: np.ndarray) -> None:
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(header + array.tobytes())


def colour_idx(folder: Path, shape: tuple[int, ...] = (6, 5, 3)) -> None:
    for part, rows in (("train", 30), ("t10k", 10)):
        idx(folder / f"{part}-images-idx4-ubyte", draw(rows, *shape))
        idx(folder / f"{part}-labels-idx1-ubyte", np.resize([0, 1], rows).astype("uint8"))


def test_idx_files_of_colour(tmp_path: Path) -> None:
    colour_idx(tmp_path)
    dataset = planned(Idx(path="."), tmp_path)
    np.testing.assert_array_equal(dataset.load().features[:30], draw(30, 6, 5, 3).transpose(0, 3, 1, 2))
    assert dataset.sizes == (24, 6, 10)
    idx(tmp_path / "t10k-images-idx4-ubyte", draw(10, 6, 6, 3))
    with pytest.raises(Unfit, match="train images are 6 × 5 × 3 and test images 6 × 6 × 3; give one size"):
        planned(Idx(path="."), tmp_path)


@pytest.mark.parametrize("split", ["fixed", "by_seed"])
def test_rows_are_sampled_with_the_shares_of_their_classes(split: str, tmp_path: Path) -> None:
    whole, few = Digits().load(), Digits().load().sample(300)
    shares = np.bincount(whole.target) * 300 / 1797
    assert np.abs(np.bincount(few.target) - shares).max() <= 1
    pixels = {row.tobytes() for row in whole.features}
    assert len({row.tobytes() for row in few.features} & pixels) == 300  # all different, none made up
    again = Digits(rows=300, split_seed=7).load().sample(300)
    np.testing.assert_array_equal(again.features, few.features)
    dataset = Digits.model_validate({"name": "digits", "rows": 300, "split": split})
    prepare(dataset, tmp_path / "p.npz")
    data = load(tmp_path / "p.npz").of([0])
    assert (data.train.rows, data.val.rows, data.test.rows) == dataset.sizes == (180, 60, 60)
    assert dataset.differing() != Digits().differing()
    assert Digits(label="x").differing() == Digits().differing()


def test_test_rows_that_are_given_keep_their_share(tmp_path: Path) -> None:
    raw = Raw(draw(120, 3), np.resize([0, 1, 1], 120), "classification", 2, np.arange(120) >= 90)
    few = raw.sample(40)
    assert few.test is not None
    assert int(few.test.sum()) == 10
    assert np.bincount(few.target[few.test]).tolist() in ([3, 7], [4, 6])
    assert len(Raw(draw(120, 3), np.linspace(0, 1, 120), "regression").sample(40).target) == 40
    with pytest.raises(ValueError, match="'wine' has 178 rows; give fewer"):
        Wine(rows=179)


def test_what_was_found_is_remembered_with_the_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sums = Sums(tmp_path / "sums.json")
    first = sums.resolve(npz(tmp_path, x=draw(ROWS, 4), y=LABELS), tmp_path)
    sums.keep()
    monkeypatch.setattr(Npz, "load", None)  # it is not read again
    again = planned(npz(tmp_path, x=draw(ROWS, 4), y=LABELS), tmp_path)
    assert again == first
    assert again.found is not None
    assert (again.found.largest, again.found.rows) == (("cat", 20), 40)
    assert "found" not in again.differing()
    assert "found" not in again.settings()


@pytest.mark.parametrize("spoiled", ['{"//found": 3}', '{"//found": {"KEY": {"task": "none"}}}', "[]"])
def test_what_was_remembered_wrongly_or_cannot_be_written_is_read_again(spoiled: str, tmp_path: Path) -> None:
    dataset = npz(tmp_path, x=draw(ROWS, 4), y=LABELS)
    sums = Sums(tmp_path / "sums.json")
    first = sums.resolve(dataset, tmp_path)
    sums.keep()
    [key] = json.loads((tmp_path / "sums.json").read_text())["//found"]
    (tmp_path / "sums.json").write_text(spoiled.replace("KEY", key))
    assert planned(dataset, tmp_path) == first
    nowhere = Sums(tmp_path / "d.npz" / "sums.json")  # as where a store is read-only
    assert nowhere.resolve(dataset, tmp_path) == first
    nowhere.keep()

"""What is in a Parquet file of the store is what was written there, for whom it was written."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.axes.recipe import RECIPE
from study.errors import Damaged
from study.store.files import write_parquet
from study.store.layout import Block, Store
from study.store.schemas import CURVES, RUNS, SEARCH
from study.store.seal import check, read_parquet

ARM, OTHER, BLOCK = "0a1b2c3d4e5f", "ffffffffffff", Block(0, 2)
REASON = f'a reason may say anything: {{"sha256": "{"0" * 64}"}}'


def runs(arm: str = ARM, seeds: range = range(3), **changed: Any) -> pa.Table:
    rows = [{"arm": arm, "seed": s, "test_loss": 0.5 + s, "reason": REASON, "recipe_version": RECIPE} for s in seeds]
    return pa.Table.from_pylist([row | changed for row in rows], RUNS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = Store(tmp_path).runs(ARM, BLOCK)
    write_parquet(runs(), path)
    return path


def moved(path: Path, place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    return path.rename(place)


def test_what_was_written_is_read(path: Path) -> None:
    assert check(path)
    assert read_parquet(path, RUNS).equals(runs())
    assert pd.read_parquet(path)["test_loss"].tolist() == [0.5, 1.5, 2.5]  # whoever knows nothing of seals


def test_changed_bytes_are_found(path: Path) -> None:
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises(Damaged, match="is damaged"):
            check(path)


def test_lost_ends_are_found(path: Path) -> None:
    content = path.read_bytes()
    for length in range(0, len(content), 41):
        path.write_bytes(content[:length])
        with pytest.raises(Damaged, match="is damaged"):
            check(path)


@pytest.mark.parametrize(
    ("place", "held"),
    [
        (f"arms/{OTHER}/runs-0-2", f"the runs of arm {ARM}, seeds 0-2, recipe_version {RECIPE}"),
        (f"arms/{ARM}/runs-0-5", "seeds 0-2"),
        (f"arms/{ARM}/curves-0-2", "the runs of"),
        (f"searches/{ARM}", "the runs of"),
        (f"timing/{ARM}", "the runs of"),
        ("studies/runs/runs", f"arm {ARM}"),
        ("studies/timing/timing", f"arm {ARM}"),
    ],
)
def test_what_is_of_something_else_is_refused(path: Path, tmp_path: Path, place: str, held: str) -> None:
    other = moved(path, tmp_path / f"{place}.parquet")
    with pytest.raises(Damaged, match=f"{other.name}: is not its own: it holds .*{held}"):
        check(other)


def test_what_is_of_another_recipe_version_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.store.layout.RECIPE", RECIPE + 1)
    with pytest.raises(Damaged, match=f"runs-0-2.parquet: is not its own: it holds .*recipe_version {RECIPE}"):
        check(path)


def test_what_is_refused_is_set_aside(path: Path) -> None:
    path = moved(path, path.parents[1] / OTHER / path.name)
    content = path.read_bytes()
    with pytest.raises(Damaged, match=r"it is now runs-0-2.parquet.damaged, and the next run of the study makes it"):
        read_parquet(path)
    assert path.with_name("runs-0-2.parquet.damaged").read_bytes() == content
    assert not path.exists()


def test_what_cannot_be_set_aside_is_refused_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*paths: Path) -> None:
        raise OSError(30, "Read-only file system")

    path = moved(path, path.parents[1] / OTHER / path.name)
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(Damaged, match=r"it cannot be moved \(Read-only file system\): take it away"):
        read_parquet(path)


def test_a_folder_in_its_place_is_set_aside(path: Path) -> None:
    path.unlink()
    path.mkdir()
    with pytest.raises(Damaged, match=r"is a folder, not a file; it is now runs-0-2.parquet.damaged"):
        read_parquet(path)
    assert path.with_name("runs-0-2.parquet.damaged").is_dir()


@pytest.mark.parametrize(("number", "words"), [(errno.EACCES, "permission denied"), (errno.EIO, "input/output error")])
def test_what_cannot_be_read_may_be_whole(path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
    def refuse(path: Path) -> bytes:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(Damaged, match=rf"cannot be read \({words}\); change that, or take it away"):
        read_parquet(path)
    assert path.exists()


def plain(path: Path, table: pa.Table) -> None:
    """As other programs write it, and as it was written before there were seals."""
    pq.write_table(table, path)


def test_what_has_no_seal_is_read(path: Path) -> None:
    plain(path, runs())
    assert not check(path)
    plain(path, runs(recipe_version=None).drop_columns(["commit"]))
    assert read_parquet(path, RUNS)["commit"].null_count == 3


@pytest.mark.parametrize(
    ("table", "place", "column"),
    [
        (runs(OTHER), f"arms/{ARM}/runs-0-2", f"arm is {OTHER}"),
        (runs(seeds=range(2)), f"arms/{ARM}/runs-0-2", "seed is 0, 1"),
        (runs(recipe_version=1), f"arms/{ARM}/runs-0-2", "recipe_version is 1"),
        (pa.Table.from_pylist([{"arm": ARM, "seed": 3}], CURVES), f"arms/{ARM}/curves-0-2", "seed is 3"),
        (pa.Table.from_pylist([{"search": OTHER}], SEARCH), f"searches/{ARM}", f"search is {OTHER}"),
    ],
)
def test_its_columns_say_whose_it_is_then(tmp_path: Path, table: pa.Table, place: str, column: str) -> None:
    path = tmp_path / f"{place}.parquet"
    path.parent.mkdir(parents=True)
    plain(path, table)
    with pytest.raises(Damaged, match=f"is not its own: its {column}"):
        check(path)


@pytest.mark.parametrize("spoil", [lambda c: b"", lambda c: c[:100], lambda c: c[:4] + b"\0" * 200 + c[204:]])
def test_what_has_no_seal_and_cannot_be_read_is_damaged(path: Path, spoil: Callable[[bytes], bytes]) -> None:
    plain(path, runs())
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(Damaged, match="is damaged"):
        check(path)

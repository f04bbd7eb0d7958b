"""Blocks of seeds, and what a store says is there."""

from __future__ import annotations

import os
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from study.store.failures import failures
from study.store.files import replacing, write_if_changed
from study.store.layout import Block, Store, missing, owned

LAST = 4
BLOCKS = [Block(first, last) for first in range(LAST + 1) for last in range(first, LAST + 1)]
PRESENT = [found for size in range(4) for found in combinations(BLOCKS, size)]


@pytest.mark.parametrize(
    ("present", "wanted", "gaps"),
    [
        ([], 20, ["0-19"]),
        (["0-15"], 20, ["16-19"]),
        (["0-15"], 16, []),
        (["0-15"], 3, []),  # surplus seeds are ignored
        (["0-3", "8-9"], 12, ["4-7", "10-11"]),
        (["8-9"], 4, ["0-3"]),
        (["2-5", "0-9"], 10, []),
    ],
)
def test_each_maximal_range_still_missing_is_one_block(present: list[str], wanted: int, gaps: list[str]) -> None:
    assert [str(block) for block in missing([Block.parse(text) for text in present], wanted)] == gaps


def test_of_overlapping_blocks_the_earlier_starting_one_counts() -> None:
    assert owned([Block(4, 9), Block(0, 5)], 8) == [(Block(0, 5), range(0, 6)), (Block(4, 9), range(6, 8))]


@pytest.mark.parametrize("wanted", range(1, LAST + 3))
def test_wanted_seeds_are_owned_once_or_missing(wanted: int) -> None:
    """All sets of up to three of the blocks within seeds 0 … 4, against sets of seeds."""
    for present in PRESENT:
        covered = {seed for block in present for seed in block.seeds}
        shares, gaps = owned(present, wanted), missing(present, wanted)
        listed = [seed for _, seeds in shares for seed in seeds]
        absent = [seed for block in gaps for seed in block.seeds]
        assert sorted(listed) == sorted(covered & set(range(wanted)))
        assert absent == sorted(set(range(wanted)) - covered)
        assert all(after.first > before.last + 1 for before, after in pairwise(gaps))
        for block, seeds in shares:
            earlier = [other for other in present if other < block]
            assert all(seed in block.seeds for seed in seeds)
            assert not any(seed in other.seeds for other in earlier for seed in seeds)


def test_a_block_is_there_when_its_runs_and_its_curves_are(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.present(["a", "b"]) == {"a": [], "b": []}
    store.arm("a").mkdir(parents=True)
    for name in ("runs-0-3", "curves-0-3", "runs-4-5", "curves-6-7", "runs-10-11", "curves-10-11", "tuning"):
        (store.arm("a") / f"{name}.parquet").touch()
    (store.arm("a") / ".runs-8-9.parquet").touch()
    (store.arm("a") / "curves-8-9.parquet").touch()
    assert store.present(["a", "b"]) == {"a": [Block(0, 3), Block(10, 11)], "b": []}


def test_a_file_is_written_only_where_its_content_differs(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.json"
    assert write_if_changed(path, "a")
    os.utime(path, ns=(5, 5))
    assert not write_if_changed(path, "a")
    assert path.stat().st_mtime_ns == 5
    assert write_if_changed(path, "b")
    assert path.read_text() == "b"
    assert path.stat().st_mtime_ns != 5
    assert [entry.name for entry in path.parent.iterdir()] == ["file.json"]


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("before")

    def fail() -> None:
        with replacing(tmp_path / "one") as beside:
            beside.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("one", "before")]


def test_processes_of_one_number_on_two_hosts_write_beside_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with replacing(tmp_path / "one") as beside:
        monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
        with replacing(tmp_path / "one") as other:
            assert other != beside
            other.touch()
        beside.touch()


def test_whether_an_arm_failed_is_told_from_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten thousand arms, each would otherwise list the folders of all."""
    store, block = Store(tmp_path), Block(0, 1)
    store.arm("a").mkdir(parents=True)
    store.failed("a", block).write_text('{"reason": "it broke"}')
    listed, of = [], os.listdir
    monkeypatch.setattr("os.listdir", lambda path: [listed.append(Path(path)), *of(path)][1:])
    assert [failure.reason for arm in "ab" for failure in failures(store, arm)] == ["it broke"]
    assert tmp_path / "arms" not in listed

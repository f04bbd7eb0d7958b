"""A store says whether it is what was written: every file, and all that its studies need."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from study.plan.plan import Plan
from study.store.layout import Block, Store

Made = Callable[..., tuple[Plan, Store]]
Command = Callable[..., tuple[int, str]]
BLOCK = Block(0, 5)


@pytest.fixture
def store(made: Made) -> tuple[Store, str]:
    """A whole one, and its first arm."""
    plan, store = made()
    for arm in plan.arms:
        assert not plan.arms[arm].search
    wanted = max(plan.seeds.values())
    assert wanted == len(BLOCK.seeds)
    (store.study(plan.study) / "report.html").write_text("the page")
    return store, next(iter(plan.arms))


def test_one_line_when_all_is_well(store: tuple[Store, str], evenhand: Command) -> None:
    status, said = evenhand("verify", store[0].root)
    assert status == 0, said
    [line] = said.splitlines()
    assert line.startswith(f"{store[0].root}/: 7 files as written; all 12 runs of 1 study there")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda store, arm: flip(store.runs(arm, BLOCK)),
        lambda store, arm: flip(store.recipe(arm)),
        lambda store, arm: flip(store.study("small") / "plan.json"),
        lambda store, arm: store.curves(arm, BLOCK).write_bytes(b""),
        lambda store, arm: shutil.copy(store.runs(arm, BLOCK), store.curves(arm, BLOCK)),
        lambda store, arm: store.runs(arm, BLOCK).rename(store.runs(arm, Block(6, 11))),
        lambda store, arm: store.runs(arm, BLOCK).unlink(),
        lambda store, arm: shutil.rmtree(store.arm(arm)),
        lambda store, arm: (store.study("small") / "report.html").unlink(),
        lambda store, arm: store.runs(arm, BLOCK).rename(f"{store.runs(arm, BLOCK)}.damaged"),
        lambda store, arm: store.failed(arm, BLOCK).write_text("{"),
        lambda store, arm: store.failed(arm, BLOCK).write_text("[]"),
        lambda store, arm: (store.study("small") / "history.json").write_text('{"claims": {"a": 1}}'),
    ],
)
def test_what_is_not_is_named(
    store: tuple[Store, str], evenhand: Command, spoil: Callable[[Store, str], object]
) -> None:
    spoil(*store)
    status, said = evenhand("verify", store[0].root)
    assert status == 1
    assert said.startswith(f"{store[0].root}/")
    assert "Traceback" not in said
    assert not any(" as written" in line for line in said.splitlines())


def test_no_store_is_refused(tmp_path: Path, evenhand: Command) -> None:
    assert evenhand("verify", tmp_path / "nowhere")[0] == 2

"""Verbs that look at a store: a damaged file is told in one line, counts as missing, and stays where it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from study.plan.choice import Trial
from study.plan.plan import Plan
from study.plan.trials import Trials
from study.store.layout import Block, Store

Made = Callable[..., tuple[Plan, Store]]
Planned = Callable[..., tuple[Plan, Path]]
Command = Callable[..., tuple[int, str]]
HALF = (Block(0, 2), Block(3, 5))
WORDS = "is damaged: it has changed since it was written (SHA-256); it counts as missing"


def rot(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)


@pytest.fixture
def rotten(made: Made) -> tuple[Store, str, Path]:
    """A store, an arm of it, and its file that rotted."""
    plan, store = made(blocks=HALF)
    arm = next(iter(plan.arms))
    path = store.curves(arm, HALF[1])
    rot(path)
    return store, arm, path


def test_check_counts_it_as_missing(rotten: tuple[Store, str, Path], evenhand: Command, tmp_path: Path) -> None:
    store, _, path = rotten
    before = {each: each.stat().st_mtime_ns for each in store.root.rglob("*")}
    status, said = evenhand("check", tmp_path / "small.yaml", "--results", store.root, "--no-time")
    assert status == 0
    assert f"warning: {path}: {WORDS}, and the next run of the study makes it again\n" in said
    assert "9 of 12 runs cached" in said
    assert said.count(path.name) == 1
    assert {each: each.stat().st_mtime_ns for each in store.root.rglob("*")} == before


def test_why_says_which(rotten: tuple[Store, str, Path], evenhand: Command, tmp_path: Path) -> None:
    store, arm, path = rotten
    status, said = evenhand("why", tmp_path / "small.yaml", "--results", store.root)
    assert (status, said.splitlines()[0].startswith(f"{path}: {WORDS}")) == (0, True)
    assert f"({arm}): 3 of 6 runs\n           its recipe is there, with fewer seeds: 3-5 missing" in said


def test_show_goes_on(rotten: tuple[Store, str, Path], evenhand: Command) -> None:
    store, arm, path = rotten
    status, said = evenhand("show", arm, "--results", store.root)
    assert status == 0
    assert f"  {path}: {WORDS}\n  seeds 3-5 are missing\n" in said
    assert "made: seeds 0-2\n" in said
    assert path.exists()


def test_a_target_is_not_judged_by_it(made: Made, planned: Planned, evenhand: Command) -> None:
    plan, store = made(blocks=HALF)
    target = "target: {metric: val_loss, value: 9}\n    metrics: [epochs_to_target]"
    claims = "    claims: [{metric: test_accuracy, better: adam, than: sgd}]\n"
    _, file = planned(**{"metrics: [test_accuracy]": target, claims: ""})
    look = ("check", file, "--results", store.root, "--no-time")
    assert "every cached run reaches it in optimizers (12 runs)" in evenhand(*look)[1]
    rot(store.curves(next(iter(plan.arms)), HALF[1]))
    assert "every cached run reaches it in optimizers (9 runs)" in evenhand(*look)[1]


def test_a_search_that_rotted_has_not_begun(planned: Planned, evenhand: Command) -> None:
    tune = "tune: {optimizer.lr: {values: [0.1, 0.2]}, seeds: 1, by_seed: false}\nseeds: 6"
    plan, file = planned(**{"seeds: 6": tune, "optimizer: [sgd, {name: adam, lr: 0.001}]": "optimizer: [sgd, adam]"})
    store = Store(file.parent / "results")
    plan.write(store, plan.arms)
    row = {"seed": 1_000_000, "status": "finished", "val_accuracy": 0.9, "val_loss": 0.1, "host": "there"}
    for search in plan.searches.values():
        tried = [Trial(candidate, [row]) for candidate in search.grid()]
        Trials(search, tried, ["val_accuracy"]).write(store)
    arm = next(iter(plan.arms.values()))
    assert arm.search
    path = store.search(arm.search.id)
    look, show = ("check", file, "--results", store.root, "--no-time"), ("show", arm.id, "--results", store.root)
    assert "0 searches to do; 2 of 2 arms tuned in" in evenhand(*look)[1]
    assert "made: tuning seeds 1000000\n  host            there" in evenhand(*show)[1]
    rot(path)
    status, said = evenhand(*look)
    assert (status, said.count(path.name)) == (0, 1)
    assert f"warning: {path}: {WORDS}" in said
    assert "1 search to do; 1 of 2 arms tuned in" in said
    status, said = evenhand(*show)
    assert (status, said.count(path.name)) == (0, 1)
    assert f"  {path}: {WORDS}" in said
    assert evenhand("verify", store.root)[1].count(path.name) == 1
    assert path.exists()


def test_merge_takes_it_from_another_store(rotten: tuple[Store, str, Path], made: Made, evenhand: Command) -> None:
    store, arm, path = rotten
    _, other = made("other", HALF)
    status, said = evenhand("merge", other.root, "--results", store.root)
    assert status == 0
    assert said.startswith(f"{other.root}/: 3 runs\n")
    assert f"  arm {arm}, seeds 3-5: {path}: is damaged: it has changed since it was written (SHA-256)" in said
    assert path.read_bytes() == other.curves(arm, HALF[1]).read_bytes()
    assert "nothing new" in evenhand("merge", other.root, "--results", store.root)[1]

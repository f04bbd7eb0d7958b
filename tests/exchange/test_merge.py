"""`evenhand merge`: the results of several machines in one store, and what is not put together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from study.plan.choice import Trial
from study.plan.history import History, state
from study.plan.plan import Plan
from study.plan.trials import Trials
from study.store.files import write_parquet
from study.store.layout import Block, Store
from study.store.notes import note_text, write_note
from study.store.schemas import TIMING
from tests.blocks import leave_timing
from tests.exchange.conftest import filled

Made = Callable[..., tuple[Plan, Store]]
Command = Callable[..., tuple[int, str]]


def contents(store: Store) -> dict[str, bytes]:
    return {str(path.relative_to(store.root)): path.read_bytes() for path in store.root.rglob("*") if path.is_file()}


def test_blocks_of_two_machines_are_put_together(made: Made, evenhand: Command) -> None:
    plan, here = made("here", (Block(0, 2),))
    _, there = made("there", (Block(3, 5),))
    before = contents(there)
    status, said = evenhand("merge", there.root, "--results", here.root)
    assert status == 0
    assert "6 runs" in said
    assert {arm: here.blocks(arm) for arm in plan.arms} == {arm: [Block(0, 2), Block(3, 5)] for arm in plan.arms}
    assert contents(there) == before
    for arm in plan.arms:
        assert here.runs(arm, Block(3, 5)).read_bytes() == there.runs(arm, Block(3, 5)).read_bytes()


def test_two_stores_become_a_new_one(made: Made, evenhand: Command, tmp_path: Path) -> None:
    plan, one = made("one", (Block(0, 2),))
    _, two = made("two", (Block(3, 5),))
    new = Store(tmp_path / "new")
    assert evenhand("merge", one.root, two.root, "--results", new.root)[0] == 0
    assert not plan.missing(new)
    assert all(new.recipe(arm).exists() for arm in plan.arms)
    assert (new.study("small") / "plan.json").exists()


def test_the_same_runs_are_kept_once(made: Made, evenhand: Command) -> None:
    _, here = made("here", (Block(0, 5),))
    _, there = made("there", (Block(0, 2), Block(3, 5)), host="another", started_at="2026-02-02T00:00:00+00:00")
    before = contents(here)
    status, said = evenhand("merge", there.root, "--results", here.root)
    assert (status, "nothing new" in said) == (0, True)
    assert contents(here) == before


def test_blocks_that_overlap_add_their_other_seeds(made: Made, evenhand: Command) -> None:
    plan, here = made("here", (Block(0, 3),))
    _, there = made("there", (Block(2, 5),))
    assert evenhand("merge", there.root, "--results", here.root)[0] == 0
    assert not plan.missing(here)


def test_other_numbers_of_the_same_run_are_refused_and_shown(made: Made, evenhand: Command) -> None:
    plan, here = made("here", (Block(0, 3),))
    _, there = made("there", (Block(0, 5),))
    arm = next(iter(plan.arms))
    filled(there, arm, Block(0, 3), change=0.25)
    before = contents(here)
    status, said = evenhand("merge", there.root, "--results", here.root)
    assert status == 2
    assert f"arm {arm}, seed 3, at step 136, train_loss: " in said
    assert "nothing of it was merged" in said
    assert contents(here) == before


@pytest.mark.parametrize("other", [{"device": "NVIDIA H100"}, {"torch_version": "2.14.0"}])
def test_what_was_made_otherwise_is_told_and_not_mixed(made: Made, evenhand: Command, other: dict[str, str]) -> None:
    plan, here = made("here", (Block(0, 2),))
    _, there = made("there", (Block(0, 5),), **other)
    status, said = evenhand("merge", there.root, "--results", here.root)
    assert status == 1
    for arm in plan.arms:
        assert here.blocks(arm) == [Block(0, 2)]
        assert f"arm {arm}, seeds 3-5: not taken: made on " in said
    assert next(iter(other.values())) in said


def test_another_build_of_torch_is_no_other_version(made: Made, evenhand: Command) -> None:
    plan, here = made("here", (Block(0, 2),))
    _, there = made("there", (Block(3, 5),), torch_version="2.13.0+cu130")
    assert evenhand("merge", there.root, "--results", here.root)[0] == 0
    assert not plan.missing(here)


def test_another_recipe_version_stays_apart(made: Made, evenhand: Command) -> None:
    plan, here = made("here")
    _, there = made("there", recipe_version=1)
    arm, older = next(iter(plan.arms)), "0123456789ab"
    shutil.rmtree(there.arm(next(reversed(plan.arms))))
    there.arm(arm).rename(there.arm(older))
    filled(there, older, Block(0, 5), recipe_version=1, sealed=1)
    text = note_text(there.recipe(older))
    write_note(there.recipe(older), text.replace('"recipe_version": 2', '"recipe_version": 1'))
    before = contents(here)
    status, said = evenhand("merge", there.root, "--results", here.root)
    assert (status, "6 runs" in said) == (0, True)
    after = contents(here)
    assert {name: after[name] for name in before} == before
    assert {name.split("/")[1] for name in {*after} - {*before}} == {older}


def test_looks_and_statements_of_both_count(made: Made, evenhand: Command) -> None:
    plan, here = made("here", (Block(0, 2),))
    _, there = made("there", (Block(0, 2),))
    for store in (here, there):
        state(plan, store)
    [claim] = plan.comparisons[0].claims
    histories = {}
    for store, looks in ((here, ["a"]), (there, ["a", "b"])):
        history = histories[store] = History.read(plan, store)
        for data in looks:
            history.look({claim.about: {data: 3}})
    [words] = histories[there].claims
    histories[there].claims[words]["stated"] = {"time": "2020-01-01T00:00:00+00:00", "runs": 0}
    for history in histories.values():
        history.write()
    assert evenhand("merge", there.root, "--results", here.root)[0] == 0
    merged = History.read(plan, here)
    assert merged.looks == {claim.about: [{"a": 3}, {"b": 3}]}
    assert merged.claims[words]["stated"] == {"time": "2020-01-01T00:00:00+00:00", "runs": 0}
    assert evenhand("merge", there.root, "--results", here.root)[0] == 0  # once more: nothing is counted twice
    assert History.read(plan, here).looks == merged.looks


def test_timing_is_that_of_one_machine(made: Made, evenhand: Command) -> None:
    _, here = made("here")
    _, there = made("there")
    leave_timing(there, "ba9876543210")
    for store, seconds in ((here, 1.0), (there, 2.0)):
        path = store.timing("0123456789ab")
        write_parquet(pa.Table.from_pylist([{"step_seconds": seconds}], TIMING), path)
    before = contents(here)
    status, said = evenhand("merge", there.root, "--results", here.root)
    assert status == 0
    assert "timing 0123456789ab: that of" in said
    assert contents(here)["timing/0123456789ab.parquet"] == before["timing/0123456789ab.parquet"]
    assert here.timing("ba9876543210").exists()


def test_why_seeds_failed_is_kept_while_they_are_missing(made: Made, evenhand: Command) -> None:
    plan, here = made("here", (Block(0, 2),))
    _, there = made("there", (Block(0, 2),))
    arm = next(iter(plan.arms))
    for block in (Block(0, 2), Block(3, 5)):
        there.failed(arm, block).write_text(json.dumps({"reason": "no", "log": "l"}), encoding="utf-8")
    (there.arm(arm) / "failed-x-y.json").write_text("of nobody knows what", encoding="utf-8")
    assert evenhand("merge", there.root, "--results", here.root)[0] == 0
    assert [path.name for path in here.arm(arm).glob("failed-*")] == ["failed-3-5.json"]


def test_what_cannot_be_read_is_named_and_left_out(made: Made, evenhand: Command) -> None:
    plan, here = made("here", (Block(0, 2),))
    _, there = made("there", (Block(3, 5),))
    arm = next(iter(plan.arms))
    path = there.runs(arm, Block(3, 5))
    path.write_bytes(path.read_bytes()[:-20])
    status, said = evenhand("merge", there.root, "--results", here.root)
    assert status == 1
    assert f"arm {arm}, seeds 3-5: not taken" in said
    assert path.exists()
    assert here.blocks(arm) == [Block(0, 2)]


def test_a_block_in_the_wrong_place_is_left_out(made: Made, evenhand: Command) -> None:
    plan, here = made("here", (Block(0, 2),))
    _, there = made("there", (Block(3, 5),))
    one, other = plan.arms
    shutil.copyfile(there.curves(other, Block(3, 5)), there.curves(one, Block(3, 5)))
    status, said = evenhand("merge", there.root, "--results", here.root)
    assert status == 1
    assert f"arm {one}, seeds 3-5: not taken: curves-3-5.parquet is not its own" in said
    assert (here.blocks(one), here.blocks(other)) == ([Block(0, 2)], [Block(0, 2), Block(3, 5)])


def test_a_store_is_not_merged_into_itself(made: Made, evenhand: Command, tmp_path: Path) -> None:
    _, here = made("here")
    assert evenhand("merge", here.root, "--results", here.root) == (
        2,
        f"{here.root}: is the store itself; give others, and by --results where they are merged\n",
    )
    (tmp_path / "empty").mkdir()
    status, said = evenhand("merge", tmp_path / "empty", "--results", here.root)
    assert (status, "is no store" in said) == (2, True)


def test_a_search_is_united_from_both(planned: Made, evenhand: Command, tmp_path: Path) -> None:
    """Each extended it for another selection; the first trials are the same."""
    tune = "tune: {optimizer.lr: {log: [0.001, 0.1], points: 3}, extend: 1}\n    metrics: [test_accuracy, test_loss]"
    plan, _ = planned(
        **{"metrics: [test_accuracy]": tune, "{name: sgd, lr: 0.1}": "sgd", "{name: adam, lr: 0.001}": "adam"}
    )
    search = next(iter(plan.searches.values()))

    def trial(lr: float, *selections: str) -> Trial:
        rows = [
            {"seed": seed, "status": "finished", "steps": 10, "val_loss": lr, "val_accuracy": lr, "device": "CPU",
             "torch_version": "2.13.0", "recipe_version": 2, "curve_steps": [0], "curve_val_loss": [lr]}
            for seed in search.seed_range
        ]  # fmt: skip
        return Trial({"optimizer.lr": lr}, rows, selections)

    first = [trial(0.001), trial(0.01), trial(0.1)]
    stores = {name: Store(tmp_path / name) for name in ("val_accuracy", "val_loss")}
    for (name, store), lr in zip(stores.items(), (0.03, 0.3), strict=True):
        Trials(search, [*first, trial(lr, name)], [name]).write(store)
        (store.root / "arms").mkdir()
    here, there = stores.values()
    status, said = evenhand("merge", there.root, "--results", here.root)
    assert (status, "1 extended search" in said) == (0, True)
    both = Trials.read(search, here)
    assert both.done == ["val_accuracy", "val_loss"]
    tried = [(each.settings["optimizer.lr"], each.selections) for each in both.tried]
    assert tried == [(0.001, ()), (0.01, ()), (0.1, ()), (0.03, ("val_accuracy",)), (0.3, ("val_loss",))]
    Trials(search, [trial(0.001)._replace(rows=trial(0.002).rows)], []).write(there)
    status, said = evenhand("merge", there.root, "--results", here.root)
    assert (status, f"search {search.id}, " in said) == (2, True)

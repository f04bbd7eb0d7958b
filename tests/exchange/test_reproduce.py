"""`evenhand reproduce`: a run trained again is what was recorded, or the first step that differs is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.engine.inputs.prepare import prepare
from study.plan.jobs import BlockUnit, Job, SearchUnit
from study.plan.plan import Plan
from study.run.job import run
from study.store.files import write_parquet
from study.store.layout import Block, Store

Planned = Callable[..., tuple[Plan, Path]]
Command = Callable[..., tuple[int, str]]
BLOCK = Block(0, 2)
TUNED = {
    "metrics:": "tune: {optimizer.lr: {values: [0.05, 0.1]}, seeds: 2, by_seed: false}\n    metrics:",
    "{name: sgd, lr: 0.1}": "sgd",
    "{name: adam, lr: 0.001}": "adam",
}
SCRIPT = """
import argparse, json, random
p = argparse.ArgumentParser()
for name in ("recipe", "seed", "log"):
    p.add_argument(f"--{name}")
a = p.parse_args()
rng = random.Random(a.seed)
with open(a.log, "w") as log:
    for epoch in range(3):
        print(json.dumps({"epoch": epoch, "step": epoch, "val_loss": rng.random(), "test_accuracy": 0.5}), file=log)
"""


def trained(plan: Plan, root: Path, block: Block = BLOCK) -> Store:
    """A store in which a job trained a block of all arms of ``plan``."""
    store = Store(root)
    plan.write(store, plan.arms)
    for name, dataset in plan.datasets.items():
        prepare(dataset, store.dataset(name))
    found = [arm for arm in plan.arms.values() if arm.search and arm.selection]
    searches = tuple(SearchUnit(search=arm.search, selections=(arm.selection,)) for arm in found)  # type: ignore[arg-type]
    blocks = tuple(BlockUnit(arm=arm, block=block) for arm in plan.arms.values())
    assert run(Job(searches=searches, blocks=blocks, folder=plan.folder), store) == []
    return store


def changed(store: Store, arm: str, seed: int, factor: float, step: int) -> None:
    """Another validation loss in the record of a run from ``step`` on."""
    path = store.curves(arm, BLOCK)
    table = pq.read_table(path)
    rows = table.to_pylist()
    for row in rows:
        if row["seed"] == seed and row["step"] >= step:
            row["val_loss"] *= factor
    write_parquet(pa.Table.from_pylist(rows, table.schema), path)


@pytest.fixture
def store(planned: Planned, tmp_path: Path) -> tuple[Plan, Store]:
    plan, _ = planned()
    return plan, trained(plan, tmp_path / "results")


def test_a_run_is_identical_beside_others_and_alone(store: tuple[Plan, Store], evenhand: Command) -> None:
    _, there = store
    files = {path: path.read_bytes() for path in there.root.rglob("*") if path.is_file()}
    status, said = evenhand("reproduce", "adam", "--seed", 1, "--results", there.root)
    assert status == 0
    assert "seed 1: identical bit for bit, in 5 evaluations, 136 steps\n" in said
    assert {path: path.read_bytes() for path in there.root.rglob("*") if path.is_file()} == files


def test_rounding_is_told_and_no_failure(store: tuple[Plan, Store], evenhand: Command) -> None:
    plan, there = store
    for arm in plan.arms:
        changed(there, arm, 1, 1 + 1e-6, 68)
    status, said = evenhand("reproduce", "adam", "--seed", 1, "--results", there.root)
    assert (status, "equal within rounding; the first bits that differ: at step 68, val_loss: " in said) == (0, True)


def test_the_first_step_that_differs_is_named(store: tuple[Plan, Store], evenhand: Command) -> None:
    plan, there = store
    for arm in plan.arms:
        changed(there, arm, 1, 1 + 1e-6, 34)
        changed(there, arm, 1, 1.1, 102)
    status, said = evenhand("reproduce", "adam", "--seed", 1, "--results", there.root)
    assert status == 1
    assert "different at step 102, val_loss: " in said
    assert "the first bits that differ: at step 34, val_loss: " in said
    assert "recorded with all that is here now" in said
    assert evenhand("reproduce", "adam", "--seed", 2, "--results", there.root)[0] == 0


def test_what_it_was_recorded_with_is_compared(store: tuple[Plan, Store], evenhand: Command) -> None:
    """Of an older record not all is known."""
    plan, there = store
    for arm in plan.arms:
        changed(there, arm, 1, 1.1, 102)
        path = there.runs(arm, BLOCK)
        table = pq.read_table(path).drop_columns(["blas"])
        rows = [row | {"instructions": "AVX2", "processor": None} for row in table.to_pylist()]
        write_parquet(pa.Table.from_pylist(rows, table.schema), path)
    _, said = evenhand("reproduce", "adam", "--seed", 1, "--results", there.root)
    assert "  recorded with instructions AVX2, now " in said
    assert "; processor and BLAS not recorded\n" in said


def test_two_machines_trained_what_one_would_have(planned: Planned, tmp_path: Path, evenhand: Command) -> None:
    """Half of the seeds each; the report on what was merged is that of one store, but for who trained what when."""
    plan, _ = planned()
    whole = trained(plan, tmp_path / "whole", Block(0, 5))
    parts = [trained(plan, tmp_path / f"part{i}", Block(*ends)) for i, ends in enumerate([(0, 2), (3, 5)])]
    merged = Store(tmp_path / "merged")
    assert evenhand("merge", *(part.root for part in parts), "--results", merged.root)[0] == 0
    assert evenhand("merge", whole.root, "--results", merged.root)[1].startswith(f"{whole.root}/: nothing new")
    found = []
    for store in (whole, merged):
        assert evenhand("draw", store.study("small") / "plan.json", "--processes", 1)[0] == 0
        tables = [
            pq.read_table(store.study("small") / f"{name}.parquet") for name in ("observations", "claims", "curves")
        ]
        found.append([table.to_pylist() for table in tables])
    assert found[0] == found[1]


def test_a_sample_of_a_study(store: tuple[Plan, Store], planned: Planned, evenhand: Command) -> None:
    _, there = store
    _, path = planned()
    status, said = evenhand("reproduce", path, "--sample", 3, "--results", there.root)
    assert (status, said.count("identical bit for bit")) == (0, 3)
    assert "3 of 3 runs reproduced" in said


def test_what_tuning_chose_is_taken_from_the_record(planned: Planned, tmp_path: Path, evenhand: Command) -> None:
    plan, path = planned(**TUNED)
    there = trained(plan, tmp_path / "results")
    for search in plan.searches:
        there.search(search).unlink()
    status, said = evenhand("reproduce", path, "--sample", 2, "--results", there.root)
    assert (status, said.count("identical bit for bit")) == (0, 2)


def test_data_are_prepared_again_where_they_are_gone(
    store: tuple[Plan, Store], evenhand: Command, tmp_path: Path
) -> None:
    plan, there = store
    for dataset in plan.datasets:
        there.dataset(dataset).unlink()
    assert evenhand("reproduce", "sgd", "--seed", 0, "--results", there.root)[0] == 0
    assert not any(there.dataset(dataset).exists() for dataset in plan.datasets)


def test_a_script_of_ones_own_is_run_again(tmp_path: Path, evenhand: Command) -> None:
    from study.plan.file.expand import prepare as plan_of

    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    path = tmp_path / "own.yaml"
    path.write_text(
        "study: own\nbaseline: {trainer: {name: command, settings: {lr: 0.1}, run: "
        '"python train.py --recipe {recipe} --seed {seed} --log {log}"}}\nseeds: 6\n'
        "comparisons: {a: {vary: {trainer.settings.lr: [0.1, 0.2]}, metrics: [test_accuracy]}}\n",
        encoding="utf-8",
    )
    there = trained(plan_of(path, Store(tmp_path / "results")), tmp_path / "results")
    status, said = evenhand("reproduce", "lr=0.2", path, "--seed", 2, "--results", there.root)
    assert (status, "identical bit for bit, in 3 evaluations" in said) == (0, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["adam"], "give one of --seed S, of an arm, and --sample N, of a study file"),
        (["adam", "--seed", "1", "--sample", "2"], "give one of --seed S"),
        (["adma", "--seed", "1"], "did you mean 'adam'?"),
        (["adam", "--seed", "9"], "has no trained run of seed 9; it has seeds 0-2"),
        (["{file}", "--sample", "0"], "--sample: 0 is refused; give a whole number above 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    store: tuple[Plan, Store], planned: Planned, evenhand: Command, words: list[str], said: str
) -> None:
    _, there = store
    _, path = planned()
    status, lines = evenhand("reproduce", *(word.format(file=path) for word in words), "--results", there.root)
    assert (status, said in lines) == (2, True), lines

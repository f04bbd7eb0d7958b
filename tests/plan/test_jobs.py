"""What is missing, cut into jobs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from study.plan.jobs import Job, jobs
from study.plan.limits import Limits
from study.plan.plan import Plan
from study.plan.search import Selection
from study.plan.trials import Trials
from study.plan.workflow.dag import Dag
from study.store.layout import Block, Store
from tests.blocks import leave, leave_timing
from tests.plan.conftest import write
from tests.plan.tuned import Planned, tuned

TARGET = {"metric": "val_accuracy", "value": 0.9}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


LONG = {"epochs": 10_000}  # so that two small arms are worth two jobs
ONE, TWO, SLURM = Limits(cores=1), Limits(cores=2), Limits(cluster=True, jobs=100)


def cut(
    plan: Plan, store: Store, limits: Limits = ONE, minutes: float = 30
) -> list[tuple[list[tuple[str, list[str]]], list[tuple[str, str]]]]:
    """Of each job: its searches with the names of their selections, and its arms with their blocks."""
    return [
        (
            [(unit.search.id, [selection.name for selection in unit.selections]) for unit in job.searches],
            [(unit.arm.id, str(unit.block)) for unit in job.blocks],
        )
        for job in jobs(plan, store, limits, minutes)
    ]


def test_what_is_missing_of_an_arm_is_a_unit_for_each_gap(study: dict[str, Any], plan: Planned, store: Store) -> None:
    study["seeds"] = 6
    planned = plan(study)
    first, second = planned.arms
    assert cut(planned, store) == [([], [(first, "0-5"), (second, "0-5")])]
    leave(store, first, Block(1, 2), Block(4, 4))
    leave(store, second, Block(0, 9))
    assert cut(planned, store) == [([], [(first, "0-0"), (first, "3-3"), (first, "5-5")])]
    leave(store, first, Block(0, 5))
    assert cut(planned, store) == []


def test_a_search_stands_with_all_arms_that_wait_for_it(study: dict[str, Any], plan: Planned, store: Store) -> None:
    content = tuned(study, metrics=["steps_to_target", "test_loss"], target=TARGET)
    content["comparisons"]["b"] = content["comparisons"]["a"] | {"target": TARGET | {"value": 0.8}}
    planned = plan(content)
    made = cut(planned, store)
    selections = ["steps_to_target val_accuracy 0.9", "val_loss", "steps_to_target val_accuracy 0.8"]
    [(made_of, blocks)] = made
    assert made_of == [(search, selections) for search in planned.searches]
    arms = [(search, arm) for search in planned.searches for arm in planned.arms.values() if arm.search]
    assert blocks == [(arm.id, "0-2") for search, arm in arms if arm.search and arm.search.id == search]
    long = tuned(study | {"baseline": study["baseline"] | LONG}, metrics=["test_loss"])
    apart = cut(plan(long), store, TWO)
    assert [(len(searches), len(blocks)) for searches, blocks in apart] == [(1, 1), (1, 1)]


def test_a_search_is_extended_for_what_it_lacks(study: dict[str, Any], plan: Planned, store: Store) -> None:
    planned = plan(tuned(study, vary={"optimizer": ["sgd"]}, metrics=["test_accuracy", "test_loss"]))
    by_name = {arm.selection.name: arm for arm in planned.arms.values() if arm.selection}
    accuracy, loss = by_name["val_accuracy"], by_name["val_loss"]
    assert accuracy.search
    [search] = planned.searches
    Trials(accuracy.search, done=["val_accuracy"]).write(store)
    both = [(accuracy.id, "0-2"), (loss.id, "0-2")]
    assert cut(planned, store) == [([(search, ["val_loss"])], both)]
    leave(store, loss.id, Block(0, 2))  # what is said of it rests on its search
    assert cut(planned, store) == [([(search, ["val_loss"])], both[:1])]
    leave(store, accuracy.id, Block(0, 2))
    store.search(search).unlink()
    assert cut(planned, store) == [([(search, ["val_accuracy", "val_loss"])], [])]
    Trials(accuracy.search, done=["val_loss"]).write(store)
    more = plan(tuned(study | {"seeds": 4}, vary={"optimizer": ["sgd"]}, metrics=["test_accuracy", "test_loss"]))
    more_blocks = [(accuracy.id, "3-3"), (loss.id, "3-3")]
    assert cut(more, store) == [([(search, ["val_accuracy"])], more_blocks)]


def test_a_search_whose_choice_is_timed_is_made_also_where_all_runs_are_there(
    study: dict[str, Any], plan: Planned, store: Store
) -> None:
    sizes = {"batch_size": {"values": [16, 32]}, "by_seed": False}
    planned = plan(tuned(study, tune=sizes, vary={"activation": ["relu"]}, metrics=["step_seconds"]))
    [(arm, content)] = planned.arms.items()
    leave(store, arm, Block(0, 2))
    assert content.search
    assert planned.timing
    assert cut(planned, store) == [([(content.search.id, ["val_accuracy"])], [])]
    leave_timing(store, planned.timing.id)
    Trials(content.search, done=["val_accuracy"]).write(store)
    assert cut(planned, store) == []


def test_jobs_of_the_most_devices_come_first(study: dict[str, Any], plan: Planned, store: Store) -> None:
    study["comparisons"]["a"]["vary"] = {"gpus": [1, 4, 2], "activation": ["relu", "tanh"]}
    assert [(job.gpus, len(job.blocks)) for job in jobs(plan(study), store)] == [(4, 4), (1, 2)]  # seconds of work
    study["baseline"] |= LONG
    assert [(job.gpus, len(job.blocks)) for job in jobs(plan(study), store)] == [(4, 2), (2, 2), (1, 2)]


def test_what_nobody_knows_is_not_taken_to_be_short(
    study: dict[str, Any], plan: Planned, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    study["comparisons"]["a"]["vary"] = {"gpus": [4, 2]}
    planned = plan(study)
    assert [job.gpus for job in jobs(planned, store)] == [4]
    monkeypatch.setattr("study.plan.jobs.training_rows", lambda plan, store: {})
    monkeypatch.setattr("study.plan.cost.steps_of", lambda recipe, rows=None: None)
    assert [job.gpus for job in jobs(planned, store)] == [4, 2]


def test_a_job_knows_its_datasets_and_reads_back_as_written(study: dict[str, Any], plan: Planned, store: Store) -> None:
    planned = plan(tuned(study, vary={"dataset": ["wine", "digits"]}))
    [both] = jobs(planned, store, ONE)
    assert both.datasets == {arm.dataset_id for arm in planned.arms.values()}
    for job in [both, *jobs(planned, store, SLURM, minutes=0.001)]:
        job.write(store)
        read = Job.load(store.job(job.id))
        assert (read, read.id) == (job, job.id)


def test_the_id_of_a_job_says_what_is_to_be_done(study: dict[str, Any], plan: Planned, store: Store) -> None:
    [job] = jobs(plan(tuned(study, vary={"activation": ["relu"]}, metrics=["test_loss", "test_accuracy"])), store)
    [unit] = job.searches
    fewer = unit.model_copy(update={"selections": (Selection(metric="val_loss"),)})
    shorter = tuple(block.model_copy(update={"block": Block(0, 1)}) for block in job.blocks)
    others = [Job(searches=(fewer,), blocks=job.blocks), Job(searches=job.searches, blocks=shorter), Job()]
    assert len({job.id, *(other.id for other in others)}) == 4


@pytest.fixture
def dag(study: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dag:
    monkeypatch.chdir(tmp_path)
    write(tuned(study, metrics=["test_loss", "test_accuracy"]), Path("s.yaml"))
    return again()


def again(main: bool = True) -> Dag:
    return Dag.build({"study": "s.yaml", "job_minutes": 0.001}, Limits(gpu=1), main=main)


def test_without_the_folder_of_jobs_the_same_are_made_again(dag: Dag) -> None:
    before = {path.name: path.read_bytes() for path in dag.store.job("x").parent.iterdir()}
    assert set(before) == {f"{job}.json" for job in dag.jobs}
    shutil.rmtree(dag.store.job("x").parent)
    after = again()
    assert after.jobs == dag.jobs
    assert {path.name: path.read_bytes() for path in dag.store.job("x").parent.iterdir()} == before


def test_a_receipt_goes_where_what_it_was_for_is_missing_again(dag: Dag) -> None:
    first, second = dag.jobs
    dag.store.receipt(first).touch()
    dag.store.job(second).unlink()
    assert again().to_do == [str(dag.store.receipt(first)), str(dag.store.receipt(second))]
    assert not dag.store.receipt(first).exists()
    assert dag.store.job(second).exists()


def test_where_a_job_runs_it_is_read_as_it_was_written(dag: Dag) -> None:
    """Whatever is there by then."""
    for arm, seeds in dag.plan.seeds.items():
        leave(dag.store, arm, Block(0, seeds - 1))
    there = again(main=False)
    for name, job in dag.jobs.items():
        assert there.job(name) == job
        assert there.datasets(name) == dag.datasets(name)


def lengths(made: list[Job]) -> list[list[int]]:
    """Seeds of every block of each job."""
    return [[len(unit.block.seeds) for unit in job.blocks] for job in made]


def test_every_device_gets_as_much_to_do(study: dict[str, Any], plan: Planned, store: Store) -> None:
    study["baseline"] |= LONG
    study["comparisons"]["a"]["vary"] = {"dropout": [i / 10 for i in range(8)]}
    planned = plan(study)
    assert lengths(jobs(planned, store, TWO)) == [[3] * 4] * 2
    assert lengths(jobs(planned, store, Limits(cores=4))) == [[3] * 2] * 4
    assert lengths(jobs(planned, store, Limits(cores=8, gpu=4))) == [[3] * 2] * 4
    assert sorted(unit.arm.id for job in jobs(planned, store, TWO) for unit in job.blocks) == sorted(planned.arms)


def test_the_longest_job_gives_a_piece_to_the_shortest(study: dict[str, Any], plan: Planned, store: Store) -> None:
    """In their order, arms of so many epochs would be 61,000 and 90,001 of them."""
    study["comparisons"]["a"]["vary"] = {"epochs": [30_000, 31_000, 50_000, 20_000, 20_001]}
    made = jobs(plan(study), store, TWO, minutes=10_000)
    assert [sum(unit.arm.outline.epochs for unit in job.blocks) for job in made] == [81_000, 70_001]


def test_runs_of_one_kind_are_together(study: dict[str, Any], plan: Planned, store: Store) -> None:
    study["baseline"] |= LONG
    study["comparisons"]["a"]["vary"] = {"dropout": [0, 0.1, 0.2, 0.3], "activation": ["tanh", "relu"]}
    kinds = [{unit.arm.outline.kind for unit in job.blocks} for job in jobs(plan(study), store, TWO)]
    assert [len(each) for each in kinds] == [1, 1]
    assert kinds[0] != kinds[1]


def test_a_job_is_no_longer_than_it_may_be(study: dict[str, Any], plan: Planned, store: Store) -> None:
    study["baseline"] |= LONG
    study["comparisons"]["a"]["vary"] = {"dropout": [i / 10 for i in range(8)]}
    planned = plan(study)
    assert len(jobs(planned, store, ONE)) == 1
    assert len(jobs(planned, store, ONE, minutes=7)) == 2
    assert len(jobs(planned, store, ONE, minutes=1)) == 8
    assert {job.minutes for job in jobs(planned, store, SLURM, minutes=5)} == {5}
    assert jobs(planned, store, ONE)[0].minutes is None


def test_a_long_block_of_seeds_is_cut(study: dict[str, Any], plan: Planned, store: Store) -> None:
    study["baseline"] |= LONG
    study |= {"seeds": 16}
    study["comparisons"]["a"]["vary"] = {"activation": ["tanh"]}
    planned = plan(study)
    assert lengths(jobs(planned, store, Limits(cores=4))) == [[4]] * 4
    assert lengths(jobs(planned, store, Limits(cores=16))) == [[4]] * 4  # fewer would hardly stack


def test_runs_that_are_not_stacked_are_jobs_of_their_own(study: dict[str, Any], plan: Planned, store: Store) -> None:
    study["baseline"]["stack"] = False
    study["seeds"] = 4
    study["comparisons"]["a"]["vary"] = {"dropout": [0, 0.1, 0.2, 0.3]}
    assert lengths(jobs(plan(study), store, SLURM)) == [[1]] * 16
    assert lengths(jobs(plan(study), store, Limits(cores=8))) == [[2]] * 8


def test_many_small_arms_are_few_jobs_on_a_cluster(study: dict[str, Any], plan: Planned, store: Store) -> None:
    study["comparisons"]["a"]["vary"] = {"dropout": [i / 100 for i in range(12)]}
    assert len(jobs(plan(study), store, SLURM)) == 1


def test_what_receipts_tell_counts_whatever_the_budget(study: dict[str, Any], plan: Planned, store: Store) -> None:
    study["comparisons"]["a"]["vary"] = {"dropout": [0, 0.1, 0.2, 0.3]}
    planned = plan(study)
    assert len(jobs(planned, store, TWO)) == 1
    shorter = next(iter(planned.arms.values())).outline.model_copy(update={"epochs": 1})
    [pace] = {arm.outline.pace for arm in planned.arms.values()} | {shorter.pace}
    receipt = store.receipt("0" * 12)
    receipt.parent.mkdir(parents=True)
    for torn in ("", "{}", "[1]", json.dumps({"packs": [{"pace": pace}]})):
        receipt.write_text(torn)
        assert len(jobs(planned, store, TWO)) == 1
    pack = {"pace": pace, "seconds": 100.0, "steps": 100}
    receipt.write_text(json.dumps({"packs": [pack | {"resumed": True}]}))  # other steps took other seconds
    assert len(jobs(planned, store, TWO)) == 1
    receipt.write_text(json.dumps({"packs": [pack | {"resumed": False}]}))
    assert lengths(jobs(planned, store, TWO)) == [[3, 3]] * 2

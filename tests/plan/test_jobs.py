"""What is missing, cut into jobs."""

from __future__ import annotations

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
from tests.plan.conftest import write
from tests.plan.tuned import Planned, tuned

TARGET = {"metric": "val_accuracy", "value": 0.9}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def leave(store: Store, arm: str, *blocks: Block) -> None:
    """Records of an arm."""
    for block in blocks:
        for path in (store.runs(arm, block), store.curves(arm, block)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()


def cut(plan: Plan, store: Store) -> list[tuple[list[tuple[str, list[str]]], list[tuple[str, str]]]]:
    """Of each job: its searches with the names of their selections, and its arms with their blocks."""
    return [
        (
            [(unit.search.id, [selection.name for selection in unit.selections]) for unit in job.searches],
            [(unit.arm.id, str(unit.block)) for unit in job.blocks],
        )
        for job in jobs(plan, store)
    ]


def test_an_arm_is_a_job_with_a_unit_for_each_gap(study: dict[str, Any], plan: Planned, store: Store) -> None:
    study["seeds"] = 6
    planned = plan(study)
    first, second = planned.arms
    assert cut(planned, store) == [([], [(first, "0-5")]), ([], [(second, "0-5")])]
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
    assert [searches for searches, _ in made] == [[(search, selections)] for search in planned.searches]
    for (searches, blocks), search in zip(made, planned.searches, strict=True):
        own = [arm.id for arm in planned.arms.values() if arm.search and arm.search.id == search]
        assert (len(searches), len(own)) == (1, 3)
        assert blocks == [(arm, "0-2") for arm in own]


def test_a_search_is_extended_for_what_it_lacks(study: dict[str, Any], plan: Planned, store: Store) -> None:
    planned = plan(tuned(study, vary={"optimizer": ["sgd"]}, metrics=["test_accuracy", "test_loss"]))
    by_name = {arm.selection.name: arm for arm in planned.arms.values() if arm.selection}
    accuracy, loss = by_name["val_accuracy"], by_name["val_loss"]
    assert accuracy.search
    [search] = planned.searches
    Trials(accuracy.search, done=["val_accuracy"]).write(store.search(search))
    both = [(accuracy.id, "0-2"), (loss.id, "0-2")]
    assert cut(planned, store) == [([(search, ["val_loss"])], both)]
    leave(store, loss.id, Block(0, 2))  # what is trained needs no search
    assert cut(planned, store) == [([], both[:1])]
    leave(store, accuracy.id, Block(0, 2))
    store.search(search).unlink()
    assert cut(planned, store) == []
    Trials(accuracy.search, done=["val_loss"]).write(store.search(search))
    more = plan(tuned(study | {"seeds": 4}, vary={"optimizer": ["sgd"]}, metrics=["test_accuracy", "test_loss"]))
    more_blocks = [(accuracy.id, "3-3"), (loss.id, "3-3")]
    assert cut(more, store) == [([(search, ["val_accuracy"])], more_blocks)]


def test_a_search_whose_choice_is_timed_is_made_also_where_all_runs_are_there(
    study: dict[str, Any], plan: Planned, store: Store
) -> None:
    sizes = {"batch_size": {"values": [16, 32]}, "extend": 0}
    planned = plan(tuned(study, tune=sizes, vary={"activation": ["relu"]}, metrics=["step_seconds"]))
    [(arm, content)] = planned.arms.items()
    leave(store, arm, Block(0, 2))
    assert content.search
    assert planned.timing
    assert cut(planned, store) == [([(content.search.id, ["val_accuracy"])], [])]
    store.timing(planned.timing.id).parent.mkdir(parents=True)
    store.timing(planned.timing.id).touch()
    assert cut(planned, store) == []


def test_jobs_of_the_most_devices_come_first(study: dict[str, Any], plan: Planned, store: Store) -> None:
    study["comparisons"]["a"]["vary"] = {"gpus": [1, 4, 2], "activation": ["relu", "tanh"]}
    assert [job.gpus for job in jobs(plan(study), store)] == [4, 4, 2, 2, 1, 1]


def test_a_job_knows_its_datasets_and_reads_back_as_written(study: dict[str, Any], plan: Planned, store: Store) -> None:
    planned = plan(tuned(study, vary={"dataset": ["wine", "digits"]}))
    made = jobs(planned, store)
    assert [job.datasets for job in made] == [{arm.dataset_id} for arm in planned.arms.values()]
    assert len({job.id for job in made}) == 2
    for job in made:
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
    return Dag.build({"study": "s.yaml"}, Limits(gpu=1), main=main)


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

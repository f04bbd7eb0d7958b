"""Timing: rows for every arm and round, one measurement for what costs the same, memory by hand."""

import pytest
import torch

from study.engine.inputs.prepare import prepare
from study.plan.file.expand import prepare as plan_study
from study.plan.jobs import jobs
from study.run import timing
from study.run.block import settings_of
from study.run.job import run
from study.run.provenance import provenance
from study.run.timing import Stopwatches, blocks, measure, time_study
from study.store.layout import Store
from study.store.schemas import TIMING

CPU = torch.device("cpu")


@pytest.fixture
def measured(tmp_path):
    """Rows for recipes, named a, b, c, …, in that order."""

    def rows(recipes, rounds=2):
        paths = {}
        for recipe in recipes:
            path = paths[recipe.dataset_id] = tmp_path / f"{recipe.dataset_id}.npz"
            if not path.exists():
                prepare(recipe.dataset, path)
        return measure(dict(zip("abcdefghi", recipes, strict=False)), paths, rounds, CPU)

    return rows


def test_every_arm_has_a_row_in_every_round(recipe, measured):
    rows = measured([recipe(), recipe(optimizer="adam"), recipe(batch_size=25)], rounds=3)
    assert [(row["arm"], row["round"]) for row in rows] == [(a, r) for a in "abc" for r in range(3)]
    assert all(row["step_seconds"] > 0 and row["memory_bytes"] > 0 and row["device"] == "CPU" for row in rows)
    told = provenance(CPU)
    assert all(told.items() <= row.items() for row in rows)
    assert {*told} <= {*TIMING.names}


def test_arms_that_cost_the_same_share_a_measurement(recipe, measured):
    same = [
        {},
        {"optimizer": {"name": "sgd", "lr": 0.7}},
        {"schedule": "cosine"},
        {"epochs": 9},
        {"init": "he_normal"},
    ]
    other = [{"optimizer": "momentum"}, {"dropout": 0.1}, {"regularizer": "l2"}, {"tf32": True}]
    rows = measured([recipe(**changes) for changes in same + other])
    seconds = {name: tuple(r["step_seconds"] for r in rows if r["arm"] == name) for name in "abcdefghi"}
    assert len({seconds[name] for name in "abcde"}) == 1
    assert len(set(seconds.values())) == 1 + len(other)


def test_rounds_are_interleaved_in_random_order(recipe, measured, monkeypatch):
    order = []

    def note(watch, recipe, dataset):
        order.append((recipe.batch_size, watch.team.workers.pids()[0]))
        return 1.0, 1

    monkeypatch.setattr(Stopwatches, "read", note)
    sizes = list(range(2, 9))
    rows = measured([recipe(batch_size=n) for n in sizes], rounds=6)
    rounds = [tuple(order[i : i + 7]) for i in range(0, len(order), 7)]
    assert [len({process for _, process in each}) for each in rounds] == [1] * 10
    processes = [each[0][1] for each in rounds]
    assert [processes.index(process) for process in processes] == [0, 0, 2, 2, 2, 5, 5, 7, 7, 7]
    timed = [tuple(size for size, _ in each) for i, each in enumerate(rounds) if i not in (0, 2, 5, 7)]
    assert all(sorted(each) == sizes for each in timed)
    assert len(set(timed)) > 1
    assert [row["block"] for row in rows[:6]] == [0, 1, 1, 2, 3, 3]


@pytest.mark.parametrize(("rounds", "sizes"), [(1, [1]), (3, [1, 1, 1]), (6, [1, 2, 1, 2]), (16, [4] * 4)])
def test_blocks_are_about_as_long(rounds, sizes):
    found = blocks(rounds)
    assert [number for block in found for number in block] == list(range(rounds))
    assert [len(block) for block in found] == sizes


STATES = {"sgd": 0, "momentum": 1, "adam": 2}  # tensors of the parameters' size


@pytest.mark.parametrize("name", STATES)
def test_memory_by_hand(name, recipe, measured):
    batch = 25
    chosen = recipe(optimizer=name, batch_size=batch)
    parameters = 13 * 7 + 7 + 7 * 5 + 5 + 5 * 3 + 3
    clock = 1 if name == "adam" else 0  # Adam counts its steps in one float
    # What autograd keeps: the input, both hidden layers after ReLU, the log-probabilities; classes.
    saved = batch * (13 + 7 + 5 + 3) * 4 + batch * 8
    # An activation whose size is no multiple of 64 is computed in a copy filled up to one, which is kept as well; rows
    # of log-probabilities are filled up to 32.
    filled = sum(4 * (-(-batch * width // 64) * 64) for width in (7, 5)) + (32 - batch) * 3 * 4
    plain = 4 * (parameters * (2 + STATES[name]) + clock) + saved
    found = {row["memory_bytes"] for row in measured([chosen])}
    assert len(found) == 1  # deterministic
    assert plain <= found.pop() <= plain + filled


@pytest.mark.parametrize("name", STATES)
def test_memory_by_hand_where_nothing_is_filled_up(name, recipe, measured):
    batch = 64
    chosen = recipe(optimizer=name, batch_size=batch, network={"name": "mlp", "hidden": [8, 4]})
    parameters = 13 * 8 + 8 + 8 * 4 + 4 + 4 * 3 + 3
    clock = 1 if name == "adam" else 0
    saved = batch * (13 + 8 + 4 + 3) * 4 + batch * 8
    (row,) = measured([chosen], rounds=1)
    assert row["memory_bytes"] == 4 * (parameters * (2 + STATES[name]) + clock) + saved


def test_an_arm_that_cannot_be_built_has_a_reason(recipe, measured):
    impossible = recipe(dataset="digits", network={"name": "convnet", "channels": [2, 2, 2, 2]}, batch_size=32)
    rows = measured([impossible, recipe()], rounds=1)
    assert rows[0]["step_seconds"] is None
    assert rows[0]["memory_bytes"] is None
    assert "cannot be halved" in rows[0]["reason"]
    assert rows[1]["step_seconds"] > 0
    assert rows[1]["reason"] is None


def test_an_arm_on_two_devices_is_timed_by_two_workers(recipe, measured):
    rows = measured([recipe(gpus=2), recipe(), recipe(optimizer="adam")], rounds=2)
    assert all(row["step_seconds"] > 0 and row["memory_bytes"] > 0 and row["reason"] is None for row in rows)
    assert len({row["step_seconds"] for row in rows}) == len(rows)


def test_an_arm_that_fails_on_its_workers_does_not_stop_the_others(recipe, measured):
    convnet = {"name": "convnet", "batch_norm": False}
    unbuilt = recipe(dataset="digits", network=convnet | {"channels": [2] * 4}, gpus=2)
    too_large = recipe(network={"name": "mlp", "hidden": [10_000_000, 1_000_000]}, gpus=2)
    rows = measured([recipe(gpus=2), unbuilt, too_large, recipe()], rounds=1)
    assert [row["step_seconds"] is None for row in rows] == [False, True, True, False]
    assert "cannot be halved" in rows[1]["reason"]
    assert "alloc" in rows[2]["reason"]


STUDY = """
study: timed
baseline: {{dataset: wine, network: mlp, optimizer: sgd, batch_size: 16, epochs: 1}}
seeds: 2
tune: {{optimizer.lr: {{log: [0.1, 1], points: 2}}, seeds: 2, extend: 0, by_seed: false, {more}}}
comparisons: {{a: {{vary: {{activation: [relu]}}, metrics: [step_seconds]}}}}
"""


@pytest.fixture
def planned(tmp_path):
    """A timed study with one tuned arm, planned, its data prepared."""

    def make(more):
        (tmp_path / "s.yaml").write_text(STUDY.format(more=more), encoding="utf-8")
        store = Store(tmp_path / "results")
        plan = plan_study(tmp_path / "s.yaml", store)
        for dataset_id, dataset in plan.datasets.items():
            prepare(dataset, store.dataset(dataset_id))
        return store, plan, next(iter(plan.arms.values()))

    return make


def timed(monkeypatch, plan, store):
    """The recipes that the timing job measures, by arm."""
    given = {}

    def noted(recipes, *rest):
        given.update(recipes)
        return []

    monkeypatch.setattr(timing, "measure", noted)
    time_study(plan, store)
    return given


def test_what_changes_no_shape_is_timed_before_it_is_tuned(planned, monkeypatch):
    store, plan, arm = planned("select: val_loss")
    assert plan.timed_searches == []
    assert timed(monkeypatch, plan, store)[arm.id].optimizer.lr in (0.1, 1.0)


def test_what_changes_a_shape_is_timed_as_chosen(planned, monkeypatch):
    store, plan, arm = planned("batch_size: {values: [8, 16, 32]}")
    assert plan.timed_searches == [arm.search.id]
    with pytest.raises(
        FileNotFoundError, match=f"no trials for val_accuracy; first run the job of search {arm.search.id}"
    ):
        timed(monkeypatch, plan, store)
    [job] = jobs(plan, store)
    assert run(job, store) == []
    [chosen] = settings_of(arm, store, [0]).values()
    found = timed(monkeypatch, plan, store)[arm.id]
    assert (found.batch_size, found.optimizer.lr) == (chosen["batch_size"], chosen["optimizer.lr"])

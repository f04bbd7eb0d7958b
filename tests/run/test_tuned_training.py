"""From tuning to training and timing: what is used, what is said of it, what a failure leaves."""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from study.plan.searches.chosen import read_chosen

from study.__main__ import main
from study.engine.data import load, prepare
from study.engine.pack import Run, train
from study.plan.file.expand import prepare as plan_study
from study.plan.plan import Plan, recipe_text
from study.run import timing
from study.run.job import train_block
from study.run.search import tune_arm
from study.run.timing import time_study
from study.store.failures import failures
from study.store.layout import Block, Store

BLOCK = Block(0, 1)


def names(store, arm):
    return sorted(path.name for path in store.arm(arm.id).iterdir())


def test_training_uses_what_was_chosen_and_says_so(tuned):
    store, arm = tuned()
    with pytest.raises(FileNotFoundError, match=f"python -m study tune .* {arm.id}"):
        train_block(store, arm.id, BLOCK)
    tune_arm(store, arm.id)
    train_block(store, arm.id, BLOCK)
    chosen = read_chosen(store.tuning(arm.id)).settings
    runs = pd.read_parquet(store.runs(arm.id, BLOCK))
    assert runs["arm"].unique().tolist() == [arm.id]
    assert [json.loads(text) for text in runs["settings"]] == [chosen] * 2
    assert runs["lr"].tolist() == [chosen["optimizer.lr"]] * 2
    expected = train([Run(arm.settled(chosen), seed) for seed in BLOCK.seeds], load(store.dataset(arm.dataset_id)))
    assert runs["test_loss"].tolist() == [record.curve.rows[-1]["test_loss"] for record in expected]


def test_where_every_candidate_diverges_nothing_is_trained(tuned):
    store, arm = tuned({"key": "optimizer.lr", "log": [1e30, 1e32], "points": 2})
    tune_arm(store, arm.id)
    found = pd.read_parquet(store.tuning(arm.id))
    assert set(found["status"]) == {"diverged"}
    assert not found["chosen"].any()
    assert read_chosen(store.tuning(arm.id)) is None
    train_block(store, arm.id, BLOCK)
    runs = pq.read_table(store.runs(arm.id, BLOCK)).to_pylist()
    assert [(run["seed"], run["status"], run["reason"], run["lr"]) for run in runs] == [
        (0, "diverged", "tuning", None),
        (1, "diverged", "tuning", None),
    ]
    assert pq.read_table(store.curves(arm.id, BLOCK)).num_rows == 0


def test_a_failure_of_tuning_is_that_of_all_runs_until_the_next_success(tuned):
    store, arm = tuned()
    dataset = store.dataset(arm.dataset_id)
    dataset.rename(dataset.with_suffix(".away"))
    with pytest.raises(FileNotFoundError):
        tune_arm(store, arm.id)
    assert names(store, arm) == ["failed-tuning.json", "recipe.json"]
    (failure,) = failures(store, arm.id)
    assert failure.reason.startswith("FileNotFoundError")
    assert failure.what == "tuning"
    assert failure.log.endswith(f"logs/tune/{arm.id}.log")
    assert set(BLOCK.seeds) <= set(failure.block.seeds)
    dataset.with_suffix(".away").rename(dataset)
    tune_arm(store, arm.id)
    assert list(failures(store, arm.id)) == []
    assert names(store, arm) == ["recipe.json", "tuning.parquet"]


def test_the_verbs_refuse_what_makes_no_sense(tuned, arm, tmp_path, capsys):
    store, made = tuned()
    plain = arm()
    store.arm(plain.id).mkdir()
    store.recipe(plain.id).write_text(recipe_text(plain), encoding="utf-8")
    assert main(["tune", str(tmp_path), "0" * 12]) == 2
    assert "there is no such arm" in capsys.readouterr().err
    assert main(["tune", str(tmp_path), plain.id]) == 2
    assert "nothing to tune" in capsys.readouterr().err
    assert main(["train", str(tmp_path), made.id, "0-1"]) == 2
    assert f"first run: python -m study tune {tmp_path} {made.id}" in capsys.readouterr().err
    assert main(["tune", str(tmp_path), made.id]) == 0
    assert main(["train", str(tmp_path), made.id, "0-1"]) == 0


STUDY = """
study: timed
baseline: {{dataset: wine, network: mlp, optimizer: sgd, batch_size: 16, epochs: 1}}
seeds: 2
tune: {{optimizer.lr: {{log: [0.1, 1], points: 2}}, seeds: 2, extend: 0, {more}}}
comparisons: {{a: {{vary: {{activation: [relu]}}, metrics: [step_seconds]}}}}
"""


@pytest.fixture
def planned(tmp_path):
    """A timed study with one tuned arm, planned, its data prepared."""

    def make(more: str) -> tuple[Store, Plan, str]:
        (tmp_path / "s.yaml").write_text(STUDY.format(more=more), encoding="utf-8")
        store = Store(tmp_path / "results")
        plan = plan_study(tmp_path / "s.yaml", store)
        plan.write(store, plan.missing(store))
        for dataset_id, dataset in plan.datasets.items():
            prepare(dataset, store.dataset(dataset_id))
        return store, plan, next(iter(plan.arms))

    return make


def measured(monkeypatch, plan: Plan, store: Store, path: Path):
    """The arms that the timing job measures, by id."""
    given = {}

    def measure(arms, *rest):
        given.update(arms)
        return []

    monkeypatch.setattr(timing, "measure", measure)
    time_study(plan, store, path)
    return given


def test_what_changes_no_shape_is_timed_before_it_is_tuned(planned, monkeypatch, tmp_path):
    store, plan, arm = planned("select: val_loss")
    assert plan.timed_tunings == []
    assert measured(monkeypatch, plan, store, tmp_path / "t.parquet")[arm].optimizer.lr in (0.1, 1.0)


def test_what_changes_a_shape_is_timed_as_chosen(planned, monkeypatch, tmp_path):
    store, plan, arm = planned("batch_size: {values: [8, 16, 32]}")
    assert plan.timed_tunings == [arm]
    with pytest.raises(FileNotFoundError, match="python -m study tune"):
        measured(monkeypatch, plan, store, tmp_path / "t.parquet")
    tune_arm(store, arm)
    chosen = read_chosen(store.tuning(arm)).settings
    timed = measured(monkeypatch, plan, store, tmp_path / "t.parquet")[arm]
    assert (timed.batch_size, timed.optimizer.lr) == (chosen["batch_size"], chosen["optimizer.lr"])

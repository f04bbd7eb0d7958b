"""A job leaves records that any tool reads, or a line and a reason why not, and a receipt where all is done."""

import json
import os
import re

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from study.__main__ import main
from study.engine.inputs.data import load
from study.engine.inputs.prepare import prepare
from study.engine.pack import Run, train
from study.plan.arm import Arm
from study.plan.jobs import Job, SearchUnit
from study.plan.search import Selection
from study.plan.trials import Trials
from study.run import job as running
from study.run import progress
from study.run.block import settings_of
from study.run.job import run
from study.store.failures import failures
from study.store.layout import Block
from tests.run.conftest import block_job, make_recipe, names, train_block

BLOCK = Block(2, 4)
RUNS = {
    "arm": "string", "seed": "int32", "status": "string", "reason": "string", "learned": "bool", "epochs_run": "int32",
    "steps": "int64", "train_loss": "double", "val_loss": "double", "test_loss": "double", "train_accuracy": "double",
    "val_accuracy": "double", "test_accuracy": "double", "n_parameters": "int64", "weight_norm": "double",
    "small_weights": "double", "lr": "double",
}  # fmt: skip
PROVENANCE = ("device", "torch_version", "python_version", "host", "commit", "recipe_version", "pack", "started_at")
CURVES = {
    "arm": "string", "seed": "int32", "epoch": "double", "step": "int64", "lr": "double", "train_loss": "double",
    "train_accuracy": "double", "val_loss": "double", "val_accuracy": "double", "grad_norm": "double",
}  # fmt: skip


def test_records_have_the_columns_and_types_promised(store, arm):
    train_block(store, arm, BLOCK)
    assert names(store, arm) == ["curves-2-4.parquet", "runs-2-4.parquet"]
    for path, promised in ((store.runs(arm.id, BLOCK), RUNS), (store.curves(arm.id, BLOCK), CURVES)):
        file = pq.ParquetFile(path)
        types = {field.name: str(field.type) for field in file.schema_arrow}
        assert promised.items() <= types.items()
        assert file.metadata.row_group(0).column(0).compression == "ZSTD"
        assert len(pd.read_parquet(path)) == len(pl.read_parquet(path)) == file.metadata.num_rows
        assert duckdb.sql(f"select seed from '{path}'").df()["seed"].tolist() == pd.read_parquet(path)["seed"].tolist()


def test_records_hold_what_training_returned(store, arm):
    train_block(store, arm, BLOCK)
    runs, curves = (pd.read_parquet(p) for p in (store.runs(arm.id, BLOCK), store.curves(arm.id, BLOCK)))
    assert runs["seed"].tolist() == [2, 3, 4]
    assert set(runs["arm"]) == {arm.id}
    assert set(runs["status"]) == {"finished"}
    assert runs[list(PROVENANCE)].notna().all().all()
    expected = train([Run(arm.recipe, seed) for seed in BLOCK.seeds], load(store.dataset(arm.dataset_id)))
    assert runs["test_loss"].tolist() == [record.curve[-1]["test_loss"] for record in expected]
    assert curves["val_loss"].tolist() == [row["val_loss"] for record in expected for row in record.curve]
    assert curves.groupby("seed")["epoch"].apply(list).tolist() == [[0, 1, 2]] * 3
    assert curves["grad_norm"].isna().tolist() == (curves["epoch"] == 0).tolist()


def test_a_failure_leaves_its_reason_and_the_next_success_removes_it(store, arm):
    dataset = store.dataset(arm.dataset_id)
    dataset.rename(dataset.with_suffix(".away"))
    with pytest.raises(RuntimeError, match=f"{arm.id}, seeds 2-4: Damaged: .*npz: is not there"):
        train_block(store, arm, BLOCK)
    assert names(store, arm) == ["failed-2-4.json"]
    left = json.loads(store.failed(arm.id, BLOCK).read_text(encoding="utf-8"))
    assert left["reason"].endswith(".npz: is not there; the next run of the study makes it again")
    assert left["log"] == str(store.log("job", block_job(BLOCK, arm).id))
    assert left["time"]
    dataset.with_suffix(".away").rename(dataset)
    train_block(store, arm, BLOCK)
    assert names(store, arm) == ["curves-2-4.parquet", "runs-2-4.parquet"]


@pytest.fixture
def tuned(searched):
    """A job of a search and the arms that choose from it by accuracy and by loss; its store."""

    def make(*settings, **changes):
        store, search = searched(*settings, **changes)
        selections = tuple(Selection(metric=metric) for metric in ("val_accuracy", "val_loss"))
        arms = [Arm(search=search, selection=selection) for selection in selections]
        return store, block_job(Block(0, 1), *arms, searches=(SearchUnit(search=search, selections=selections),))

    return make


def test_a_search_and_the_arms_that_wait_for_it(tuned):
    store, job = tuned()
    assert run(job, store) == []
    trials = Trials.read(job.searches[0].search, store)
    data = load(store.dataset(job.searches[0].search.first_recipe.dataset_id))
    for unit in job.blocks:
        chosen = trials.chosen(unit.arm.selection).settings
        assert settings_of(unit.arm, store, [0, 1]) == {0: chosen, 1: chosen}
        runs = pd.read_parquet(store.runs(unit.arm.id, unit.block))
        assert runs["arm"].unique().tolist() == [unit.arm.id]
        assert [json.loads(text) for text in runs["settings"]] == [chosen] * 2
        assert runs["lr"].tolist() == [chosen["optimizer.lr"]] * 2
        expected = train([Run(unit.arm.settled(chosen), seed) for seed in unit.block.seeds], data)
        assert runs["test_loss"].tolist() == [record.curve[-1]["test_loss"] for record in expected]
    assert [path.name for path in (store.root / "searches").iterdir()] == [f"{trials.search.id}.parquet"]
    receipt = json.loads(store.receipt(job.id).read_text(encoding="utf-8"))
    *tuning, final = receipt["packs"]
    assert {unit for pack in tuning for unit in pack["units"]} == {f"search {trials.search.id}"}
    assert final["units"] == [f"{unit.arm.id}, seeds 0-1" for unit in job.blocks]
    assert [pack["runs"] for pack in receipt["packs"]] == [6, *[4] * (len(tuning) - 1), 4]
    assert min(pack["seconds"] for pack in receipt["packs"]) > 0
    assert sum(pack["seconds"] for pack in receipt["packs"]) <= receipt["seconds"] + 0.01
    assert receipt["device"] == "CPU"
    assert receipt["started_at"]


def test_where_every_candidate_diverges_nothing_is_trained(tuned):
    store, job = tuned({"key": "optimizer.lr", "log": [1e30, 1e32], "points": 2})
    assert run(job, store) == []
    for unit in job.blocks:
        runs = pq.read_table(store.runs(unit.arm.id, unit.block)).to_pylist()
        assert [(run["seed"], run["status"], run["reason"], run["lr"], run["settings"]) for run in runs] == [
            (0, "diverged", "tuning", None, None),
            (1, "diverged", "tuning", None, None),
        ]
        assert pq.read_table(store.curves(unit.arm.id, unit.block)).num_rows == 0


def test_a_failing_unit_leaves_the_others_alone(ready):
    store, first = ready()
    _, third = ready(activation="tanh")
    broken = Arm(recipe=make_recipe(dataset="digits", network={"name": "convnet", "channels": [2] * 4}, batch_size=32))
    prepare(broken.dataset, store.dataset(broken.dataset_id))
    job = block_job(BLOCK, first, broken, third)
    [line] = run(job, store)
    assert line.startswith(f"{broken.id}, seeds 2-4: ")
    assert "cannot be halved" in line
    assert names(store, first) == names(store, third) == ["curves-2-4.parquet", "runs-2-4.parquet"]
    assert names(store, broken) == ["failed-2-4.json"]
    assert json.loads(store.failed(broken.id, BLOCK).read_text(encoding="utf-8"))["reason"] in line
    assert not store.receipt(job.id).exists()
    before = store.runs(first.id, BLOCK).read_bytes()
    assert run(job, store) == [line]  # what is there is not trained again
    assert store.runs(first.id, BLOCK).read_bytes() == before


def test_a_failing_search_fails_the_arms_that_wait_for_it_and_no_others(tuned, ready, monkeypatch):
    store, job = tuned()
    _, plain = ready(activation="tanh")
    both = Job(searches=job.searches, blocks=(*job.blocks, *block_job(BLOCK, plain).blocks))

    def broken(*_):
        raise RuntimeError("shapes do not agree")

    with monkeypatch.context() as spoiled:
        spoiled.setattr(running.Tuning, "add", broken)
        lines = run(both, store)
    search = job.searches[0].search
    assert lines == [
        f"search {search.id}: RuntimeError: shapes do not agree",
        *(f"{unit.arm.id}, seeds 0-1: not trained, since its search failed" for unit in job.blocks),
    ]
    assert names(store, plain) == ["curves-2-4.parquet", "runs-2-4.parquet"]
    arm = job.blocks[0].arm
    [failure] = failures(store, arm.id, arm.waiting([0]))
    assert (failure.reason, failure.what) == ("RuntimeError: shapes do not agree", "tuning")
    assert failure.log == str(store.log("job", both.id))
    assert not any(store.arm(unit.arm.id).exists() for unit in job.blocks)
    assert run(both, store) == []
    assert list(failures(store, arm.id, arm.waiting([0]))) == []
    assert store.receipt(both.id).exists()


def test_the_verb_says_what_failed_and_exits_1(ready, capsys, tmp_path, monkeypatch):
    store, arm = ready()
    job = block_job(BLOCK, arm)
    job.write(store)
    store.dataset(arm.dataset_id).rename(tmp_path / "away")
    monkeypatch.chdir(tmp_path)
    path = str(store.job(job.id).relative_to(tmp_path))
    assert main(["job", path]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"failed: {arm.id}, seeds 2-4: Damaged: {store.dataset(arm.dataset_id)}: is not there")
    (tmp_path / "away").rename(store.dataset(arm.dataset_id))
    assert main(["job", path]) == 0
    assert names(store, arm) == ["curves-2-4.parquet", "runs-2-4.parquet"]
    assert main(["job", "jobs/none.json"]) == 2
    assert "jobs/none.json: there is no such job" in capsys.readouterr().err


def test_a_long_job_says_how_far_it_is_in_its_log_and_to_who_started_it(ready, capsys, monkeypatch):
    monkeypatch.setattr(progress, "AGAIN", 0.0)
    store, arm = ready(epochs=4)
    job = block_job(BLOCK, arm)
    reading, writing = os.pipe()
    assert run(job, store, writing) == []
    os.close(writing)
    with os.fdopen(reading) as told:
        lines = told.read().splitlines()
    assert [line for line in capsys.readouterr().out.splitlines() if "about" in line] == lines
    where = r"; 3 runs at step \d+ of \d+, median validation accuracy [\d.]+"
    said = rf"job {job.id}: (\d) of 3 runs, about \d+ s left({where})?"
    done = [re.fullmatch(said, line)[1] for line in lines]
    assert any("; 3 runs at step " in line for line in lines)
    assert set(done) == {"0"}  # all three are finished together


def test_the_log_says_of_a_block_that_is_there_by_now_just_that(store, arm, capsys):
    """As after a kill, once another process made it: nothing diverged."""
    for words in ("3 finished, 0 diverged", "there by now; nothing to train"):
        capsys.readouterr()
        train_block(store, arm, BLOCK)
        lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{arm.id}, seeds 2-4: ")]
        assert lines == [f"{arm.id}, seeds 2-4: {words}"]

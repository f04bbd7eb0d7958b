"""The tuning job: what it trains and what it leaves."""

import json

import pandas as pd
import pytest
import torch

from study.engine.data import load
from study.engine.pack import Run, train
from study.plan.searches.chosen import read_chosen, settled
from study.run import search as job
from study.run.search import tune_arm

LR = {"key": "optimizer.lr", "log": [0.01, 1.0], "points": 3}


def rows(store, arm):
    return pd.read_parquet(store.tuning(arm.id))


def names(store, arm):
    return sorted(path.name for path in store.arm(arm.id).iterdir())


def test_every_candidate_is_trained_with_every_tuning_seed(tuned):
    store, arm = tuned()
    tune_arm(store, arm.id)
    assert names(store, arm) == ["recipe.json", "tuning.parquet"]
    found = rows(store, arm)
    assert found["seed"].tolist() == [1_000_000, 1_000_001] * 5
    assert found["candidate"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert found["phase"].tolist() == ["grid"] * 6 + ["extend"] * 4
    assert found["optimizer.lr"].tolist()[:6] == [0.01, 0.01, 0.1, 0.1, 1.0, 1.0]
    assert [json.loads(text)["optimizer.lr"] for text in found["settings"]] == found["optimizer.lr"].tolist()
    assert not any(name.startswith("test") for name in found.columns)
    data = load(store.dataset(arm.dataset_id))
    for row in found.to_dict("records"):
        (record,) = train([Run(arm.settled({"optimizer.lr": row["optimizer.lr"]}), row["seed"])], data)
        expected = record.curve.rows[-1]
        assert (row["val_loss"], row["val_accuracy"]) == (expected["val_loss"], expected["val_accuracy"])


def test_the_best_mean_is_chosen(tuned):
    store, arm = tuned()
    tune_arm(store, arm.id)
    found = rows(store, arm)
    means = found.groupby("candidate")[["val_accuracy", "val_loss"]].mean()
    best = means.sort_values(["val_accuracy", "val_loss"], ascending=[False, True]).index[0]
    assert found.loc[found["chosen"], "candidate"].unique().tolist() == [best]
    assert found.loc[found["rank"] == 1, "candidate"].unique().tolist() == [best]
    assert sorted(found["rank"].unique()) == [1, 2, 3, 4, 5]
    chosen = read_chosen(store.tuning(arm.id))
    assert chosen.settings == {"optimizer.lr": found.loc[found["chosen"], "optimizer.lr"].iloc[0]}
    assert settled(arm, store) == arm.settled(chosen.settings)


def test_the_same_arm_leaves_the_same_bytes(tuned):
    store, arm = tuned()
    tune_arm(store, arm.id)
    before = store.tuning(arm.id).read_bytes()
    store.tuning(arm.id).unlink()
    tune_arm(store, arm.id)
    assert store.tuning(arm.id).read_bytes() == before


def test_how_many_are_stacked_changes_nothing(tuned, monkeypatch):
    store, arm = tuned()
    tune_arm(store, arm.id)
    before = store.tuning(arm.id).read_bytes()
    monkeypatch.setattr(job, "PACK", 2)
    tune_arm(store, arm.id)
    assert store.tuning(arm.id).read_bytes() == before


def test_too_narrow_a_grid_is_extended_and_then_called_undertuned(tuned):
    slow = {"key": "optimizer.lr", "log": [1e-6, 1e-5], "points": 2}
    store, arm = tuned(slow, select="val_loss", axes={"epochs": 3})
    tune_arm(store, arm.id)
    found = rows(store, arm)
    assert found["optimizer.lr"].unique().tolist() == [1e-6, 1e-5, 1e-4, 1e-3]
    chosen = read_chosen(store.tuning(arm.id))
    assert chosen.settings == {"optimizer.lr": 1e-3}
    assert (chosen.sides, chosen.undertuned) == ({"optimizer.lr": "high"}, True)
    assert chosen.next == [{"optimizer.lr": 0.01}, {"optimizer.lr": 0.1}]
    assert found.loc[~found["chosen"], ["edge", "next"]].isna().all().all()


def test_steps_to_target_are_those_of_the_first_evaluation_that_meets_it(tuned):
    target = {"metric": "val_loss", "value": 0.8}
    store, arm = tuned(select="steps_to_target", target=target, axes={"epochs": 4})
    tune_arm(store, arm.id)
    data = load(store.dataset(arm.dataset_id))
    for row in rows(store, arm).astype(object).to_dict("records"):
        (record,) = train([Run(arm.settled({"optimizer.lr": row["optimizer.lr"]}), row["seed"])], data)
        met = [evaluation["step"] for evaluation in record.curve.rows if evaluation["val_loss"] <= 0.8]
        assert (None if pd.isna(row["steps_to_target"]) else row["steps_to_target"]) == (met[0] if met else None)


def test_shapes_that_differ_are_trained_in_turn(tuned, monkeypatch):
    packs = []

    def noted(runs, *arguments, **keywords):
        packs.append([(run.arm.batch_size, run.arm.network.settings()["hidden"], run.seed) for run in runs])
        return train(runs, *arguments, **keywords)

    monkeypatch.setattr(job, "train", noted)
    sizes = {"key": "batch_size", "values": [8, 16], "whole": True}
    widths = {"key": "network.hidden", "values": [[4], [3, 3]]}
    store, arm = tuned(sizes, widths, LR, extend=0)
    tune_arm(store, arm.id)
    assert [{(size, tuple(hidden)) for size, hidden, _ in pack} for pack in packs] == [
        {(8, (4,))}, {(8, (3, 3))}, {(16, (4,))}, {(16, (3, 3))},
    ]  # fmt: skip
    assert {len(pack) for pack in packs} == {6}
    found = rows(store, arm)
    assert len(found) == 24
    assert found["network.hidden"].unique().tolist() == ["[4]", "[3, 3]"]
    assert read_chosen(store.tuning(arm.id)).settings["network.hidden"] in [(4,), (3, 3)]


def test_a_setting_of_the_activation_is_tuned(tuned):
    """It is part of the network, so its candidates share no pack."""
    slopes = {"key": "activation.negative_slope", "values": [0.01, 0.3]}
    store, arm = tuned(slopes, LR | {"log": [0.01, 0.1]}, extend=0, axes={"activation": "leaky_relu"})
    tune_arm(store, arm.id)
    found, data = rows(store, arm), load(store.dataset(arm.dataset_id))
    assert found["activation.negative_slope"].tolist() == [0.01] * 6 + [0.3] * 6
    for row in found.to_dict("records"):
        candidate = arm.settled({key: row[key] for key in arm.tune.covers})
        (record,) = train([Run(candidate, row["seed"])], data)
        assert row["val_loss"] == record.curve.rows[-1]["val_loss"]


@pytest.mark.parametrize("on", ["CPU", "GPU"])
def test_what_does_not_fit_into_memory_together_is_trained_apart(tuned, monkeypatch, on):
    def scarce(runs, *arguments, **keywords):
        if len(runs) > 2 or runs[0].arm.optimizer.lr == 1.0:
            if on == "GPU":
                raise torch.OutOfMemoryError("CUDA out of memory")
            torch.empty(2**60)  # more than any machine has
        return train(runs, *arguments, **keywords)

    store, arm = tuned(extend=0)
    tune_arm(store, arm.id)
    plenty = rows(store, arm)
    monkeypatch.setattr(job, "train", scarce)
    tune_arm(store, arm.id)
    found = rows(store, arm)
    fits = found["optimizer.lr"] < 1
    assert found.loc[fits, "val_loss"].tolist() == plenty.loc[fits, "val_loss"].tolist()
    assert found.loc[~fits, "status"].tolist() == ["diverged"] * 2
    assert found.loc[~fits, "reason"].str.contains("CUDA out of memory|can't allocate memory").sum() == 2


def test_other_errors_in_training_fail_the_job(tuned, monkeypatch):
    def broken(runs, *arguments, **keywords):
        raise RuntimeError("shapes do not agree")

    monkeypatch.setattr(job, "train", broken)
    store, arm = tuned()
    with pytest.raises(RuntimeError, match="shapes do not agree"):
        tune_arm(store, arm.id)
    assert not store.tuning(arm.id).exists()


def test_quasi_random_points_fill_the_range_and_go_on_around_the_best(tuned):
    open_range = {key: value for key, value in LR.items() if key != "points"}
    rate = {"key": "dropout", "linear": [0.0, 0.4]}
    store, arm = tuned(rate, open_range, search="sobol", trials=8, extend=3)
    tune_arm(store, arm.id)
    found = rows(store, arm).drop_duplicates("candidate")
    assert len(found) == len(found.drop_duplicates(["dropout", "optimizer.lr"])) == 11
    first, more = found[found["phase"] == "grid"], found[found["phase"] == "extend"]
    assert first["optimizer.lr"].between(0.01, 1).all()
    assert first["dropout"].between(0, 0.4).all()
    # A Sobol sequence has as many of its first 2^k points in either half of each range.
    assert (first["optimizer.lr"] < 0.1).sum() == (first["dropout"] < 0.2).sum() == 4
    best = first.sort_values("rank").iloc[0]
    assert (more["dropout"] - best["dropout"]).abs().max() <= 0.25 * 0.4
    ratio = more["optimizer.lr"] / best["optimizer.lr"]
    assert ratio.between(100**-0.25 * 0.999, 100**0.25 * 1.001).all()

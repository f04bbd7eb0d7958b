"""A search as it is run: what it trains, what it leaves, and what it does not do twice."""

import itertools
import json
import signal

import pandas as pd
import pytest
import torch

from study.engine.checkpoint import Checkpoints
from study.engine.inputs.data import load
from study.engine.pack import Run, train
from study.plan.search import Selection
from study.plan.trials import Trials
from study.run import packs as running
from study.run.job import run as run_job
from study.run.provenance import provenance
from study.store import searches
from study.store.layout import Store
from study.target import Target
from tests.run.conftest import LR, frame, search_job

CPU = torch.device("cpu")
ACCURACY, LOSS = Selection(metric="val_accuracy"), Selection(metric="val_loss")
STEPS = Selection(metric="steps_to_target", target=Target(metric="val_loss", value=0.8))


def run(store, search, *selections):
    """Extend the trials of ``search`` for these, by default by accuracy; returns them."""
    if failed := run_job(search_job(search, *(selections or (ACCURACY,))), store):
        raise RuntimeError("\n".join(failed))
    return Trials.read(search, store)


def rows_of(trials, selection):
    """What the study's tuning.parquet holds of an arm, without the arm."""
    return pd.DataFrame(list(trials.rows(selection)))


def rows(store, search, selection=ACCURACY):
    """The same, with a column for each setting."""
    found = rows_of(Trials.read(search, store), selection)
    return found.assign(**{key: [json.loads(text)[key] for text in found["settings"]] for key in search.covers})


def files(store):
    return sorted(path.name for path in (store.root / "searches").iterdir())


def trained(monkeypatch):
    """Recipes and seeds of all that is trained from now on."""
    found = []

    def noted(runs, *arguments, **keywords):
        found.append([(run.recipe, run.seed) for run in runs])
        return train(runs, *arguments, **keywords)

    monkeypatch.setattr(running, "train", noted)
    return found


def test_every_candidate_is_trained_with_every_tuning_seed(searched):
    store, search = searched()
    run(store, search)
    assert files(store) == [f"{search.id}.parquet"]
    found = rows(store, search)
    assert found["seed"].tolist() == [1_000_000, 1_000_001] * 5
    assert found["candidate"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert found["phase"].tolist() == ["grid"] * 6 + ["extend"] * 4
    assert found["optimizer.lr"].tolist()[:6] == [0.01, 0.01, 0.1, 0.1, 1.0, 1.0]
    assert not any(name.startswith("test") for name in (*found.columns, *frame(store, search).columns))
    about = frame(store, search).iloc[0].dropna()
    assert {**about, **provenance(CPU)} == {**about} | {"driver": None}
    data = load(store.dataset(search.first_recipe.dataset_id))
    for row in found.to_dict("records"):
        (record,) = train([Run(search.at({"optimizer.lr": row["optimizer.lr"]}), row["seed"])], data)
        expected = record.curve[-1]
        assert (row["val_loss"], row["val_accuracy"]) == (expected["val_loss"], expected["val_accuracy"])


def test_the_best_mean_is_chosen(searched):
    store, search = searched()
    chosen = run(store, search).chosen(ACCURACY)
    found = rows(store, search)
    means = found.groupby("candidate")[["val_accuracy", "val_loss"]].mean()
    best = means.sort_values(["val_accuracy", "val_loss"], ascending=[False, True]).index[0]
    assert found.loc[found["chosen"], "candidate"].unique().tolist() == [best]
    assert found.loc[found["rank"] == 1, "candidate"].unique().tolist() == [best]
    assert sorted(found["rank"].unique()) == [1, 2, 3, 4, 5]
    assert chosen.settings == {"optimizer.lr": found.loc[found["chosen"], "optimizer.lr"].iloc[0]}


def test_the_same_search_leaves_the_same_bytes(searched):
    store, search = searched()
    run(store, search)
    before = store.search(search.id).read_bytes()
    store.search(search.id).unlink()
    run(store, search)
    assert store.search(search.id).read_bytes() == before


def test_trials_read_back_as_written(searched, tmp_path):
    store, search = searched({"key": "network.hidden", "values": [[4], [3, 3]]}, extend=0)
    run(store, search, ACCURACY, STEPS)
    read = Trials.read(search, store)
    read.write(again := Store(tmp_path / "again"))
    assert again.search(search.id).read_bytes() == store.search(search.id).read_bytes()
    assert read.done == searches.selections(store, search.id) == ["val_accuracy", "steps_to_target val_loss 0.8"]
    assert Trials.read(search, Store(tmp_path / "none")).tried == []


def test_how_many_are_stacked_changes_nothing(searched, monkeypatch):
    store, search = searched()
    run(store, search)
    before = store.search(search.id).read_bytes()
    store.search(search.id).unlink()
    monkeypatch.setitem(running.MOST, "cpu", 2)
    run(store, search)
    assert store.search(search.id).read_bytes() == before


@pytest.mark.parametrize("selections", list(itertools.permutations([ACCURACY, LOSS, STEPS])), ids=str)
def test_one_search_serves_several_selections_as_a_search_for_each(searched, selections):
    """Bitwise, further trials included: in whatever order, and whether together or one after the other."""
    store, search = searched(seeds=2, extend=3)
    alone = {}
    for selection in selections:
        trials = run(store, search, selection)
        alone[selection] = rows_of(trials, selection), trials.chosen(selection)
        store.search(search.id).unlink()
    assert len({str(found["settings"].unique()) for found, _ in alone.values()}) > 1  # they ask for other trials
    together = run(store, search, *selections)
    store.search(search.id).unlink()
    for selection in selections:
        later = run(store, search, selection)
    for trials in (together, later):
        for selection in selections:
            expected, chosen = alone[selection]
            pd.testing.assert_frame_equal(rows_of(trials, selection), expected, check_exact=True)
            assert trials.chosen(selection) == chosen
    assert together.done == later.done == [selection.name for selection in selections]


def test_a_search_that_is_extended_keeps_what_it_has_and_trains_only_further_trials(searched, monkeypatch):
    store, search = searched()
    run(store, search, STEPS)
    before = frame(store, search)
    seen = trained(monkeypatch)
    run(store, search, LOSS, STEPS)
    after = frame(store, search)
    kept = after.iloc[: len(before)]
    pd.testing.assert_frame_equal(kept.drop(columns="selections"), before.drop(columns="selections"), check_exact=True)
    new = after.iloc[len(before) :]
    assert {tuple(names) for names in new["selections"]} <= {("val_loss",)}
    grid = after["selections"].map(len) == 0
    assert after.loc[grid, "optimizer.lr"].unique().tolist() == [0.01, 0.1, 1.0]
    ran = [(recipe.optimizer.lr, seed) for pack in seen for recipe, seed in pack]
    assert ran == list(zip(new["optimizer.lr"], new["seed"], strict=True))
    for_loss = {lr for lr, names in zip(after["optimizer.lr"], after["selections"], strict=True) if "val_loss" in names}
    assert len(for_loss) == search.extend
    seen.clear()
    run(store, search, LOSS, STEPS)
    assert seen == []


def test_a_search_that_was_ended_goes_on_and_leaves_the_same_bytes(searched, monkeypatch, capsys):
    store, search = searched()
    run(store, search)
    whole = store.search(search.id).read_bytes()
    store.search(search.id).unlink()
    tick, ticks = Checkpoints.tick, itertools.count()

    def ended(self, *state):
        if next(ticks) == 30:
            self.signals.append(signal.SIGTERM)
        tick(self, *state)

    monkeypatch.setattr(Checkpoints, "tick", ended)
    with pytest.raises(SystemExit):
        run(store, search)
    assert not store.search(search.id).exists()
    capsys.readouterr()
    run(store, search)
    assert "going on after step 31" in capsys.readouterr().out
    assert store.search(search.id).read_bytes() == whole
    assert files(store) == [f"{search.id}.parquet"]


def test_too_narrow_a_grid_is_extended_and_then_called_undertuned(searched):
    slow = {"key": "optimizer.lr", "log": [1e-6, 1e-5], "points": 2}
    store, search = searched(slow, axes={"epochs": 3})
    chosen = run(store, search, LOSS).chosen(LOSS)
    found = rows(store, search, LOSS)
    assert found["optimizer.lr"].unique().tolist() == [1e-6, 1e-5, 1e-4, 1e-3]
    assert chosen.settings == {"optimizer.lr": 1e-3}
    assert (chosen.sides, chosen.undertuned) == ({"optimizer.lr": "high"}, True)
    assert chosen.next == [{"optimizer.lr": 0.01}, {"optimizer.lr": 0.1}]
    assert json.loads(found.loc[found["chosen"], "next"].iloc[0]) == chosen.next
    assert found.loc[~found["chosen"], ["edge", "next"]].isna().all().all()


def test_steps_to_target_are_those_of_the_first_evaluation_that_meets_it(searched):
    store, search = searched(axes={"epochs": 4})
    run(store, search, STEPS)
    data = load(store.dataset(search.first_recipe.dataset_id))
    for row in rows(store, search, STEPS).astype(object).to_dict("records"):
        (record,) = train([Run(search.at({"optimizer.lr": row["optimizer.lr"]}), row["seed"])], data)
        met = [evaluation["step"] for evaluation in record.curve if evaluation["val_loss"] <= 0.8]
        assert (None if pd.isna(row["steps_to_target"]) else row["steps_to_target"]) == (met[0] if met else None)


def test_shapes_that_differ_are_trained_in_turn(searched, monkeypatch):
    packs = trained(monkeypatch)
    sizes = {"key": "batch_size", "values": [8, 16], "whole": True}
    widths = {"key": "network.hidden", "values": [[4], [3, 3]]}
    store, search = searched(sizes, widths, LR, extend=0)
    chosen = run(store, search).chosen(ACCURACY)
    shapes = [{(r.batch_size, tuple(r.network.settings()["hidden"])) for r, _ in pack} for pack in packs]
    assert shapes == [{(8, (4,))}, {(8, (3, 3))}, {(16, (4,))}, {(16, (3, 3))}]
    assert {len(pack) for pack in packs} == {6}
    found = frame(store, search)
    assert len(found) == 24
    assert found["network.hidden"].unique().tolist() == ["[4]", "[3, 3]"]
    assert chosen.settings["network.hidden"] in [(4,), (3, 3)]


def test_a_setting_of_the_activation_is_tuned(searched):
    """It is part of the network, so its candidates share no pack."""
    slopes = {"key": "activation.negative_slope", "values": [0.01, 0.3]}
    store, search = searched(slopes, LR | {"log": [0.01, 0.1]}, extend=0, axes={"activation": "leaky_relu"})
    run(store, search)
    found, data = rows(store, search), load(store.dataset(search.first_recipe.dataset_id))
    assert found["activation.negative_slope"].tolist() == [0.01] * 6 + [0.3] * 6
    for row in found.to_dict("records"):
        candidate = search.at({key: row[key] for key in search.covers})
        (record,) = train([Run(candidate, row["seed"])], data)
        assert row["val_loss"] == record.curve[-1]["val_loss"]


def test_where_every_candidate_diverges_nothing_is_chosen(searched):
    store, search = searched({"key": "optimizer.lr", "log": [1e30, 1e32], "points": 2})
    assert run(store, search).chosen(ACCURACY) is None
    found = rows(store, search)
    assert set(found["status"]) == {"diverged"}
    assert not found["chosen"].any()


def test_quasi_random_points_fill_the_range_and_go_on_around_the_best(searched):
    open_range = {key: value for key, value in LR.items() if key != "points"}
    rate = {"key": "dropout", "linear": [0.0, 0.4]}
    store, search = searched(rate, open_range, method="sobol", trials=8, extend=3)
    run(store, search)
    found = rows(store, search).drop_duplicates("candidate")
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


def test_a_regression_is_searched_by_its_loss(searched):
    store, search = searched(axes={"dataset": "diabetes", "epochs": 1})
    run(store, search, LOSS)
    found = rows(store, search, LOSS)
    assert found["val_accuracy"].isna().all()
    best = found.groupby("candidate")["val_loss"].mean().idxmin()
    assert found.loc[found["chosen"], "candidate"].unique().tolist() == [best]

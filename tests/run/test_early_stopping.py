"""Early stopping against the same run without it: where it would have ended, and which parameters count."""

import pytest

from study.engine.pack import Pack, Run, train
from study.engine.record import Record


def ended(curve, metric, patience):
    """The rows of a whole curve at which a run ends, and that is the best by then."""
    best = 0
    for i, row in enumerate(curve[1:], 1):
        better = row[metric] < curve[best][metric] if metric == "val_loss" else row[metric] > curve[best][metric]
        if better:
            best = i
        elif i - best >= patience:
            return i, best
    return len(curve) - 1, best


@pytest.mark.parametrize("metric", ["val_loss", "val_accuracy"])
@pytest.mark.parametrize("patience", [1, 2, 5])
@pytest.mark.parametrize("beside", [{}, {"ema": 0.5, "dropout": 0.3}, {"stack": False}], ids=str)
def test_a_run_is_the_beginning_of_the_whole_one(beside, patience, metric, recipe, data):
    axes = {"optimizer": {"name": "adam", "lr": 0.1}, "epochs": 12, "batch_size": 25} | beside
    whole = recipe(**axes)
    rule = {"name": "patience", "patience": patience, "metric": metric}
    stopped, seeds = recipe(**axes, early_stopping=rule), range(4)
    found = train([Run(stopped, seed) for seed in seeds], data(whole))
    for record, all_of_it in zip(found, train([Run(whole, seed) for seed in seeds], data(whole)), strict=True):
        end, best = ended(all_of_it.curve, metric, patience)
        assert record.curve == all_of_it.curve[: end + 1]
        row = record.row()
        assert (row["epochs_run"], row["steps"], row["status"]) == (end, 5 * end, "finished")
        assert all(row[name] == record.curve[best][name] for name in ("train_loss", "val_accuracy", "test_loss"))
        if not best:
            assert row["learned"] is False
    if patience < 5:
        assert min(record.steps for record in found) < 60


def test_the_weights_are_those_of_the_best_evaluation(recipe, data):
    axes = {"optimizer": {"name": "adam", "lr": 0.1}, "batch_size": 25}
    rule = {"name": "patience", "patience": 3}
    [record] = train([Run(recipe(**axes, epochs=12, early_stopping=rule), 0)], data(recipe()))
    best = record.best
    assert 0 < best < len(record.curve) - 1
    [short] = train([Run(recipe(**axes, epochs=best), 0)], data(recipe()))
    assert record.weight_norm == short.weight_norm
    assert record.small_weights == short.small_weights


def test_a_pack_ends_when_all_its_runs_have(recipe, data):
    rule = {"name": "patience", "patience": 1}
    chosen = recipe(optimizer={"name": "sgd", "lr": 1e-30}, epochs=50, early_stopping=rule)
    pack = Pack([Run(chosen, seed) for seed in (0, 1)], data(chosen))
    assert [record.steps for record in pack.train()] == [22, 22]
    assert pack.done == 22


def test_what_a_run_does_after_its_end_is_nothing_to_it(recipe, data):
    """It would diverge: its rate rises with every step."""
    changes = {"optimizer": {"name": "sgd", "lr": 1e30}, "epochs": 40, "batch_size": 106}
    wild = recipe(**changes, schedule={"name": "warmup_cosine", "warmup": 0.999})
    rule = {"name": "patience", "patience": 1}
    stopped = wild.model_copy(update={"early_stopping": recipe(early_stopping=rule).early_stopping})
    first, second, calm = train([Run(stopped, 0), Run(wild, 0), Run(recipe(epochs=40, batch_size=106), 0)], data(wild))
    assert not second.finished
    assert first.finished
    assert first.steps == 1 <= second.steps < calm.steps  # the first step has rate 0


def test_a_record_without_a_rule_reports_its_last_row():
    rows = [{"epoch": i, "step": i, "train_loss": loss, "val_loss": loss} for i, loss in enumerate((3.0, 1.0, 2.0))]
    assert Record(0, None, curve=rows).row()["val_loss"] == 2.0
    assert Record(0, None, curve=rows, best=1).row()["val_loss"] == 1.0

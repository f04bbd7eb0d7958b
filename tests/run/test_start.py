"""A warm start goes on with what another run, of the same arm and seed, ended with."""

from __future__ import annotations

import pytest
import torch

from study.engine.checkpoint import Checkpoints
from study.engine.pack import Pack, Run, train
from study.plan.cost import steps_of
from tests.run.conftest import make_recipe
from tests.run.test_packs import assert_independent

WARM = {"name": "warm", "epochs": 3, "train_share": 0.5}
SHAPE = {"batch_size": 7, "optimizer": "adam"}


@pytest.mark.parametrize("network", ["mlp", {"name": "custom", "factory": "tests.mine:Residual"}])
def test_it_begins_where_the_other_ended(network, data):
    axes = SHAPE | {"network": network, "batch_size": 9}
    warm = make_recipe(**axes, start=WARM)
    before = make_recipe(**axes, epochs=3, train_share=0.5)
    found, other = (train([Run(recipe, 4), Run(recipe, 1)], data(recipe)) for recipe in (warm, before))
    for run, ended in zip(found, other, strict=True):
        for name in ("val_loss", "test_loss", "val_accuracy"):  # the rows that both have
            assert run.curve[0][name] == ended.curve[-1][name]
        assert len(run.curve) == warm.epochs + 1


def test_the_optimizer_begins_anew(data):
    """The same as to train the parameters of before by hand."""
    warm = make_recipe(**SHAPE, start=WARM)
    runs = [Run(warm, 0), Run(warm, 1)]
    before, afresh = warm.before, make_recipe(**SHAPE)
    source = Pack([Run(before, 0), Run(before, 1)], data(warm))
    source.train()
    pack = Pack([Run(afresh, 0), Run(afresh, 1)], data(warm))
    pack.stack.flat.copy_(source.stack.flat)
    pack.initial_weights = pack.stack.weights().square().mean(1).sqrt()
    assert pack.train() == train(runs, data(warm))


def test_a_run_is_the_same_in_every_pack(data):
    subject = make_recipe(**SHAPE, start=WARM)
    assert_independent(subject, data(subject))


class Stop(Exception):
    pass


@pytest.mark.parametrize("stop_at", [5, 20], ids=["before", "after"])
def test_it_goes_on_where_it_stopped(stop_at, data, tmp_path):
    warm = make_recipe(**SHAPE, start=WARM)
    runs, ticks = [Run(warm, 0), Run(warm, 1)], []

    def stop(done: int, budget: int, _: object) -> None:
        ticks.append(done)
        if len(ticks) == 24 + stop_at - 5 * (stop_at == 5) * 3:
            raise Stop

    with pytest.raises(Stop):
        train(runs, data(warm), checkpoints=Checkpoints(tmp_path, every=0.0, seconds=0.0, watch=stop))
    again = Checkpoints(tmp_path)
    assert train(runs, data(warm), checkpoints=again) == train(runs, data(warm))
    assert len(list(tmp_path.iterdir())) <= 1  # its own, which the job removes


def test_steps_of_before_are_counted():
    warm = make_recipe(dataset="digits", batch_size=32, epochs=2, start=WARM | {"epochs": 4})
    assert steps_of(warm) == 2 * 34 + 4 * 17  # 1,077 rows; half of them are 538 or 539


def test_what_diverged_before_has_diverged(data):
    wild = make_recipe(optimizer={"name": "sgd", "lr": 1e30}, start=WARM)
    [run] = train([Run(wild, 0)], data(wild))
    assert run.reason == "loss or parameters not finite after step 0"
    assert run.curve == []
    assert torch.isfinite(torch.tensor(run.steps))


@pytest.mark.parametrize("beside", [{"early_stopping": {"name": "patience", "patience": 1}}, {"ema": 0.9}], ids=str)
def test_what_is_before_is_trained_whole_and_as_it_is(beside, data):
    axes = SHAPE | {"optimizer": {"name": "sgd", "lr": 0.5}, "epochs": 4}
    subject = make_recipe(**axes, **beside, start=WARM | {"epochs": 12})
    plain = make_recipe(**axes, start=WARM | {"epochs": 12})
    few, many = (train([Run(subject, seed) for seed in seeds], data(subject)) for seeds in ((3, 1), (0, 1, 2, 3, 4, 5)))
    assert few == [many[3], many[1]]
    for run, other in zip(few, train([Run(plain, 3), Run(plain, 1)], data(plain)), strict=True):
        assert run.curve[0] == other.curve[0]

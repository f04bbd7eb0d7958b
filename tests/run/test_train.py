"""What a run's record says: divergence, steps, randomness and the numbers taken at the end."""

import math

import pytest
import torch

from study.engine.determinism import quiet
from study.engine.inputs.data import Data, Split
from study.engine.networks.network import build
from study.engine.pack import Pack, Run, train
from study.tasks import TASKS


def initial_weights(recipe, data, seed=0):
    module = build(recipe, seed, data)
    return torch.cat([p.detach().flatten() for p in module.parameters() if p.dim() >= 2])


def test_steps_epochs_and_one_row_per_evaluation(recipe, data):
    chosen = recipe(batch_size=25, epochs=3)
    (record,) = train([Run(chosen, 0)], data(chosen))
    assert record.steps == math.ceil(106 / 25) * 3
    assert [(row["epoch"], row["step"]) for row in record.curve] == [(0, 0), (1, 5), (2, 10), (3, 15)]
    row = record.row()
    assert row["status"] == "finished"
    assert row["epochs_run"] == 3
    assert row["learned"]
    assert row["lr"] == 0.05
    assert row["test_loss"] == record.curve[-1]["test_loss"]


@pytest.mark.parametrize("stack", [True, False])
def test_divergence_ends_that_run_only(stack, recipe, data):
    calm, wild = recipe(stack=stack), recipe(stack=stack, optimizer={"name": "sgd", "lr": 1e30}, activation="relu")
    alone = train([Run(calm, 0)], data(calm))[0]
    first, diverged, last = train([Run(calm, 0), Run(wild, 0), Run(calm, 1)], data(calm))
    assert first == alone
    assert last.finished
    row = diverged.row()
    assert row["status"] == "diverged"
    assert 0 < diverged.steps < calm.epochs * 22
    assert f"after step {diverged.steps}" in row["reason"]
    assert [r["epoch"] for r in diverged.curve] == [0]  # what was seen before
    assert row["epochs_run"] == 0
    assert not row["learned"]
    for name in ("train_loss", "val_loss", "test_loss", "test_accuracy", "weight_norm", "small_weights"):
        assert row[name] is None


def test_a_later_divergence_keeps_the_curve_until_then(recipe, data):
    """Rates that rise tenfold an epoch: some epochs are seen, then the loss overflows."""
    chosen = recipe(
        optimizer={"name": "sgd", "lr": 1e9}, epochs=12, schedule={"name": "warmup_cosine", "warmup": 0.999}
    )
    (record,) = train([Run(chosen, 0)], data(chosen))
    assert not record.finished
    for row in record.curve:
        assert all(math.isfinite(value) for name, value in row.items() if name.endswith("_loss"))
        assert row["step"] <= record.steps


def test_weight_norm_and_small_weights_by_hand(recipe, data):
    """A rate so small that nothing moves: the final weights are the initial ones."""
    chosen = recipe(optimizer={"name": "sgd", "lr": 1e-30})
    weights = initial_weights(chosen, data(chosen)).double()
    (record,) = train([Run(chosen, 0)], data(chosen))
    assert record.weight_norm == pytest.approx(float(weights.square().sum().sqrt()), rel=1e-6)
    limit = 0.01 * float(weights.square().mean().sqrt())
    assert record.small_weights == pytest.approx(float((weights.abs() < limit).double().mean()))
    assert record.n_parameters == 13 * 7 + 7 + 7 * 5 + 5 + 5 * 3 + 3
    assert not record.learned  # it ended where it began


def test_l1_makes_weights_small(recipe, data):
    chosen = recipe(regularizer={"name": "l1", "strength": 1.0}, epochs=4)
    (record,) = train([Run(chosen, 0)], data(chosen))
    assert record.small_weights > 0.9


def test_nothing_is_small_beside_initial_weights_of_zero(recipe, data):
    chosen = recipe(init="zeros")
    assert train([Run(chosen, 0)], data(chosen))[0].small_weights is None


def test_gradient_norm_by_hand(recipe, data):
    """One step over all rows of a linear model that starts at zero: the gradient has a closed form."""
    chosen = recipe(network="linear", init="zeros", batch_size=106, epochs=1)
    x, y = data(chosen).train[:2]
    onehot = torch.nn.functional.one_hot(y, 3).float()
    error = (torch.full((106, 3), 1 / 3) - onehot) / 106
    expected = math.sqrt(float((error.T @ x).square().sum() + error.sum(0).square().sum()))
    (record,) = train([Run(chosen, 0)], data(chosen))
    assert record.curve[0]["grad_norm"] is None
    assert record.curve[1]["grad_norm"] == pytest.approx(expected, rel=1e-5)


def test_the_rate_in_a_curve_is_that_of_the_last_step(recipe, data):
    chosen = recipe(schedule={"name": "linear", "final": 0.0}, batch_size=106, epochs=4)
    (record,) = train([Run(chosen, 0)], data(chosen))
    assert [row["lr"] for row in record.curve] == pytest.approx([0.05, 0.05, 0.0375, 0.025, 0.0125])


@pytest.mark.parametrize("network", ["mlp", "convnet"])
@pytest.mark.parametrize("init", ["default", "he_normal"])
def test_the_global_generator_is_neither_used_nor_moved(network, init, recipe, data):
    chosen = recipe(dataset="digits", network=network, init=init, dropout=0.3, batch_size=32)
    records = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        records.append(train([Run(chosen, 0)], data(chosen)))
        assert torch.equal(torch.get_rng_state(), before)
    assert records[0] == records[1]


def test_threads_are_as_the_caller_left_them(recipe, data):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        train([Run(recipe(epochs=1), 0)], data(recipe()))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("init", ["default", "xavier_normal"])
def test_a_seed_gives_every_arm_the_same_initial_parameters(init, recipe, data):
    first, other = recipe(init=init), recipe(init=init, activation="silu", dropout=0.5, optimizer="adam", batch_size=7)
    a, b = (build(chosen, 4, data(chosen)).state_dict() for chosen in (first, other))
    assert all(torch.equal(a[name], b[name]) for name in a)
    c = build(first, 5, data(first)).state_dict()
    assert not torch.equal(a["1.weight"], c["1.weight"])


def test_biases_start_at_zero_unless_torch_decides(recipe, data):
    biases = {i: build(recipe(init=i), 0, data(recipe())).get_parameter("1.bias") for i in ("he_uniform", "default")}
    assert not biases["he_uniform"].any()
    assert biases["default"].any()


def test_a_seed_gives_every_arm_the_same_batch_order(recipe, data):
    """Seen from outside: one row, met at one step of the epoch, ends the run.

    With one row a step and a linear model that starts at zero, the gradient is zero until that row comes.
    """
    rows = 6
    x, y = torch.eye(rows), torch.zeros(rows)
    y[3] = 1e15  # its loss is finite, but times the rate its gradient overflows
    parts = Split(x, y), Split(x, torch.zeros(rows)), Split(x, torch.zeros(rows))
    one = Data(TASKS["regression"], (rows,), 1, *parts)
    ended = set()
    changed = ({}, {"schedule": "cosine"}, {"regularizer": "l2"}, {"optimizer": {"name": "momentum", "lr": 1e30}})
    for changes in changed:
        axes = {"network": "linear", "dataset": "diabetes", "init": "zeros", "batch_size": 1, "epochs": 1}
        chosen = recipe(**axes | {"optimizer": {"name": "sgd", "lr": 1e30}} | changes)
        records = train([Run(chosen, s) for s in range(8)], one)
        ended.add(tuple(record.steps for record in records))
    assert len(ended) == 1
    assert len(set(ended.pop())) > 1  # another seed, another order


def test_batch_normalization_refuses_a_last_batch_of_one(recipe, data):
    chosen = recipe(dataset="digits", network="convnet", batch_size=35)
    with pytest.raises(ValueError, match="two rows"):
        train([Run(chosen, 0)], data(chosen))


@pytest.mark.parametrize("before", [False, True])
def test_convolutions_on_gpus_are_deterministic_while_training(before, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", before)
    with quiet():
        assert torch.backends.cudnn.deterministic
    assert torch.backends.cudnn.deterministic is before


def allowed() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def test_tf32_is_used_in_steps_of_arms_that_ask_for_it_only(recipe, data):
    """Also where such arms take turns with others, as in the timing job."""
    before = allowed()
    plain, asks = (Pack([Run(chosen, 0)], data(chosen)) for chosen in (recipe(), recipe(tf32=True)))
    with quiet():
        assert allowed() == (False, False)
        for pack, wanted in ((asks, True), (plain, False), (asks, True)):
            pack.step(torch.arange(5).unsqueeze(0), 0.0)
            assert allowed() == (wanted, wanted)
        plain.evaluate(None)
        assert allowed() == (False, False)
        asks.evaluate(None)
        assert allowed() == (True, True)
    assert allowed() == before

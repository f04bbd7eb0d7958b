"""On the CPU a run's numbers are bitwise the same whatever else is in its pack.

The reference is always the run alone; it is then trained as one of two, three and five, in other places,
beside runs that differ in optimizer, rate, schedule, regularizer, dropout and seed.
"""

import json
from typing import Any

import pytest
import torch

from study.axes.combinations import impossible
from study.axes.recipe import AXES, Recipe
from study.engine.inputs.data import Data
from study.engine.pack import Pack, Run, train
from study.plan.file.keys import CHOICES
from tests.run.conftest import make_recipe

SHAPES = {
    "awkward": {"network": {"name": "mlp", "hidden": [7, 5]}, "batch_size": 15},  # 106 rows: the last batch has one
    "round": {"network": {"name": "mlp", "hidden": [16, 8]}, "batch_size": 32},
}
FEW_DIGITS = {"dataset": "digits", "train_share": 0.15}  # images, some dozens of steps
CHOSEN = [
    (axis, name)
    for axis in ("optimizer", "schedule", "regularizer", "activation", "init", "early_stopping")
    for name in CHOICES[axis].choices()
]


NUMBERS = [axis for axis, about in AXES.items() if about.varies and not about.shared and axis not in CHOICES]


def companions(recipe: Recipe, drops: bool) -> list[Recipe]:
    """Three arms that may share a pack with ``recipe``, each unlike it and each other; and itself at half its rate.

    The first has another value of every number that it can have.
    """
    dropout = 0.5 if drops else 0.0
    differing: list[dict[str, Any]] = [
        {"optimizer": {"name": "adam", "lr": 0.02}, "schedule": {"name": "cosine"}, "dropout": dropout},
        {"optimizer": {"name": "momentum", "lr": 0.3}, "regularizer": {"name": "l1", "strength": 0.1}},
        {"optimizer": {"name": "rmsprop", "lr": 0.01}, "schedule": {"name": "plateau"}, "init": {"name": "zeros"}}
        | {"early_stopping": {"name": "patience", "patience": 1}},
        {"optimizer": recipe.optimizer.model_dump(mode="json") | {"lr": recipe.optimizer.lr / 2}},
    ]
    for axis in NUMBERS:
        if impossible(made(recipe, {axis: other(axis)})) is None:
            differing[0].setdefault(axis, other(axis))
    return [made(recipe, changes) for changes in differing]


def made(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    return Recipe.model_validate_json(json.dumps(recipe.model_dump(mode="json") | changes))


def assert_independent(recipe: Recipe, data: Data, drops: bool | None = None) -> None:
    """``drops``: whether its network can; as its class says."""
    a, b, c, slower = companions(recipe, recipe.network.hidden_layers if drops is None else drops)
    subject = Run(recipe, 3)
    (alone,) = train([subject], data)
    packs = [
        [Run(slower, 0), Run(a, 0), subject],
        [subject, Run(b, 3), Run(c, 1)],
        [Run(c, 3), Run(recipe, 1), subject, Run(a, 3), Run(b, 2)],
    ]
    threads = torch.get_num_threads()
    try:
        for pack, n in zip(packs, (1, 2, 2), strict=True):
            torch.set_num_threads(n)
            record = train(pack, data)[pack.index(subject)]
            assert record == alone
    finally:
        torch.set_num_threads(threads)
    assert len(alone.curve) == (recipe.epochs or 0) + 1


@pytest.mark.parametrize(("shape", "dropout"), [("awkward", 0.0), ("awkward", 0.3), ("round", 0.3)])
@pytest.mark.parametrize(("axis", "name"), CHOSEN, ids=map("-".join, CHOSEN))
def test_a_run_is_the_same_in_every_pack(axis, name, shape, dropout, recipe, data):
    subject = recipe(**SHAPES[shape], dropout=dropout, **{axis: name})
    assert_independent(subject, data(subject))


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("name", CHOICES["network"].choices())
def test_every_network(name, dropout, recipe, data):
    hidden = CHOICES["network"].choices()[name].hidden_layers
    axes = {"network": name, "optimizer": "adam", "batch_size": 9, "dropout": dropout if hidden else 0.0}
    subject = recipe(**FEW_DIGITS, **axes)
    assert_independent(subject, data(subject))


@pytest.mark.parametrize(("channels", "batch_size"), [([3, 8, 5], 11), ([4, 8], 32)], ids=SHAPES)
@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("activation", CHOICES["activation"].choices())
def test_convolutions_with_and_without_batch_normalization(activation, batch_norm, channels, batch_size, recipe, data):
    network = {"name": "convnet", "channels": channels, "batch_norm": batch_norm}
    subject = recipe(**FEW_DIGITS, network=network, activation=activation, batch_size=batch_size, dropout=0.3)
    assert_independent(subject, data(subject))


@pytest.mark.parametrize("network", ["mlp", "convnet"])
def test_augmented_images(network, recipe, data):
    subject = recipe(**FEW_DIGITS, network=network, batch_size=11, augmentation="flip_crop", dropout=0.3)
    assert_independent(subject, data(subject))
    beside = made(subject, {"augmentation": {"name": "none"}})
    runs = [Run(subject, 0), Run(beside, 3)]
    assert train(runs, data(subject))[1] == train(runs[1:], data(subject))[0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dataset", "network"), [("wine", "mlp"), ("digits", "mlp"), ("digits", "convnet")])
def test_bfloat16(network, dataset, shape, recipe, data):
    axes = SHAPES[shape] | {"dataset": dataset, "network": network, "dropout": 0.3}
    subject = recipe(**axes | ({"batch_size": 11} if network == "convnet" else {}), precision="bfloat16")
    assert_independent(subject, data(subject))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("regularizer", CHOICES["regularizer"].choices())
def test_regression(regularizer, shape, recipe, data):
    subject = recipe(**SHAPES[shape], dataset="diabetes", regularizer=regularizer, dropout=0.3)
    assert_independent(subject, data(subject))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["wine", "breast_cancer", "diabetes"])
def test_seeds_that_draw_their_split(name, shape, recipe, data):
    subject = recipe(**SHAPES[shape], dataset={"name": name, "split": "by_seed"}, dropout=0.3)
    assert_independent(subject, data(subject))
    subject = subject.model_copy(update={"train_share": 0.4})
    assert_independent(subject, data(subject))


@pytest.mark.parametrize("batch_norm", [True, False])
def test_convolutions_over_seeds_that_draw_their_split(batch_norm, recipe, data):
    network = {"name": "convnet", "channels": [3, 5], "batch_norm": batch_norm}
    subject = recipe(dataset={"name": "digits", "split": "by_seed"}, network=network, batch_size=100, dropout=0.3)
    assert_independent(subject, data(subject))


SHARED = {
    "dataset": {"name": "wine", "split_seed": 1}, "network": {"name": "mlp", "hidden": [7, 6]}, "activation": "tanh",
    "batch_size": 6, "epochs": 3, "gpus": 2, "tf32": True, "train_share": 0.5, "steps": 7,
    "evaluate": {"name": "steps", "steps": 7}, "precision": "bfloat16",
}  # fmt: skip


UNSHARED = (
    "init", "dropout", "optimizer", "schedule", "regularizer", "stack", "grad_clip", "label_smoothing", "label_noise",
    "ema", "early_stopping", "augmentation",
)  # fmt: skip


def other(axis):
    """A second value for an axis that is in no list here."""
    kind, now = Recipe.model_fields[axis].annotation, getattr(make_recipe(), axis)
    if axis in CHOICES:
        return next(name for name in CHOICES[axis].choices() if name != now.name)
    return {bool: not now, int: now + 2, float: 0.3}[kind]


SCRIPTS = {"trainer"}  # whose runs are in no pack


@pytest.mark.parametrize("axis", [axis for axis, about in AXES.items() if about.shared and axis not in SCRIPTS])
def test_the_shared_axes_must_agree(axis, recipe, data):
    first, second = recipe(), recipe(**{axis: SHARED[axis] if axis in SHARED else other(axis)})
    with pytest.raises(ValueError, match=f"^runs in a pack share .*{axis}"):
        train([Run(first, 0), Run(second, 0)], data(first))


def test_what_is_shared_is_what_was_said():
    assert all(AXES[axis].shared for axis in SHARED)
    assert not any(AXES[axis].shared for axis in UNSHARED)


@pytest.mark.parametrize("axis", NUMBERS)
def test_a_number_acts_on_its_own_run(axis, recipe, data):
    subject = recipe(**SHAPES["awkward"], **{axis: other(axis)})
    assert_independent(subject, data(subject))


@pytest.mark.parametrize("evaluate", ["epoch", {"name": "steps", "steps": 9}])
def test_a_budget_in_steps(evaluate, recipe, data):
    """It ends within an epoch, of which there are 22 steps."""
    subject = recipe(**SHAPES["awkward"] | {"batch_size": 5}, steps=31, evaluate=evaluate, dropout=0.3)
    a, b, *_ = companions(subject, drops=True)
    (alone,) = train([Run(subject, 3)], data(subject))
    assert train([Run(a, 0), Run(b, 1), Run(subject, 3)], data(subject))[2] == alone
    rows = [(row["epoch"], row["step"]) for row in alone.curve]
    ends = [22, 31] if evaluate == "epoch" else [9, 18, 27, 31]
    assert rows == [(0, 0), *((end / 22, end) for end in ends)]
    assert (alone.row()["epochs_run"], alone.steps) == (1, 31)


def test_unstacked_runs_do_not_depend_on_each_other(recipe, data):
    subject = recipe(stack=False, activation="silu", dropout=0.3)
    (alone,) = train([Run(subject, 3)], data(subject))
    assert train([Run(recipe(), 0), Run(subject, 0), Run(subject, 3)], data(subject))[2] == alone


def test_the_same_run_twice_in_one_pack(recipe, data):
    subject = Run(recipe(dropout=0.3), 0)
    first, second = train([subject, subject], data(subject.recipe))
    assert first == second


def test_a_stream_for_a_purpose_of_ones_own_is_part_of_a_checkpoint(data):
    recipe = make_recipe()
    pack, again = (Pack([Run(recipe, seed) for seed in range(2)], data(recipe)) for _ in range(2))
    pack.train_on()
    first = [torch.rand(3, generator=stream) for stream in pack.streams("noise")]
    again.load_state_dict(pack.state_dict())
    expected = [torch.rand(3, generator=stream) for stream in pack.streams("noise")]
    found = [torch.rand(3, generator=stream) for stream in again.streams("noise")]
    assert all(map(torch.equal, found, expected))
    assert not any(map(torch.equal, first, expected))

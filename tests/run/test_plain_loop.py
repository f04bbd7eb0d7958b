"""Stacked training against the plainest loop there is: one module, autograd, torch's optimizers and schedulers."""

import pytest
import torch
from torch.nn import functional as F

from study.engine.pack import Run, train
from study.plan.file.keys import CHOICES
from study.tasks import TASKS
from tests.run.plain import CALM, assert_agree
from tests.run.splits import by_hand

CHOSEN = [
    (axis, name)
    for axis in ("optimizer", "schedule", "regularizer", "activation", "init")
    for name in CHOICES[axis].choices()
]


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize(("axis", "name"), CHOSEN, ids=map("-".join, CHOSEN))
def test_every_choice_agrees_with_a_plain_loop(axis, name, dropout, recipe, data):
    rates = {"optimizer": {"name": name, "lr": 0.01} | CALM.get(name, {})} if axis == "optimizer" else {axis: name}
    size = 106 if name in CALM else 25  # 106 rows: the last batch has six
    chosen = recipe(batch_size=size, epochs=3, dropout=dropout, **rates)
    assert_agree(chosen, data(chosen))


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("name", CHOICES["network"].choices())
def test_every_network_agrees_with_a_plain_loop(name, dropout, recipe, data):
    hidden = CHOICES["network"].choices()[name].hidden_layers
    chosen = recipe(dataset="digits", network=name, batch_size=30, dropout=dropout if hidden else 0.0)
    assert_agree(chosen, data(chosen))


OTHERS = [{"grad_clip": 0.3}, {"label_smoothing": 0.2}, {"label_noise": 0.25}, {"train_share": 0.4}]
OTHERS += [{"steps": 12}, {"steps": 8, "evaluate": {"name": "steps", "steps": 3}}]  # of five steps an epoch
OTHERS += [{"evaluate": {"name": "steps", "steps": 4}, "schedule": "plateau"}]
OTHERS += [{"ema": 0.8}, {"ema": 0.8, "schedule": "plateau"}]
BESIDE = {"dropout": 0.3, "regularizer": {"name": "l2", "strength": 0.05}}


@pytest.mark.parametrize("stack", [True, False])
@pytest.mark.parametrize("beside", [{}, BESIDE], ids=["", "beside"])
@pytest.mark.parametrize("axes", OTHERS, ids=str)
def test_every_other_axis_agrees_with_a_plain_loop(axes, beside, stack, recipe, data):
    """And differs from what it is without."""
    chosen = recipe(**{"batch_size": 25, "epochs": 3, "stack": stack} | beside | axes)
    assert_agree(chosen, data(chosen))
    without = recipe(batch_size=25, epochs=3, stack=stack, **beside)
    assert train([Run(chosen, 5)], data(chosen))[0].curve != train([Run(without, 5)], data(chosen))[0].curve


@pytest.mark.parametrize("stack", [True, False])
@pytest.mark.parametrize("network", ["mlp", "convnet", "resnet"])
@pytest.mark.parametrize("changes", [{}, {"padding": 1}, {"padding": 0}, {"flip": False}], ids=str)
def test_augmentation_agrees_with_a_plain_loop(changes, network, stack, recipe, data):
    choice = {"name": "flip_crop"} | changes
    chosen = recipe(dataset="digits", network=network, batch_size=53, epochs=1, stack=stack, augmentation=choice)
    assert_agree(chosen, data(chosen))


@pytest.mark.parametrize("stack", [True, False])
@pytest.mark.parametrize(("name", "network"), [("wine", "mlp"), ("digits", "mlp"), ("digits", "convnet")])
def test_bfloat16_agrees_with_autocast_in_a_plain_loop(name, network, stack, recipe, data):
    chosen = recipe(dataset=name, network=network, batch_size=53, epochs=1, stack=stack, precision="bfloat16")
    assert_agree(chosen, data(chosen), rel=0.02, absolute=0.02)  # two rows of 106
    exact = train([Run(recipe(dataset=name, network=network, batch_size=53, epochs=1, stack=stack), 5)], data(chosen))
    assert train([Run(chosen, 5)], data(chosen)) != exact


def test_smoothing_of_many_classes_is_torchs():
    draw = torch.Generator().manual_seed(0)
    for classes in (3, 10, 17):
        outputs, target = torch.randn(2, 5, classes, generator=draw), torch.randint(classes, (10,), generator=draw)
        found = TASKS["classification"].smoothed(outputs, target, torch.tensor([0.0, 0.3]))
        for run, smoothing in enumerate((0.0, 0.3)):
            part = target.view(2, 5)[run]
            expected = F.cross_entropy(outputs[run], part, reduction="none", label_smoothing=smoothing)
            torch.testing.assert_close(found[run], expected)


@pytest.mark.parametrize("regularizer", CHOICES["regularizer"].choices())
def test_regression_agrees_with_a_plain_loop(regularizer, recipe, data):
    chosen = recipe(dataset="diabetes", regularizer=regularizer, batch_size=25, dropout=0.3)
    assert_agree(chosen, data(chosen))


@pytest.mark.parametrize("stack", [True, False])
@pytest.mark.parametrize(("name", "network"), [("wine", "mlp"), ("diabetes", "mlp"), ("digits", "convnet")])
def test_each_seed_on_its_own_split_agrees_with_a_plain_loop(name, network, stack, recipe, data):
    chosen = recipe(
        dataset={"name": name, "split": "by_seed"}, network=network, stack=stack, batch_size=50, dropout=0.3
    )
    assert_agree(chosen, data(chosen), own=lambda seed: by_hand(name, seed))
    if name != "diabetes":
        chosen = chosen.model_copy(update={"train_share": 0.5, "label_noise": 0.3})
    assert_agree(chosen, data(chosen), own=lambda seed: by_hand(name, seed))


@pytest.mark.parametrize("stack", [True, False])
def test_plateau_lowers_the_rate_of_one_run_at_a_time(stack, recipe, data):
    """Also where the twin's own scheduler lowers it, and never the rate of its neighbours."""
    chosen = recipe(schedule={"name": "plateau", "patience": 0, "threshold": 0.3}, epochs=4, stack=stack, batch_size=25)
    assert_agree(chosen, data(chosen))
    rates = [[row["lr"] for row in r.curve] for r in train([Run(chosen, 5), Run(chosen, 6)], data(chosen))]
    assert min(map(min, rates)) < 0.05

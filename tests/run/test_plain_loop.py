"""Stacked training against the plainest loop there is: one module, autograd, torch's optimizers and schedulers."""

import hashlib
import math
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler, swa_utils

from study.engine.data import Split
from study.engine.network import build
from study.engine.pack import Run, train
from study.engine.prepare import random_state
from study.plan.file.keys import CHOICES
from study.tasks import TASKS
from tests.run.splits import by_hand

ACTIVATIONS = {
    "identity": lambda x: x,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.01),
    "gelu": F.gelu,
    "silu": F.silu,
    "elu": F.elu,
}
OPTIMIZERS = {
    "sgd": lambda p, lr: torch.optim.SGD(p, lr),
    "momentum": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9),
    "nesterov": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9, nesterov=True),
    "adagrad": lambda p, lr: torch.optim.Adagrad(p, lr),
    "rmsprop": lambda p, lr: torch.optim.RMSprop(p, lr, alpha=0.99),
    "adadelta": lambda p, lr: torch.optim.Adadelta(p, lr),
    "adam": lambda p, lr: torch.optim.Adam(p, lr),
    "adamw": lambda p, lr: torch.optim.AdamW(p, lr, weight_decay=0.01),
    "nadam": lambda p, lr: torch.optim.NAdam(p, lr),
    "radam": lambda p, lr: torch.optim.RAdam(p, lr),
    "adamax": lambda p, lr: torch.optim.Adamax(p, lr),
    "rprop": lambda p, lr: torch.optim.Rprop(p, lr),
    "adafactor": lambda p, lr: torch.optim.Adafactor(p, lr),
    "lbfgs": lambda p, lr: torch.optim.LBFGS(p, lr, max_iter=2),
}
CALM = {"lbfgs": {"max_iter": 2, "line_search_fn": "none"}}  # its line search, and small batches, blow rounding up
SCHEDULES = {  # of T steps; the others have no counterpart that ends where ours does
    "constant": lambda o, T: lr_scheduler.ConstantLR(o, factor=1.0),
    "exponential": lambda o, T: lr_scheduler.ExponentialLR(o, 0.01 ** (1 / T)),
    "cosine": lambda o, T: lr_scheduler.CosineAnnealingLR(o, T, eta_min=0.01 * o.param_groups[0]["lr"]),
    "linear": lambda o, T: lr_scheduler.LinearLR(o, 1.0, 0.01, total_iters=T),
}


class Activation(nn.Module):
    def __init__(self, recipe):
        super().__init__()
        self.function = ACTIVATIONS.get(recipe.activation.name) or recipe.activation.build()

    def forward(self, x):
        return self.function(x)


class Dropout(nn.Module):
    def __init__(self, rate, generator):
        super().__init__()
        self.rate, self.generator = rate, generator

    def forward(self, x):
        if not (self.training and self.rate):
            return x
        kept = torch.rand(x.shape, generator=self.generator) >= self.rate
        return x * kept / (1 - self.rate)


def generator(seed, purpose):
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def share_by_hand(y, share, draw):
    """The rows of a share, by pandas."""
    drawn = pd.Series(torch.randperm(len(y), generator=generator(draw, "train_share")))
    of_class = drawn.groupby(drawn.map(lambda row: int(y[row])))
    place = (of_class.cumcount() + 0.5) / of_class.transform("size")
    return sorted(drawn[place.sort_values(kind="stable").index][: round(share * len(y))])


def noisy_by_hand(y, share, seed, classes):
    draws = generator(seed, "label_noise")
    wrong = torch.randperm(len(y), generator=draws)[: round(share * len(y))]
    other = torch.randint(1, classes, (len(y),), generator=draws)
    y = y.clone()
    for row in wrong:
        y[row] = (y[row] + other[row]) % classes
    return y


def trained_on(recipe, seed, data, draw):
    """The data with the training rows and labels that a run has; ``draw``: of the split."""
    x, y, *_ = data.train
    if recipe.train_share < 1:
        kept = share_by_hand(y, recipe.train_share, draw)
        x, y = x[kept], y[kept]
    if recipe.label_noise:
        y = noisy_by_hand(y, recipe.label_noise, seed, data.outputs)
    return data._replace(train=Split(x, y))


def augmented(x, choice, draws):
    """Images padded, cropped and mirrored one by one."""
    padding, changed = choice.padding, []
    for image, numbers in zip(x, torch.rand(len(x), 3, generator=draws), strict=True):
        down, right = (int(number * (2 * padding + 1)) for number in numbers[:2])
        padded = F.pad(image, [padding] * 4)
        top, left = 2 * padding - down, 2 * padding - right
        crop = padded[:, top : top + image.shape[1], left : left + image.shape[2]]
        changed.append(crop.flip(2) if numbers[2] < 0.5 and choice.flip else crop)
    return torch.stack(changed)


def plain(recipe, seed, data):
    """The curve of one run: a list of rows; and its final weights, flattened."""
    noise, order, changes = (generator(seed, purpose) for purpose in ("dropout", "order", "augmentation"))
    model = recipe.network.build(
        data.shape, data.outputs, lambda: Activation(recipe), lambda: Dropout(recipe.dropout, noise)
    )
    for layer in list(model.modules()):  # of a network of one's own; the axis has the rate
        for name, child in layer.named_children():
            if isinstance(child, nn.Dropout | nn.Dropout2d):
                setattr(layer, name, Dropout(recipe.dropout, noise))
    initial = build(recipe, seed, data).named_parameters()
    with torch.no_grad():
        for parameter, (_, value) in zip(model.parameters(), initial, strict=True):
            parameter.copy_(value)
    weights = [p for p in model.parameters() if p.dim() >= 2]
    lr, per_epoch = recipe.optimizer.lr, math.ceil(len(data.train.x) / recipe.batch_size)
    T = recipe.steps or per_epoch * recipe.epochs
    make = OPTIMIZERS.get(recipe.optimizer.name)
    optimizer = make(model.parameters(), lr) if make else recipe.optimizer.build(model.named_parameters())
    plateau = None
    if recipe.schedule.name == "plateau":
        s = recipe.schedule
        plateau = lr_scheduler.ReduceLROnPlateau(optimizer, factor=s.gamma, patience=s.patience, threshold=s.threshold)
        scheduler = SimpleNamespace(step=lambda: None)
    elif recipe.schedule.name in SCHEDULES:
        scheduler = SCHEDULES[recipe.schedule.name](optimizer, T)
    else:
        scheduler = lr_scheduler.LambdaLR(optimizer, lambda k: recipe.schedule.factor(k / T))

    def loss_of(output, y, smoothing=0.0):
        if data.task.classes:
            return F.cross_entropy(output, y, label_smoothing=smoothing)
        return F.mse_loss(output.squeeze(1), y)

    trained = model
    average = swa_utils.AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(recipe.ema))

    def evaluate():
        model = average.module if recipe.ema else trained
        model.eval()
        row = {}
        with torch.no_grad():
            for name in ("train", "val", "test"):
                x, y, *_ = getattr(data, name)
                with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision.name == "bfloat16"):
                    outputs = model(x).float()
                row[f"{name}_loss"] = float(loss_of(outputs, y))
                if data.task.classes:
                    row[f"{name}_accuracy"] = float((outputs.argmax(1) == y).float().mean())
        model.train()
        return row

    curve = [evaluate() | {"lr": lr, "grad_norm": None}]
    done, norms = 0, []
    while done < T:
        permutation = torch.randperm(len(data.train.x), generator=order)
        for rows in torch.split(permutation, recipe.batch_size)[: T - done]:
            x, masks, found = data.train.x[rows], noise.get_state(), []
            if recipe.augmentation.name == "flip_crop":
                x = augmented(x, recipe.augmentation, changes)

            def differentiate(x=x, rows=rows, masks=masks, found=found):
                noise.set_state(masks)  # the same in a step
                optimizer.zero_grad()
                with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision.name == "bfloat16"):
                    outputs = model(x)
                loss = loss_of(outputs.float(), data.train.y[rows], recipe.label_smoothing)
                gradient = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)
                found.append(torch.sqrt(sum((g**2).sum() for g in gradient)).item())
                whole = loss + recipe.regularizer.strengths[1] / 2 * sum((w**2).sum() for w in weights)
                whole.backward()
                if recipe.grad_clip:
                    nn.utils.clip_grad_norm_(model.parameters(), recipe.grad_clip)
                return whole

            used = optimizer.param_groups[0]["lr"]
            if recipe.optimizer.again:
                optimizer.step(differentiate)
            else:
                differentiate()
                optimizer.step()
            norms.append(found[0])
            with torch.no_grad():
                for w in weights:
                    w.copy_(torch.sign(w) * torch.relu(w.abs() - used * recipe.regularizer.strengths[0]))
            scheduler.step()
            done += 1
            average.update_parameters(model)
            if done == T or done % (recipe.evaluate.steps if recipe.evaluate.name == "steps" else per_epoch) == 0:
                row = evaluate()
                about = {"lr": used, "grad_norm": sum(norms) / len(norms), "step": done, "epoch": done / per_epoch}
                curve.append(row | about)
                norms = []
                if plateau:
                    plateau.step(row["val_loss"])
    reported = (average.module if recipe.ema else model).parameters()
    return curve, torch.cat([w.detach().flatten() for w in reported if w.dim() >= 2])


def assert_agree(recipe, data, own=None, rel=2e-4, absolute=2e-6):
    """A pack of two against two plain loops, over ``own(seed)`` where seeds draw the split."""
    for record, seed in zip(train([Run(recipe, 5), Run(recipe, 6)], data), (5, 6), strict=True):
        draw = random_state(recipe.dataset.split_seed, seed) if own else recipe.dataset.split_seed
        curve, weights = plain(recipe, seed, trained_on(recipe, seed, own(seed) if own else data, draw))
        assert len(record.curve) == len(curve)
        for row, expected in zip(record.curve, curve, strict=True):
            for name, value in expected.items():
                assert row[name] == (value if value is None else pytest.approx(value, rel=rel, abs=absolute)), name
        assert record.weight_norm == pytest.approx(float(weights.norm()), rel=rel, abs=1e-6)
        assert record.n_parameters == sum(p.numel() for p in build(recipe, seed, data).parameters())


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

"""The plainest loop there is: one module, autograd, torch's optimizers and schedulers; and an arm held against it."""

import hashlib
import math
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler, swa_utils

from study.engine.inputs.data import Split
from study.engine.inputs.prepare import random_state
from study.engine.networks.network import build
from study.engine.pack import Run, train

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

"""A task is one class: a third, made up here, is split, trained and evaluated without another line."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import metrics
from torch.nn import functional

from study.axes.dataset import Dataset, Diabetes
from study.axes.datasets.raw import Raw
from study.axes.recipe import Recipe
from study.engine.determinism import stream
from study.engine.inputs.data import load
from study.engine.inputs.prepare import prepare
from study.engine.networks.network import build
from study.engine.pack import Run, train
from study.errors import Refused
from study.plan.file.expand import prepare as prepare_study
from study.store.layout import Store
from study.tasks import TASKS, Classification, Regression, Task
from tests.run.conftest import make_recipe

OUTPUTS = torch.tensor([[[1.0, 3.0], [2.0, 0.0]], [[0.0, 0.0], [0.0, 5.0]]])  # [runs, rows, outputs]


class Poisson(Task):
    """Counts, by their log-likelihood up to a constant; the network gives the logarithm of the rate."""

    name = "poisson"
    unit = "nats"

    def scaled(self, target: np.ndarray, train: np.ndarray) -> np.ndarray:
        return target.astype("float32")

    def losses(self, outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        logarithm = outputs.flatten()
        return (logarithm.exp() - target * logarithm).view_as(outputs[..., 0])


class Counts(Dataset):
    known_task = "poisson"

    def load(self) -> Raw:
        draw = np.random.default_rng(0)
        features = draw.normal(size=(120, 3))
        return Raw(features, draw.poisson(np.exp(features[:, 0])).astype(float), "poisson")


def test_a_third_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, "poisson", Poisson())
    prepare(Counts(name="counts"), tmp_path / "counts.npz")
    data = load(tmp_path / "counts.npz")
    recipe: Recipe = make_recipe(batch_size=72, epochs=30, optimizer={"name": "sgd", "lr": 0.1})
    for record, seed in zip(train([Run(recipe, 0), Run(recipe, 1)], data), (0, 1), strict=True):
        module, order = build(recipe, seed, data), stream(seed, "order")
        optimizer = torch.optim.SGD(module.parameters(), 0.1)
        for _ in range(30):
            rows = torch.randperm(72, generator=order)
            optimizer.zero_grad()
            functional.poisson_nll_loss(module(data.train.x[rows])[:, 0], data.train.y[rows]).backward()  # type: ignore[union-attr]
            optimizer.step()
        with torch.no_grad():
            expected = functional.poisson_nll_loss(module(data.test.x)[:, 0], data.test.y)  # type: ignore[union-attr]
        assert record.curve[-1]["test_loss"] == pytest.approx(float(expected), rel=1e-4)
        assert record.row()["test_accuracy"] is None
        assert record.learned


def test_what_needs_classes_is_refused_of_a_third_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, "poisson", Poisson())
    monkeypatch.setattr(Diabetes, "known_task", "poisson")
    (tmp_path / "s.yaml").write_text(
        "study: s\nbaseline: {dataset: diabetes, network: linear, optimizer: {name: sgd, lr: 0.1}, batch_size: 32, "
        "epochs: 2}\nseeds: 2\ntarget: {metric: val_accuracy, value: 0.9}\n"
        "comparisons: {a: {vary: {dropout: [0]}, metrics: [test_accuracy, epochs_to_target]}, "
        "b: {vary: {label_smoothing: [0, 0.1]}, metrics: [test_loss]}}\n"
    )
    with pytest.raises(Refused) as refused:
        prepare_study(tmp_path / "s.yaml", Store(tmp_path))
    assert len(refused.value.lines) == 3
    assert all("'diabetes' is for poisson" in line for line in refused.value.lines)


def test_the_loss_of_classes_is_their_cross_entropy() -> None:
    target = torch.tensor([1, 1, 0, 1])
    found = Classification().losses(OUTPUTS, target)
    logarithms = torch.log_softmax(OUTPUTS, 2).view(4, 2)
    torch.testing.assert_close(found, -logarithms[torch.arange(4), target].view(2, 2))
    right = Classification().tally(OUTPUTS, target)[:, 0].sum(1)
    assert right.tolist() == [1, 2]  # of equal outputs the first counts


@pytest.mark.parametrize("classes", [2, 5])
def test_scores_are_those_of_scikit_learn(classes: int) -> None:
    """In parts, as a split is evaluated; a class that is not there, or that nothing is taken for, counts as there."""
    draw = torch.Generator().manual_seed(0)
    outputs, target = torch.randn(4, 23, classes, generator=draw), torch.randint(classes - 1, (4, 23), generator=draw)
    outputs[..., 0] -= 9 * (torch.arange(4) < 2).unsqueeze(1)  # of two runs nothing is taken for the first class
    parts = [Classification().tally(outputs[:, rows], target[:, rows].flatten()) for rows in (slice(9), slice(9, 23))]
    found = Classification().scores(parts[0] + parts[1])
    for run, (taken, there) in enumerate(zip(outputs.argmax(2).numpy(), target.numpy(), strict=True)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a class is taken which is not there
            expected = {
                "accuracy": metrics.accuracy_score(there, taken),
                "balanced_accuracy": metrics.balanced_accuracy_score(there, taken),
                "macro_f1": metrics.f1_score(there, taken, average="macro", zero_division=0),
            }
        assert {name: float(values[run]) for name, values in found.items()} == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("scale", [0, 1, 100, 1e30])
@pytest.mark.parametrize("rows", [1, 5, 16, 33])
@pytest.mark.parametrize("classes", [2, 3, 7, 10, 17])
def test_losses_and_gradients_of_classes_have_the_bits_that_torch_gives_them(
    classes: int, rows: int, scale: float
) -> None:
    draws = torch.Generator().manual_seed(0)
    drawn = scale * torch.randn(3, rows, classes, generator=draws)
    target = torch.randint(classes, (3 * rows,), generator=draws)
    ours, theirs = (drawn.clone().requires_grad_() for _ in range(2))
    found = Classification().losses(ours * 1, target)
    expected = functional.cross_entropy(theirs.flatten(0, 1), target, reduction="none").view(3, rows)
    found.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=0)


def test_the_loss_of_values_is_their_squared_error() -> None:
    found = Regression().losses(OUTPUTS[..., :1], torch.tensor([0.0, 1.0, 2.0, 3.0]))
    assert found.tolist() == [[1.0, 1.0], [4.0, 9.0]]


@pytest.mark.parametrize(("task", "outputs"), [(Classification(), 7), (Regression(), 1)])
def test_the_outputs_of_a_network(task: Task, outputs: int) -> None:
    assert task.outputs(7 * task.classes) == outputs


@pytest.mark.parametrize("name", TASKS)
def test_every_task_says_its_unit_and_is_documented(name: str) -> None:
    assert TASKS[name].unit
    assert TASKS[name].__doc__ != Task.__doc__


def test_tasks_are_light() -> None:
    code = "import sys, study.tasks; print(*{'torch', 'numpy', 'pandas'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"

"""What is of a person's own is tried on one batch before any job; what is wrong is one line, at its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.__main__ import main

MINE = """
import torch
from torch import nn

def net(inputs, outputs, width=8):
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, outputs))

def raises(inputs, outputs):
    raise RuntimeError("no such file")

def text(inputs, outputs):
    return "a network"

def nothing(inputs, outputs):
    return nn.ReLU()

def wrong(inputs, outputs):
    return nn.Linear(inputs, outputs + 1)

def infinite(inputs, outputs):
    network = nn.Linear(inputs, outputs)
    nn.init.constant_(network.weight, float("nan"))
    return network

class Idle(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.used, self.spare = nn.Linear(inputs, outputs), nn.Linear(2, 2)

    def forward(self, x):
        return self.used(x)

class Cut(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.used = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.used(x).detach()

class Breaks(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.used = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.used(x.view(1, 1))

def no_optimizer(parameters, lr):
    return list(parameters)

class Stepless(torch.optim.Optimizer):
    def __init__(self, parameters, lr):
        super().__init__(parameters, {"lr": lr})

class Closing(Stepless):
    def step(self, closure):
        return closure()

def breaks(progress):
    return 1 / progress

def negative(progress):
    return -1

def mixes():
    return nn.Softmax(-1)

def learns():
    return nn.PReLU()
"""
LINE = "comparisons.a.vary.network[0].factory: mine:{}: {}"
CASES = {
    "raises": "RuntimeError: no such file (mine.py, line 9)",
    "text": "ValueError: mine:text gave str; give a torch.nn.Module",
    "nothing": "ValueError: mine:nothing gave a network with nothing to train; give it parameters",
    "wrong": "ValueError: gives (20, 4) for 20 rows; give a tensor of shape (20, 3)",
    "infinite": "ValueError: its loss before training is nan; scale its outputs",
    "Idle": "ValueError: 'spare.weight' gets no gradient; use it, or say requires_grad_(False)",
    "Cut": "ValueError: its outputs depend on no parameter; take detach() and no_grad() out of its forward",
    "Breaks": "RuntimeError: shape '[1, 1]' is invalid for input of size 260 (mine.py, line 47)",
}
STEPS = {
    "Stepless": "TypeError: gives Stepless, which has no step()",
    "Closing": "TypeError: its step() needs a closure; say closure: true beside its name",
}
OTHERS = {
    "optimizer": ("no_optimizer", "TypeError: gives list; give a torch.optim.Optimizer"),
    "schedule": ("breaks", "ZeroDivisionError: float division by zero (mine.py, line 61)"),
    "activation": ("mixes", "ValueError: an element depends on others; make it part of a network of your own"),
}
Check = Callable[[dict[str, Any]], tuple[int, str, list[str]]]


def study(**axes: Any) -> dict[str, Any]:
    baseline = {"dataset": "wine", "network": "mlp", "optimizer": {"name": "sgd", "lr": 0.1}, "batch_size": 20}
    vary = {axis: [{"name": "custom"} | choice] for axis, choice in axes.items()}
    return {
        "study": "own",
        "baseline": baseline | {"epochs": 2},
        "comparisons": {"a": {"vary": vary, "metrics": ["test_accuracy"]}},
    }


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """``check s.yaml --dry``: exit code, output, and lines of standard error without the file's name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    monkeypatch.delitem(__import__("sys").modules, "mine", raising=False)
    Path("mine.py").write_text(MINE)

    def run(content: dict[str, Any]) -> tuple[int, str, list[str]]:
        Path("s.yaml").write_text(json.dumps(content))
        code = main(["check", "s.yaml", "--no-time", "--dry"])
        out, err = capsys.readouterr()
        return code, out, [line.removeprefix("s.yaml: ") for line in err.splitlines()]

    return run


@pytest.mark.parametrize("factory", CASES)
def test_a_network_that_cannot_be_trained(factory: str, check: Check) -> None:
    code, _, lines = check(study(network={"factory": f"mine:{factory}"}))
    assert (code, lines) == (2, [LINE.format(factory, CASES[factory])])


@pytest.mark.parametrize("axis", OTHERS)
def test_another_choice_that_cannot_be_used(axis: str, check: Check) -> None:
    factory, words = OTHERS[axis]
    more = {"lr": 0.1} if axis == "optimizer" else {}
    code, _, lines = check(study(**{axis: {"factory": f"mine:{factory}"} | more}))
    assert (code, lines) == (2, [f"comparisons.a.vary.{axis}[0].factory: mine:{factory}: {words}"])


@pytest.mark.parametrize("factory", STEPS)
def test_an_optimizer_that_cannot_step(factory: str, check: Check) -> None:
    code, _, lines = check(study(optimizer={"factory": f"mine:{factory}", "lr": 0.1}))
    assert (code, lines) == (2, [f"comparisons.a.vary.optimizer[0].factory: mine:{factory}: {STEPS[factory]}"])


@pytest.mark.parametrize(
    ("axis", "factory", "words"),
    [
        ("schedule", "negative", "ValueError: the factor at 0 is -1.0; give a number of at least 0"),
        ("activation", "learns", "ValueError: it has parameters; make it part of a network of your own"),
    ],
)
def test_what_no_arm_can_have(axis: str, factory: str, words: str, check: Check) -> None:
    code, _, lines = check(study(**{axis: {"factory": f"mine:{factory}"}}))
    assert (code, lines) == (2, [f"comparisons.a.vary.{axis}[0].factory: mine:{factory}: {words}"])


def test_what_works_says_how(check: Check) -> None:
    code, out, lines = check(study(network={"factory": "mine:net", "settings": {"width": 4}}))
    assert (code, lines) == (0, [])
    assert out.splitlines()[-1] == "tried on one batch: mine:net; its runs are stacked"


@pytest.mark.parametrize(
    ("factory", "line"),
    [
        ("mine:nett", "comparisons.a.vary.network[0].factory: 'nett' is not a name in mine; did you mean 'net'?"),
        (
            "yours:net",
            "comparisons.a.vary.network[0].factory: there is no module 'yours' in {} or installed; give 'module:name'",
        ),
        (
            "mine",
            "comparisons.a.vary.network[0].factory: 'mine' is refused; give module:name, such as mylab.nets:resnet",
        ),
    ],
)
def test_what_is_not_there_is_refused_without_importing_anything(factory: str, line: str, check: Check) -> None:
    Path("mine.py").write_text(MINE + "raise SystemExit\n")
    code, _, lines = check(study(network={"factory": factory}))
    assert (code, lines) == (2, [line.format(Path.cwd())])


def test_a_setting_that_the_factory_does_not_take(check: Check) -> None:
    code, _, lines = check(study(network={"factory": "mine:net", "settings": {"widht": 4}}))
    words = "comparisons.a.vary.network[0].settings.widht: 'widht' is not a setting of mine:net; did you mean 'width'?"
    assert (code, lines) == (2, [words])

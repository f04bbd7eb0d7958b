"""What is of a person's own is tried on one batch before any job; what is wrong is one line, at its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.__main__ import main
from tests.run.own_code import MINE

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
    "schedule": ("breaks", "ZeroDivisionError: float division by zero (mine.py, line {})"),
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
    words = words.format(MINE[: MINE.index("return 1 / progress")].count("\n") + 1)
    assert (code, lines) == (2, [f"comparisons.a.vary.{axis}[0].factory: mine:{factory}: {words}"])


@pytest.mark.parametrize("factory", STEPS)
def test_an_optimizer_that_cannot_step(factory: str, check: Check) -> None:
    code, _, lines = check(study(optimizer={"factory": f"mine:{factory}", "lr": 0.1}))
    assert (code, lines) == (2, [f"comparisons.a.vary.optimizer[0].factory: mine:{factory}: {STEPS[factory]}"])


@pytest.mark.parametrize(
    ("axis", "factory", "words"),
    [
        ("schedule", "negative", "ValueError: the factor at 0 is -1; give a number of at least 0"),
        ("activation", "learns", "ValueError: it has parameters; make it part of a network of your own"),
    ],
)
def test_what_no_arm_can_have(axis: str, factory: str, words: str, check: Check) -> None:
    code, _, lines = check(study(**{axis: {"factory": f"mine:{factory}"}}))
    assert (code, lines) == (2, [f"comparisons.a.vary.{axis}[0].factory: mine:{factory}: {words}"])


def test_what_works_says_how(check: Check) -> None:
    code, out, lines = check(study(network={"factory": "mine:net", "settings": {"width": 4}}))
    assert (code, lines) == (0, [])
    assert out.splitlines()[-1] == "tried on one batch: mine:net (a, net); its runs are stacked"


def test_what_is_alike_is_told_once_with_the_arms_that_it_is_seen_in(check: Check) -> None:
    content = study(network={"factory": "mine:net"})
    content["comparisons"]["a"]["vary"]["network.settings.width"] = [2, 3, 4, 5, 6]
    _, out, _ = check(content)
    arms = "; ".join(f"a, net width={width}, width={width}" for width in (2, 3, 4)) + "; 2 more"
    assert [line for line in out.splitlines() if "tried" in line] == [
        f"tried on one batch: mine:net ({arms}); its runs are stacked"
    ]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "list"}, "the layers in 'inside.held' are not trained; put them in nn.ModuleList"),
        ({"kind": "dict"}, "the layers in 'inside.held' are not trained; put them in nn.ModuleDict"),
        ({"kind": "tensor"}, None),  # which is a parameter by then
        (
            {"kind": "no attribute"},
            "a tensor of shape (13, 13) in its forward is no parameter of it, and is not trained; make it an attribute",
        ),
    ],
)
def test_layers_that_nobody_trains_are_refused(settings: dict[str, str], words: str | None, check: Check) -> None:
    """torch says nothing of them: the network trains, and they stay as they were drawn."""
    code, _, lines = check(study(network={"factory": "mine:Listed", "settings": settings}))
    if words:
        assert (code, lines) == (2, [LINE.format("Listed", f"ValueError: {words}")])
    else:
        assert code == 2
        assert "'bias'" not in lines[0]


def test_a_network_all_of_whose_layers_are_hidden(check: Check) -> None:
    code, _, lines = check(study(network={"factory": "mine:Unlisted"}))
    words = "ValueError: the layers in 'held' are not trained; put them in nn.ModuleList"
    assert (code, lines) == (2, [LINE.format("Unlisted", words)])


DEPENDS = (
    "evaluated, what it gives for a row depends on the other rows of the batch; outside training take nothing from the "
    "batch, as nn.BatchNorm1d does with running averages"
)


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("Normal", DEPENDS),
        ("Spread", DEPENDS),
        ("Noisy", "it draws random numbers when it is evaluated too; draw where self.training is true only"),
        ("Dropping", "its Dropout(0.3) is set to 0 by the axis dropout; write dropout: 0.3"),
        ("net", None),
    ],
)
def test_what_is_trained_and_hardly_meant_is_told(factory: str, words: str | None, check: Check) -> None:
    code, out, lines = check(study(network={"factory": f"mine:{factory}"}))
    assert (code, lines) == (0, [])
    said = [line for line in out.splitlines() if line.startswith("  warning: ")]
    assert said == ([f"  warning: {words}"] if words else [])


def test_a_network_that_fails_on_one_row_is_told(check: Check) -> None:
    code, out, _ = check(study(network={"factory": "mine:Several"}))
    words = "ValueError: there is one row"
    assert code == 0
    assert f"  warning: evaluated on one row it fails ({words}); let its forward take any number of rows" in out


def test_a_dropout_that_is_given_is_no_doubt(check: Check) -> None:
    content = study(network={"factory": "mine:Dropping"})
    content["comparisons"]["a"]["vary"]["dropout"] = [0.0, 0.5]
    code, out, _ = check(content)
    assert (code, out.count("warning: its Dropout")) == (0, 0)


@pytest.mark.parametrize("axis", ["vary", "tune"])
def test_a_rate_of_dropout_without_a_layer_is_refused_before_anything_is_trained(axis: str, check: Check) -> None:
    content = study(network={"factory": "mine:net"})
    rates = [0.0, 0.5]
    content["comparisons"]["a"][axis] = content["comparisons"]["a"].get(axis, {}) | {
        "dropout": rates if axis == "vary" else {"values": rates}
    }
    code, _, lines = check(content)
    words = "ValueError: mine:net has no nn.Dropout whose rate could be 0.5; use dropout 0, or add one"
    assert (code, lines) == (2, [LINE.format("net", words)])


@pytest.mark.parametrize("by", ["nothing", "norm", "mean", "rank"])
def test_an_optimizer_that_is_not_as_elementwise_as_it_says(by: str, check: Check) -> None:
    """Its runs would be stepped as one, and come to what no plain loop comes to."""
    code, _, lines = check(study(optimizer={"factory": "mine:Claims", "lr": 0.1, "settings": {"by": by}}))
    words = (
        "ValueError: it says elementwise = True, and steps a parameter otherwise beside others than alone; take that "
        "line out"
    )
    wanted = (0, []) if by == "nothing" else (2, [f"comparisons.a.vary.optimizer[0].factory: mine:Claims: {words}"])
    assert (code, lines) == wanted


@pytest.mark.parametrize(("last", "told"), [(-0.1, "-0.1"), (float("nan"), "nan"), (float("inf"), "inf"), (0, None)])
def test_a_schedule_is_tried_to_its_end(last: float, told: str | None, check: Check) -> None:
    code, _, lines = check(study(schedule={"factory": "mine:late", "settings": {"last": str(last)}}))
    place = "comparisons.a.vary.schedule[0].factory: mine:late"
    first = "0.916667"  # of 12 steps, the first past 0.9
    wanted = [f"{place}: ValueError: the factor at {first} is {told}; give a number of at least 0"] if told else []
    assert (code, lines) == (2 if told else 0, wanted)


def test_mistakes_of_all_axes_are_told_at_once(check: Check) -> None:
    content = study(network={"factory": "mine:wrong"}, optimizer={"factory": "mine:Stepless", "lr": 0.1})
    content["comparisons"]["a"]["vary"]["schedule"] = [{"name": "custom", "factory": "mine:late"}]
    code, _, lines = check(content)
    assert code == 2
    assert [line.split(": ")[1] for line in lines] == ["mine:late", "mine:wrong", "mine:Stepless"]


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


@pytest.mark.parametrize(
    ("factory", "words"), [("Stepless", "NotImplementedError"), ("Closing", "TypeError: Closing.step() missing")]
)
def test_the_time_of_code_that_raises_is_not_known_and_nothing_breaks(
    factory: str, words: str, check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where what is raised says nothing."""
    Path("s.yaml").write_text(json.dumps(study(optimizer={"factory": f"mine:{factory}", "lr": 0.1})))
    assert main(["check", "s.yaml"]) == 0
    assert f"Time: not known here: {words}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rate", "schedule", "words"),
    [
        (0.0, "constant", "the steps of its optimizer change no parameter"),
        (0.1, "constant", None),
        (
            0.1,
            "cosine",
            "its optimizer does not read the 'lr' of its param_groups, so that the schedule changes nothing",
        ),
    ],
)
def test_an_optimizer_that_changes_nothing_is_told(rate: float, schedule: str, words: str | None, check: Check) -> None:
    """Nor by its rate: arms that differ in schedule would be the same."""
    content = study(optimizer={"factory": "mine:Forgets", "lr": 0.1, "settings": {"rate": rate}})
    content["baseline"]["schedule"] = schedule
    code, out, lines = check(content)
    assert (code, lines) == (0, [])
    assert [line for line in out.splitlines() if "warning: " in line] == ([f"  warning: {words}"] if words else [])

"""Choices of a person's own in study files: labels, settings that vary and are tuned, and what moves which id."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.axes.code import find
from study.plan.file.expand import prepare
from study.plan.plan import Plan
from study.store.layout import Store

Planned = Callable[[Any], Plan]
MINE = """
class Net:
    def __init__(self, inputs, outputs, width=8, tail=(1,)): ...

def wide(inputs, outputs, width): ...

def step(parameters, lr, momentum=0.5): ...
"""


@pytest.fixture
def own(study: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The small study with a network and an optimizer of one's own."""
    (tmp_path / "mine.py").write_text(MINE)
    find.cache_clear()
    study["baseline"] |= {
        "network": {"name": "custom", "factory": "mine:Net", "settings": {"width": 4}},
        "optimizer": {"name": "custom", "factory": "mine:step", "lr": 0.1},
    }
    study["comparisons"]["a"]["vary"] = {"init": ["default", "zeros"]}
    return study


def labels(plan: Plan) -> list[str]:
    return [arm.label for arm in plan.comparisons[0].arms]


def test_settings_are_varied_and_skipped(own: dict[str, Any], plan: Planned) -> None:
    own["comparisons"]["a"] |= {
        "vary": {"network.settings.width": [4, 8], "optimizer.settings.momentum": [0, 0.9]},
        "skip": [{"network.settings.width": 8, "optimizer.settings.momentum": 0}],
    }
    planned = plan(own)
    assert labels(planned) == ["width=4, momentum=0", "width=4, momentum=0.9", "width=8, momentum=0.9"]
    widths = [planned.arms[arm.arm].outline.value("network.settings.width") for arm in planned.comparisons[0].arms]
    assert widths == [4, 4, 8]


def test_networks_are_called_as_they_are_in_their_module(own: dict[str, Any], plan: Planned) -> None:
    wide = {"name": "custom", "factory": "mine:wide"}
    own["comparisons"]["a"]["vary"] = {
        "network": ["mlp", "custom", *(wide | {"settings": {"width": width}} for width in (2, 3))]
    }
    assert labels(plan(own)) == ["mlp", "Net", "wide width=2", "wide width=3"]


def test_settings_are_tuned(own: dict[str, Any], plan: Planned) -> None:
    own["tune"] = {
        "by_seed": False,
        "optimizer.settings.momentum": {"linear": [0, 0.9], "points": 4},
        "optimizer.lr": {"log": [0.01, 1], "points": 3},
        "network.settings.width": {"log": [4, 16], "points": 3},
        "network.settings.tail": {"values": [[1], [2, 3]]},
    }
    [first, _] = plan(own).searches.values()
    points = list(first.grid())
    assert len(points) == 4 * 3 * 3 * 2
    assert {point["network.settings.width"] for point in points} == {4, 8, 16}
    assert all(type(point["network.settings.width"]) is int for point in points)  # as the arm has it
    assert first.at(points[-1]).network.keywords() == {"width": 16, "tail": [2, 3]}
    assert first.at(points[-1]).optimizer.keywords() == {"momentum": 0.9}


def test_an_edited_network_moves_its_arms_only(own: dict[str, Any], plan: Planned, tmp_path: Path) -> None:
    own["comparisons"]["a"]["vary"] = {"network": ["custom", "mlp"]}

    def ids(text: str) -> list[str]:
        (tmp_path / "mine.py").write_text(text)
        find.cache_clear()
        return [arm.arm for arm in plan(own).comparisons[0].arms]

    own["baseline"]["optimizer"] = {"name": "sgd", "lr": 0.1}
    before = ids(MINE)
    assert ids('"""Mine."""\n' + MINE.replace("width=8, ", "width = 8,\n        ") + "# the end\n") == before
    after = ids(MINE.replace("width=8", "width=9"))
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_the_folder_moves_no_id(own: dict[str, Any], plan: Planned, tmp_path: Path) -> None:
    before = sorted(plan(own).arms)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("mine.py", "s.yaml"):
        (tmp_path / name).rename(elsewhere / name)
    assert sorted(prepare(elsewhere / "s.yaml", Store(tmp_path / "results")).arms) == before


def test_code_that_is_not_what_was_asked_for_is_refused(own: dict[str, Any], check: Any) -> None:
    Path("mine.py").write_text(MINE)
    own["baseline"]["network"]["code"] = "0" * 12
    code, _, [line] = check(own)
    assert code == 2
    assert line.startswith("s.yaml: baseline.network.factory: its code is ")
    assert line.endswith(f", not {'0' * 12}; correct it, or restore the code")


def test_a_tuned_setting_that_the_factory_does_not_take(own: dict[str, Any], check: Any) -> None:
    Path("mine.py").write_text(MINE)
    own["tune"] = {"optimizer.settings.mumentum": {"values": [0, 0.5]}}
    words = "tune.optimizer.settings.mumentum: 'mumentum' is not a setting of mine:step; did you mean 'momentum'?"
    assert check(own) == (2, "", [f"s.yaml: {words}"])


def test_an_activation_changes_nothing_in_a_network_of_ones_own(own: dict[str, Any], check: Any) -> None:
    """Arms that train alike, called otherwise, would be compared."""
    Path("mine.py").write_text(MINE)
    own["comparisons"]["a"]["vary"] = {"network": ["custom", "mlp"], "activation": ["relu", "tanh"]}
    place = "comparisons.a.vary.activation"
    words = (
        f"'mine:Net' takes no activation, so that this is the same arm as {place}[0]; make it a setting of the "
        "factory (network.settings.activation), or leave the combination out by 'skip:'"
    )
    assert check(own) == (2, "", [f"s.yaml: {place}[1]: {words}"])
    own["comparisons"]["a"]["skip"] = [{"network": "custom", "activation": "tanh"}]
    assert check(own)[0] == 0

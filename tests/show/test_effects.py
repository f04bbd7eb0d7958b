"""Effects of a factorial as the report shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from study.plan.plan import Plan
from study.show.observations import observe
from study.show.page.report import render
from study.show.results import Results
from study.show.tables.effects_table import effects_of
from study.store.layout import Store
from tests.show.records import records, stored

CROSS = """
o:
  vary: {optimizer: [sgd, {name: adam, lr: 0.01}], batch_size: [16, 32, 64]}
  metrics: [test_accuracy, epochs_to_target]
"""


def outcome(label: str, seed: int) -> Mapping[str, object]:
    """adam gains 0.02 over sgd with every batch size, and batches of 64 lose 0.01."""
    level = 0.9 + 0.02 * ("adam" in label) - 0.01 * ("64" in label) + seed / 1000
    return {"level": level, "pace": 0.2}


def test_main_effects_are_those_of_the_runs(planned: Callable[..., Plan]) -> None:
    plan = planned(CROSS, seeds=6)
    found = records(plan, outcome)
    shown = effects_of(plan.comparisons[0], observe(plan, found))
    assert shown is not None
    means = found.runs.groupby(["optimizer", "batch_size"])["test_accuracy"].mean().unstack()
    expected = {
        "adam instead of sgd": (means.loc["adam"] - means.loc["sgd"]).mean(),
        "batch_size=32 instead of batch_size=16": (means[32] - means[16]).mean(),
        "batch_size=64 instead of batch_size=16": (means[64] - means[16]).mean(),
    }
    assert [line.what for line in shown.lines[1]] == list(expected)
    for line in shown.lines[1]:
        value = float(line.effect.value.removesuffix(" points").replace("−", "-"))
        assert value == pytest.approx(100 * expected[line.what], abs=0.06)
    assert shown.lines[1][0].p == "0.031"  # 2 of 2^6: alike in every seed
    together = "adam and batch_size=32 together", "adam and batch_size=64 together"
    assert tuple(line.what for line in shown.lines[2]) == together


def test_a_diverged_run_leaves_its_contrasts_out(planned: Callable[..., Plan]) -> None:
    plan = planned(CROSS, seeds=6)
    lost = {"status": "diverged", "reason": "loss not finite"}
    found = records(plan, lambda label, seed: lost if "64" in label and seed == 1 else outcome(label, seed))
    shown = effects_of(plan.comparisons[0], observe(plan, found))
    assert shown is not None
    estimates = {line.what: line.effect.value for line in shown.lines[1]}
    assert estimates["batch_size=64 instead of batch_size=16"] == "not estimable"
    assert estimates["batch_size=32 instead of batch_size=16"] != "not estimable"
    assert "Not estimable" in shown.notes


@pytest.mark.parametrize(
    "text",
    [
        "o: {vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}, metrics: [test_accuracy]}",
        CROSS + "  skip: [{optimizer: adam, batch_size: 64}]\n",
    ],
    ids=["one axis", "a combination left out"],
)
def test_only_full_factorials_have_effects(text: str, planned: Callable[..., Plan]) -> None:
    plan = planned(text, seeds=6)
    assert effects_of(plan.comparisons[0], observe(plan, records(plan))) is None


def test_the_report_shows_them(planned: Callable[..., Plan], tmp_path: Path) -> None:
    plan = planned(CROSS, seeds=6)
    stored(plan, records(plan, outcome), tmp_path)
    page = render(Results(plan, Store(tmp_path)))
    assert "What each does, averaged over the others" in page
    assert "adam instead of sgd" in page

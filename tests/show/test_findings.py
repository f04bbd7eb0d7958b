"""What the page says in words: only what was measured is ranked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from study.metrics import METRICS
from study.plan.plan import Plan
from study.show.page.report import finding
from study.show.tables.results_table import table
from tests.show.records import Outcome, records, summary_table

ARMS = "{optimizer: [sgd, {name: adam, lr: 0.01}]}"


def said(planned: Callable[..., Plan], metric: str, outcome: Outcome | None, timed: bool = True) -> str:
    plan = planned(f"o: {{vary: {ARMS}, metrics: [{metric}]}}")
    found = records(plan, outcome, timed=timed)
    return " ".join(finding(plan.comparisons[0], summary_table(plan, found).to_pandas(), found.tuning))


@pytest.mark.parametrize("metric", ["seconds_to_target", "step_seconds", "train_seconds", "memory_mib"])
def test_times_that_were_not_taken_are_not_ranked(planned: Callable[..., Plan], metric: str) -> None:
    text = said(planned, metric, None, timed=False)
    assert text == f"No arm has an estimate of {METRICS[metric].title} (not timed yet)."


@pytest.mark.parametrize(("apart", "overlap"), [(0.001, True), (0.2, False)])
def test_overlap_is_said(planned: Callable[..., Plan], apart: float, overlap: bool) -> None:
    level = lambda label, seed: {"level": 0.7 + 0.01 * seed + apart * (label == "sgd"), "pace": 1}  # noqa: E731
    text = said(planned, "test_accuracy", level)
    assert text.startswith("sgd has the highest test accuracy, ")
    assert ("; its interval overlaps that of adam" in text) is overlap


def test_overlap_is_that_of_the_intervals_as_they_are_printed(planned: Callable[..., Plan]) -> None:
    """Between ends that differ by less than a digit of the table."""
    plan = planned(f"o: {{vary: {ARMS}, metrics: [test_accuracy]}}")
    found = records(plan)
    for gap, overlap in ((-0.00001, True), (0.00001, True), (0.002, False)):  # printed in tenths of a percent
        summary = summary_table(plan, found).to_pandas().sort_values("label")  # adam, sgd
        summary = summary.assign(estimate=[0.9, 0.92 + gap], low=[0.89, 0.91 + gap], high=[0.91, 0.93 + gap])
        text = " ".join(finding(plan.comparisons[0], summary, found.tuning))
        shown = [str(cell) for cell in table(plan.comparisons[0], summary).columns["test accuracy (%)", "measured"]]
        assert (shown == ["92.0 [91.0 to 93.0]", "90.0 [89.0 to 91.0]"]) is overlap
        assert ("; its interval overlaps that of adam" in text) is overlap


FOUR = "{optimizer: [sgd, {name: adam, lr: 0.01}, {name: lion, lr: 0.01}, {name: nadam, lr: 0.01}]}"
PACES = {  # epochs until half of the level of 0.96; the target of 0.9 is reached after four times as many
    "at both ends": (
        (1, 1, 1.5, 1.5),
        "sgd and adam share the fewest epochs to target, 4.",
    ),
    "in the middle": (
        (1, 1.25, 1.25, 1.5),
        "sgd has the fewest epochs to target, 4.",
    ),
    "all": ((1, 1, 1, 1), "All arms have the same epochs to target, 4."),
}


@pytest.mark.parametrize("case", PACES)
def test_arms_that_tie_for_the_best_are_told_together(case: str, planned: Callable[..., Plan]) -> None:
    paces, words = PACES[case]
    plan = planned(f"o: {{vary: {FOUR}, metrics: [epochs_to_target]}}")
    by_label = dict(zip(("sgd", "adam", "lion", "nadam"), paces, strict=True))
    found = records(plan, lambda label, seed: {"level": 0.96, "pace": by_label[label]})
    (text,) = finding(plan.comparisons[0], summary_table(plan, found).to_pandas(), found.tuning)
    assert text.replace(" [4 to 4]", "") == words

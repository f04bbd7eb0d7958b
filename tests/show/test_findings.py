"""What the page says in words: only what was measured is ranked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from study.metrics import METRICS
from study.plan.plan import Plan
from study.show.page.findings import finding
from tests.show.records import Outcome, records, summary_table

ARMS = "{optimizer: [sgd, {name: adam, lr: 0.01}]}"
REPORTED = f"""
o:
  vary: {ARMS}
  metrics: [METRIC]
  reported:
    source: A paper
    sgd: {{METRIC: SGD}}
    adam: {{METRIC: ADAM}}
"""


def said(
    planned: Callable[..., Plan], metric: str, sgd: float, adam: float, outcome: Outcome | None, timed: bool = True
) -> str:
    text = REPORTED.replace("METRIC", metric).replace("SGD", str(sgd)).replace("ADAM", str(adam))
    plan = planned(text)
    found = records(plan, outcome, timed=timed)
    return " ".join(finding(plan.comparisons[0], summary_table(plan, found).to_pandas(), found))


def levels(sgd: Mapping[str, object], adam: Mapping[str, object]) -> Outcome:
    return lambda label, seed: {"sgd": sgd, "adam": adam}[label]


CASES = {
    # what became of sgd and adam, the metric, reported figures, what is said, what is not
    "apart, same order": (
        {"level": 0.95}, {"level": 0.90}, "test_accuracy", (95, 90),
        "The reported order is the measured one in test accuracy (sgd, then adam).",
    ),
    "apart, other order": (
        {"level": 0.95}, {"level": 0.90}, "test_accuracy", (90, 95),
        "differs from the measured one in test accuracy (measured: sgd, then adam; reported: adam, then sgd).",
    ),
    "all runs missing": (
        {"level": 0.95}, {"status": "missing"}, "test_accuracy", (95, 90),
        "Not comparable yet with what was reported: test accuracy (no runs of adam).",
    ),
    "all runs failed": (
        {"level": 0.95}, {"status": "failed"}, "epochs_to_target", (5, 9),
        "Not comparable yet with what was reported: epochs to target (no runs of adam).",
    ),
    "all runs diverged": (
        {"level": 0.95}, {"status": "diverged", "pace": 50}, "test_accuracy", (95, 90),
        "The reported order is the measured one in test accuracy (sgd, then adam).",
    ),
    "none reached": (
        {"level": 0.95, "pace": 1}, {"level": 0.5}, "epochs_to_target", (9, 5),
        "(measured: sgd, then adam; reported: adam, then sgd).",
    ),
    "equal": (
        {"level": 0.95, "pace": 1}, {"level": 0.95, "pace": 1}, "epochs_to_target", (9, 5),
        "(measured: adam = sgd; reported: adam, then sgd).",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_reported_order_is_compared_with_what_was_measured(planned: Callable[..., Plan], case: str) -> None:
    sgd, adam, metric, reported, wanted = CASES[case]
    assert wanted in said(planned, metric, *reported, levels(sgd, adam))


@pytest.mark.parametrize("metric", ["seconds_to_target", "step_seconds", "train_seconds", "memory_mib"])
def test_times_that_were_not_taken_are_not_ranked(planned: Callable[..., Plan], metric: str) -> None:
    text = said(planned, metric, 3, 5, None, timed=False)
    assert "(no timing of sgd or adam)" in text
    assert f"No arm has an estimate of {METRICS[metric].title} (not timed yet)." in text
    assert "order" not in text


@pytest.mark.parametrize(
    ("reported", "wanted"),
    [((95, 90), "is the measured one in test accuracy (sgd ≈ adam)"), ((90, 95), "(measured: sgd ≈ adam; reported:")],
)
def test_overlap_is_said_whether_or_not_the_orders_agree(
    planned: Callable[..., Plan], reported: tuple[float, float], wanted: str
) -> None:
    outcome = lambda label, seed: {"level": 0.9 + 0.01 * seed + 0.001 * (label == "sgd"), "pace": 1}  # noqa: E731
    text = said(planned, "test_accuracy", *reported, outcome)
    assert wanted in text
    assert "≈: the intervals overlap" in text


def test_without_reported_figures_nothing_is_compared(planned: Callable[..., Plan]) -> None:
    plan = planned(f"o: {{vary: {ARMS}, metrics: [test_accuracy]}}")
    found = records(plan)
    text = " ".join(finding(plan.comparisons[0], summary_table(plan, found).to_pandas(), found))
    assert "reported" not in text


def test_figures_in_words_are_not_compared(planned: Callable[..., Plan]) -> None:
    plan = planned(
        f"o: {{vary: {ARMS}, metrics: [test_accuracy], "
        "reported: {source: A paper, sgd: {test_accuracy: high}, adam: {test_accuracy: 95 %}}}"
    )
    found = records(plan)
    assert "order" not in " ".join(finding(plan.comparisons[0], summary_table(plan, found).to_pandas(), found))


def test_metrics_of_which_the_same_is_to_be_said_are_named_together(planned: Callable[..., Plan]) -> None:
    figures = "{test_accuracy: 95, val_accuracy: 95}", "{test_accuracy: 90, val_accuracy: 90}"
    plan = planned(
        f"o: {{vary: {ARMS}, metrics: [test_accuracy, val_accuracy], "
        f"reported: {{source: A paper, sgd: {figures[0]}, adam: {figures[1]}}}}}"
    )
    found = records(plan, levels({"level": 0.95}, {"level": 0.90}))
    text = " ".join(finding(plan.comparisons[0], summary_table(plan, found).to_pandas(), found))
    assert "is the measured one in test accuracy and validation accuracy (sgd, then adam)." in text


FOUR = "{optimizer: [sgd, {name: adam, lr: 0.01}, {name: lion, lr: 0.01}, {name: nadam, lr: 0.01}]}"
PACES = {  # epochs until half of the level of 0.96; the target of 0.9 is reached after four times as many
    "at both ends": (
        (1, 1, 1.5, 1.5),
        "sgd and adam share the lowest median of epochs to target, 4; lion and nadam share 6 (a factor of",
    ),
    "in the middle": (
        (1, 1.25, 1.25, 1.5),
        "sgd has the lowest median of epochs to target, 4; adam and lion share 5 and nadam 6 (a factor of",
    ),
    "all": ((1, 1, 1, 1), "All arms have the same epochs to target, 4."),
}


@pytest.mark.parametrize("case", PACES)
def test_arms_that_tie_are_told_together(case: str, planned: Callable[..., Plan]) -> None:
    paces, words = PACES[case]
    plan = planned(f"o: {{vary: {FOUR}, metrics: [epochs_to_target]}}")
    by_label = dict(zip(("sgd", "adam", "lion", "nadam"), paces, strict=True))
    found = records(plan, lambda label, seed: {"level": 0.96, "pace": by_label[label]})
    (text,) = finding(plan.comparisons[0], summary_table(plan, found).to_pandas(), found)
    assert text.replace(" [4 to 4]", "").replace(" [5 to 5]", "").replace(" [6 to 6]", "").startswith(words)


def test_of_many_arms_the_ends_are_told(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {dropout: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]}, metrics: [epochs_to_target]}")
    paces = dict(zip((arm.label for arm in plan.comparisons[0].arms), (1, 1.25, 1.25, *[1.5] * 5), strict=True))
    found = records(plan, lambda label, seed: {"level": 0.96, "pace": paces[label]})
    (text,) = finding(plan.comparisons[0], summary_table(plan, found).to_pandas(), found)
    ends = "dropout=0.3, dropout=0.4, dropout=0.5, dropout=0.6 and dropout=0.7 share 6"
    assert text.startswith("Of 8 arms dropout=0 has the lowest median of epochs to target, 4")
    assert ends in text
    assert text.endswith(" at the other end.")

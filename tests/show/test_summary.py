"""Estimates and intervals against hand calculations and other libraries."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from study.plan.plan import Plan
from study.show.figures import results_figure, tuning_figure
from study.show.observations import observe
from study.show.page import protocol
from study.stats.estimates import estimate_of, kaplan_meier_median, median_interval, median_of
from tests.show.records import figure_data, records, summary_table
from tests.show.test_figures import texts

INF = float("inf")


@pytest.mark.parametrize(
    ("times", "median"),
    [
        ([3.0, 1.0, 2.0], 2.0),
        ([1.0, 2.0, 3.0, 4.0], 2.0),  # S(2) = 0.5 is enough
        ([1.0, 2.0, INF, INF], 2.0),
        ([1.0, INF, INF], None),
        ([INF, INF], None),
        ([5.0], 5.0),
        ([4.0, 4.0, 4.0, INF], 4.0),
    ],
)
def test_the_median_time_is_where_half_of_the_runs_have_reached(times: list[float], median: float | None) -> None:
    assert kaplan_meier_median(np.array(times)) == median


def test_a_mean_has_the_t_interval_of_the_textbook() -> None:
    values = np.array([0.90, 0.93, 0.91, 0.95, 0.92])
    half = stats.t.ppf(0.975, 4) * values.std(ddof=1) / np.sqrt(5)
    estimate, low, high, _ = estimate_of("test_accuracy", values)
    assert estimate == pytest.approx(0.922)
    assert (low, high) == (pytest.approx(0.922 - half), pytest.approx(0.922 + half))
    assert median_of("test_accuracy", values) == pytest.approx(0.92)


@pytest.mark.parametrize("n", [6, 9, 16])
def test_the_interval_of_a_median_covers_at_least_95_percent(n: int) -> None:
    """Its ends are order statistics; the binomial distribution says how often the true median lies between."""
    low, high = median_interval(np.arange(1.0, n + 1))
    assert low is not None
    assert high is not None
    below, above = int(low), int(high)  # values are their own ranks
    coverage = sum(stats.binom.pmf(k, n, 0.5) for k in range(below, above))
    assert coverage >= 0.95
    narrower = sum(stats.binom.pmf(k, n, 0.5) for k in range(below + 1, above - 1))
    assert narrower < 0.95


def test_under_six_runs_no_interval_of_a_median_has_95_percent() -> None:
    assert estimate_of("epochs_to_target", np.array([1.0, 2, 3, 4, INF]))[:3] == (3.0, None, None)


def test_unreached_runs_stretch_the_interval_past_the_budget() -> None:
    estimate, low, high, *_ = estimate_of("epochs_to_target", np.array([2.0, 3, 3, 4, 5, 6, INF, INF]))
    assert (estimate, low, high) == (4.0, 2.0, INF)


def test_no_interval_where_one_value_is_all_there_is() -> None:
    assert estimate_of("test_accuracy", np.array([0.9]))[:3] == (0.9, None, None)
    assert estimate_of("test_accuracy", np.array([np.nan])) == (None, None, None, None)
    assert median_of("test_accuracy", np.array([np.nan])) is None


def outcome(label: str, seed: int) -> dict[str, object]:
    ends = {0: "diverged", 1: "failed", 2: "missing"}
    return (
        {"status": ends.get(seed, "finished"), "level": 0.96, "pace": 2, "learned": seed != 3}
        if label == "adam"
        else {}
    )


def test_runs_that_did_not_finish_are_counted_and_never_filled_in(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}, metrics: [test_accuracy, epochs_to_target]}")
    found = records(plan, outcome)
    rows = {(row["label"], row["metric"]): row for row in summary_table(plan, found).to_pylist()}
    adam = rows["adam", "test_accuracy"]
    counts = {name: adam[f"n_{name}"] for name in ("finished", "diverged", "failed", "missing", "learned")}
    assert counts == {"finished": 5, "diverged": 1, "failed": 1, "missing": 1, "learned": 4}
    runs = found.runs[(found.runs["optimizer"] == "adam") & (found.runs["status"] == "finished")]
    assert adam["estimate"] == runs["test_accuracy"].median()  # of six: the third best
    assert rows["adam", "epochs_to_target"]["n_reached"] == 5  # the diverged run had not reached it


def test_the_median_of_reached_and_unreached_runs_counts_the_diverged_as_unreached(
    planned: Callable[..., Plan],
) -> None:
    plan = planned("o: {vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}, metrics: [epochs_to_target]}")
    found = records(
        plan, lambda label, seed: {"level": 0.96, "pace": 2, "status": "diverged" if seed < 5 else "finished"}
    )
    for row in summary_table(plan, found).to_pylist():
        assert (row["n_reached"], row["estimate"]) == (3, None)


def test_without_timing_there_is_no_time_to_target_not_even_an_unreached_one(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}, metrics: [seconds_to_target, speedup]}")
    for row in summary_table(plan, records(plan, timed=False)).to_pylist():
        assert (row["estimate"], row["low"], row["n_reached"]) == (None, None, None)


def test_a_speedup_is_the_ratio_of_step_times(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}, metrics: [speedup]}")
    found = records(plan)
    step = found.timing.groupby("arm")["step_seconds"].agg(stats.gmean)
    for row, other in combinations(summary_table(plan, found).to_pylist(), 2):
        assert row["estimate"] == 1.0
        assert other["estimate"] == pytest.approx(step[row["arm"]] / step[other["arm"]])


def test_losses_of_a_regression_are_not_in_nats(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {dropout: [0, 0.3]}, metrics: [test_loss]}", dataset="diabetes")
    found = records(plan, lambda label, seed: {"level": 0.5}, regression=True)
    assert {row["unit"] for row in summary_table(plan, found).to_pylist()} == {"squared error"}


@pytest.mark.parametrize("ends", ["missing", "diverged"])
@pytest.mark.parametrize(
    ("dataset", "unit"),
    [
        ("diabetes", "squared error"),
        ("digits", "nats"),
        ("{name: table, path: t0.csv, target: x, task: regression}", "squared error"),
        ("{name: table, path: t0.csv, target: y}", "nats"),
    ],
)
def test_table_page_and_figures_agree_on_the_unit_of_losses_before_a_run_finished(
    planned: Callable[..., Plan], tables: Callable[[int], str], dataset: str, unit: str, ends: str
) -> None:
    tables(1)
    tune = "tune: {optimizer.lr: {log: [0.001, 10], points: 3}, select: val_loss}"
    target = "target: {metric: val_loss, value: 0.5}"
    text = f"o: {{vary: {{dropout: [0, 0.3]}}, metrics: [test_loss], {tune}, {target}}}"
    plan = planned(text, dataset=dataset, seeds=2)
    found = records(plan, lambda label, seed: {"status": ends}, regression=unit == "squared error")
    assert {row["unit"] for row in summary_table(plan, found).to_pylist()} == {unit}
    assert {row[1] for row in protocol.metrics(plan, observe(plan, found))} == {unit}
    evidence = figure_data(plan, found)
    for figure in (results_figure.draw(evidence), tuning_figure.draw(tuning_figure.panels(evidence, plan))):
        shown = texts(figure).replace("\n", " ")
        assert f"validation loss ({unit})" in shown
        assert set(re.findall(r"loss \((.*?)\)", shown)) == {unit}

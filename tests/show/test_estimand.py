"""A metric is one quantity wherever it stands: claim, table, figure and headline, against hand calculations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study.metrics import METRICS
from study.plan.plan import Plan
from study.show.figures import results_figure
from study.show.formatting import effect
from study.show.observations import observe
from study.show.page.finding import finding
from study.show.tables.results_table import table
from study.stats.estimates import Estimate, estimate_of
from study.store.layout import Store
from tests.show.records import figure_data, judged, records, summary_table

INF, NAN = float("inf"), float("nan")
METRICS_SHOWN = ("test_accuracy", "train_loss", "epochs_to_target", "seconds_to_target", "train_seconds")
STUDY = f"""
o:
  vary: {{optimizer: [sgd, {{name: adam, lr: 0.01}}]}}
  metrics: [{", ".join(METRICS_SHOWN)}]
  claims:
{"".join(f"    - {{metric: {metric}, better: adam, than: sgd}}{chr(10)}" for metric in METRICS_SHOWN)}
"""


def plain(label: str, seed: int) -> Mapping[str, object]:
    return {"level": {"adam": 0.97, "sgd": 0.94}[label] + (seed * 7 % 5) / 1000, "pace": 0.8 + seed / 10}


def broken(label: str, seed: int) -> Mapping[str, object]:
    """Two runs of adam diverge before the target, one of sgd does not reach it; adam's others are slow."""
    if label == "adam" and seed < 2:
        return {"status": "diverged", "level": 0.5}
    return dict(plain(label, seed)) | ({"level": 0.7} if label == "sgd" and seed == 3 else {})


Drawn = tuple[Plan, pd.DataFrame, pd.DataFrame, dict[str, pd.DataFrame]]


@pytest.fixture
def drawn(planned: Callable[..., Plan], tmp_path: Path) -> Callable[..., Drawn]:
    """The plan, the claims, the summary, and what the figure has of every metric: a row per seed, a column per arm."""

    def made(change: Callable[[str, int], Mapping[str, object]], seeds: int = 10) -> Drawn:
        plan = planned(STUDY, seeds=seeds)
        found = records(plan, change)
        evidence = figure_data(plan, found)
        shown = {m: evidence.of(m).pivot(index="seed", columns="label", values="value") for m in METRICS_SHOWN}
        claims = judged(plan, Store(tmp_path), found).set_index("metric")
        return plan, claims, summary_table(plan, found).to_pandas(), shown

    return made


def test_claim_table_and_figure_have_the_same_difference(drawn: Callable[..., Drawn]) -> None:
    plan, claims, summary, shown = drawn(plain)
    columns = {column.name: column.cells for column in table(plan.comparisons[0], summary).columns}
    for metric, dots in shown.items():
        about = METRICS[metric]
        if metric == "test_accuracy":
            by_hand = ((dots["adam"] - dots["sgd"]) / 100).mean()  # shown in percent
        else:
            ratio = dots["sgd"] / dots["adam"]
            by_hand = stats.gmean(ratio)
        row = summary[(summary["metric"] == metric) & (summary["label"] == "adam")].iloc[0]
        claim = claims.loc[metric]
        assert claim["estimate"] == row["against"] == pytest.approx(by_hand)
        ends = claim[["low", "high"]].astype(float).tolist()
        assert row[["against_low", "against_high"]].astype(float).tolist() == pytest.approx(ends, nan_ok=True)
        assert np.isnan(ends).all() if metric == "train_seconds" else ends[0] < by_hand < ends[1]  # rounds are alike
        assert claim["estimator"] == row["against_estimator"] == row["estimator"] == about.mean
        sgd, adam = columns[f"{metric}_against"]
        assert (sgd.value, adam) == ("–", effect(metric, Estimate(by_hand, *ends)))
        of_arms = dict(summary[summary["metric"] == metric].set_index("label")["estimate"])
        apart = of_arms["sgd"] / of_arms["adam"] if about.ratio else of_arms["adam"] - of_arms["sgd"]
        assert apart == pytest.approx(by_hand)


def test_with_censored_runs_it_is_the_median_of_paired_ratios(drawn: Callable[..., Drawn]) -> None:
    plan, claims, summary, shown = drawn(broken)
    for metric in ("test_accuracy", "train_loss", "epochs_to_target", "seconds_to_target"):
        about, dots = METRICS[metric], shown[metric]
        worst = -about.orientation * INF
        sgd, adam = (dots[label].fillna(worst).to_numpy() for label in ("sgd", "adam"))
        by_hand = np.exp(np.median(np.log(sgd) - np.log(adam))) if about.ratio else np.median(adam - sgd) / 100
        row = summary[(summary["metric"] == metric) & (summary["label"] == "adam")].iloc[0]
        assert claims.loc[metric, "estimate"] == row["against"] == pytest.approx(by_hand)
        assert claims.loc[metric, "estimator"] == row["against_estimator"] == row["estimator"] == "median"
        # Half of the ten runs do as well as the fifth best.
        fifth = np.sort(-about.orientation * adam)[4] * -about.orientation
        assert row["estimate"] == pytest.approx(fifth / (100 if about.percent else 1))
    accuracy, *_ = table(plan.comparisons[0], summary).columns
    cell = accuracy.cells[1]
    assert cell.remark == "median"
    assert cell.around.startswith("diverged to ")


def test_the_figure_draws_the_table_s_estimates_and_says_which_mean(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}, metrics: [train_loss, weight_norm]}")
    found = records(plan, broken)
    evidence, summary = figure_data(plan, found), summary_table(plan, found).to_pandas()
    for metric in ("train_loss", "weight_norm"):
        rows = summary[summary["metric"] == metric].set_index("label")[["estimate", "low", "high"]]
        pd.testing.assert_frame_equal(evidence.estimates(metric), rows, check_names=False)
    words = results_figure.caption(evidence)
    assert "geometric mean of training loss (median of arms with runs that diverged, or are 0)" in words
    results_figure.draw(evidence)


def test_the_headline_goes_by_the_table_s_estimate_and_names_a_median(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}, metrics: [test_accuracy]}")
    for change, words in ((plain, "highest test accuracy, "), (broken, "highest median of test accuracy, ")):
        found = records(plan, change)
        said = finding(plan.comparisons[0], summary_table(plan, found).to_pandas(), observe(plan, found), found.chosen)
        assert said[0].startswith(f"adam has the {words}")


@pytest.mark.parametrize(
    ("metric", "values", "wanted"),
    [
        ("train_loss", [1.0, 4.0], (2.0, "geometric mean")),
        ("train_loss", [0.0, 1.0, 4.0], (1.0, "median")),  # a 0 has no logarithm
        ("train_loss", [1.0, 4.0, INF], (4.0, "median")),
        ("train_loss", [1.0, INF, INF], (None, "median")),
        ("train_loss", [3.0], (3.0, "geometric mean")),
        ("train_loss", [3.0, NAN], (3.0, "geometric mean")),
        ("train_loss", [NAN, NAN], (None, None)),
        ("test_accuracy", [0.5, 0.9], (0.7, "mean")),
        ("test_accuracy", [0.0, 0.9], (0.45, "mean")),
        ("test_accuracy", [0.5, 0.9, -INF], (0.5, "median")),
        ("epochs_to_target", [2.0, 8.0], (4.0, "geometric mean")),
        ("epochs_to_target", [2.0, 8.0, INF], (8.0, "median")),
    ],
)
def test_an_estimate_is_the_mean_where_every_run_has_a_number(
    metric: str, values: list[float], wanted: tuple[float | None, str | None]
) -> None:
    found = estimate_of(metric, np.array(values))
    assert (found.estimate, found.estimator) == (wanted[0] and pytest.approx(wanted[0]), wanted[1])


def test_the_interval_of_an_accuracy_ends_at_0_and_100_percent() -> None:
    assert estimate_of("test_accuracy", np.array([0.99, 1.0, 0.90]))[2] == 1.0
    assert estimate_of("test_accuracy", np.array([0.0, 0.02, 0.1]))[1] == 0.0
    assert estimate_of("generalization_gap", np.array([-0.01, 0.0, 0.02])).low < 0

"""Claims about a factorial, from the study file to the words, against a plain loop over the records."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study.plan.plan import Plan
from study.show.claims.advice import suggest
from study.show.claims.table import lines, notes
from study.stats.symmetry import flip_interval
from study.store.layout import Store
from tests.show.records import figure_data, judged, records
from tests.show.test_wider_search import NARROW, Suggested
from tests.show.tunings import bump

STUDY = """
f:
  vary: {optimizer: [sgd, {name: adam, lr: 0.01}], dropout: [0, 0.1, 0.3], batch_size: [16, 32]}
  metrics: [test_accuracy]
  claims:
    - {metric: test_accuracy, better: {optimizer: adam}, than: {optimizer: sgd}}
    - {metric: train_loss, better: {optimizer: adam, dropout: 0.1}, than: {optimizer: SGD, dropout: 0}}
    - {metric: test_accuracy, better: {dropout: 0.1}, than: {dropout: 0.3}, kind: equal, margin: 0.01}
    - {metric: epochs_to_target, better: {optimizer: adam}, than: {optimizer: sgd}}
    - {metric: test_accuracy, effect: optimizer, exceeds: dropout}
    - {metric: train_loss, effect: optimizer, exceeds: dropout, margin: 0.02}
    - {metric: train_seconds, better: {batch_size: 32}, than: {batch_size: 16}}
"""
TUNED = f"""
f:
  tune: {NARROW}
  vary: {{activation: [relu, tanh], dropout: [0, 0.1]}}
  metrics: [test_accuracy]
  claims: [{{metric: test_accuracy, better: {{activation: relu}}, than: {{activation: tanh}}}}]
"""
SEEDS = 10
Judged = tuple[Plan, pd.DataFrame, Callable[[str], pd.DataFrame]]


def outcome(label: str, seed: int) -> Mapping[str, object]:
    luck = zlib.crc32(f"{label} {seed}".encode()) % 7 / 1000
    return {"level": 0.91 + 0.03 * ("adam" in label) + 0.01 * ("0.1" in label) + luck, "pace": 0.8 + seed / 20}


@pytest.fixture
def made(planned: Callable[..., Plan], tmp_path: Path) -> Callable[..., Judged]:
    def made(change: Callable[[str, int], Mapping[str, object]] = outcome) -> Judged:
        plan = planned(STUDY, seeds=SEEDS)
        found = records(plan, change)
        evidence = figure_data(plan, found)

        def cells(metric: str) -> pd.DataFrame:  # a row per seed, a column per arm
            shown = evidence.of(metric)
            return shown.pivot(index="seed", columns="label", values="value") / (100 if "accuracy" in metric else 1)

        return plan, judged(plan, Store(tmp_path), found), cells

    return made


def having(cells: pd.DataFrame, *words: str) -> pd.DataFrame:
    return cells[[label for label in cells if all(word in label.split(", ") for word in words)]]


def sign_flip(d: np.ndarray[Any, Any]) -> float:
    found = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)
    return float(found.pvalue)


def test_levels_are_compared_by_their_mean_within_each_seed(made: Callable[..., Judged]) -> None:
    _, claims, cells = made()
    accuracy = cells("test_accuracy")
    d = (having(accuracy, "adam").mean(axis=1) - having(accuracy, "sgd").mean(axis=1)).to_numpy()
    row = claims.iloc[0]
    assert (row["better"], row["than"], row["kind"]) == ("optimizer=adam", "optimizer=sgd", "better")
    assert row["estimate"] == pytest.approx(d.mean())
    assert row["p"] == pytest.approx(sign_flip(d))
    assert row["verdict"] == "supported"
    equal = having(accuracy, "dropout=0.1").mean(axis=1) - having(accuracy, "dropout=0.3").mean(axis=1)
    assert claims.iloc[2]["estimate"] == pytest.approx(equal.mean())
    assert claims.iloc[2]["kind"] == "equal"


def test_means_of_what_has_factors_are_geometric(made: Callable[..., Judged]) -> None:
    _, claims, cells = made()
    loss = cells("train_loss")
    better, than = (having(loss, *words) for words in (("adam", "dropout=0.1"), ("sgd", "dropout=0")))
    ratios = [stats.gmean(than.loc[seed]) / stats.gmean(better.loc[seed]) for seed in range(SEEDS)]
    assert claims.iloc[1]["estimate"] == pytest.approx(stats.gmean(ratios))
    assert claims.iloc[1]["estimator"] == "geometric mean"


class Spread:
    """Of one axis the effects of each seed along the mean ones, the size of these, and how much of it may be noise."""

    def __init__(self, x: pd.DataFrame, *levels: str) -> None:
        rows = [[having(x, level).loc[seed].mean() - x.loc[seed].mean() for level in levels] for seed in range(SEEDS)]
        mean = np.mean(rows, axis=0)
        self.size = float(np.sqrt(np.mean(mean**2)))
        self.along = np.array([np.mean([a * b for a, b in zip(row, mean, strict=True)]) / self.size for row in rows])
        noise = np.mean([np.var(column, ddof=1) / SEEDS for column in zip(*rows, strict=True)])
        self.noise = float(noise / self.size)
        self.true = float(np.sqrt(self.size**2 - noise))


def test_effects_are_compared_by_their_spread_less_what_noise_adds(made: Callable[..., Judged]) -> None:
    _, claims, cells = made()
    for place, x in ((4, cells("test_accuracy")), (5, np.log(cells("train_loss")))):
        one, other = Spread(x, "sgd", "adam"), Spread(x, "dropout=0", "dropout=0.1", "dropout=0.3")
        row, scale, m = claims.iloc[place], *((np.exp, np.log(1.02)) if place == 5 else (float, 0.0))
        assert (row["kind"], row["better"], row["than"]) == ("effect", "optimizer", "dropout")
        assert row["estimate"] == pytest.approx(scale(one.true - other.true))
        d = one.along - other.along  # of which the first may be too large by noise, or the second
        assert row["p"] == pytest.approx(sign_flip(d - one.noise - m))
        low, high = (flip_interval(d + more, 0.95)[end] for end, more in enumerate((-one.noise, other.noise)))
        assert (row["low"], row["high"]) == pytest.approx((scale(low), scale(high)))
        assert row["verdict"] == "supported"


def test_a_mean_with_a_run_that_has_no_number_is_not_estimable(made: Callable[..., Judged], tmp_path: Path) -> None:
    def two_lost(label: str, seed: int) -> Mapping[str, object]:
        lost = label == "sgd, dropout=0.3, batch_size=16" and seed in (2, 5)
        return dict(outcome(label, seed)) | ({"status": "diverged"} if lost else {})

    plan, claims, _ = made(two_lost)
    reasons = claims["reason"]
    assert reasons[0] == "not estimable: a run of optimizer=sgd diverged in 2 of 10 seeds"
    assert reasons[4] == "not estimable: a run diverged in 2 of 10 seeds"
    assert reasons[3] == "not estimable: a run of optimizer=sgd did not reach the target in 2 of 10 seeds"
    assert claims["verdict"].tolist()[:2] == ["undecided", "supported"]  # the second has no such run
    told = list(suggest(plan, Store(tmp_path), claims))
    assert f"    no number of seeds would decide it: {reasons[0]}" in told
    assert lines(claims)[0].adjusted == "–"


def test_a_missing_run_is_run_again(made: Callable[..., Judged]) -> None:
    def without(label: str, seed: int) -> Mapping[str, object]:
        gone = label == "sgd, dropout=0.3, batch_size=16" and seed == 2
        return dict(outcome(label, seed)) | ({"status": "missing"} if gone else {})

    _, claims, _ = made(without)
    assert claims["reason"][0] == "optimizer=sgd: 1 not run of 10; run it again"
    assert claims["verdict"][1] == "supported"


def test_words(made: Callable[..., Judged]) -> None:
    plan, claims, _ = made()
    told = lines(claims)
    by = "by any amount"
    assert told[1].claim == f"optimizer=adam, dropout=0.1: lower training loss than optimizer=sgd, dropout=0, {by}"
    assert told[4].claim == "optimizer: larger effect on test accuracy than dropout, by any amount"
    assert told[4].reason.startswith("larger by ")
    assert told[5].claim == "optimizer: larger effect on training loss than dropout, by more than a factor of 1.02"
    both = " ".join(notes(plan, claims))
    assert "Of levels" in both
    assert "Of effects" in both


def test_every_arm_of_a_level_on_its_edge_is_tuned_further(planned: Callable[..., Plan], tmp_path: Path) -> None:
    plan = planned(TUNED, seeds=SEEDS)
    ahead = lambda label, seed: {"level": 0.9 + 0.05 * label.startswith("relu") + seed / 1000, "pace": 0.5}  # noqa: E731
    made = Suggested(plan, tmp_path, bump(1.0), "relu", ahead)
    claims = pd.read_parquet(made.store.study("small") / "claims.parquet")
    assert claims["undertuned"][0].tolist() == ["activation=tanh"]
    assert "but activation=tanh is undertuned" in claims["reason"][0]
    text = "\n".join(suggest(plan, made.store, claims))
    for label in ("tanh, dropout=0", "tanh, dropout=0.1"):
        assert f"{label} is undertuned, next to try: optimizer.lr" in text
    assert "relu, dropout=0 is undertuned" not in text
    assert "edit: comparisons.f.tune: {optimizer.lr: {log: [0.001, 0.1], points: 5}}" in text


def test_an_axis_without_effect_is_no_larger_for_more_levels(planned: Callable[..., Plan], tmp_path: Path) -> None:
    """Of 2 and 5 levels, neither with an effect: as they are the spreads would differ in every seed."""
    rates = ", ".join(map(str, (0, 0.05, 0.1, 0.2, 0.3)))
    text = f"""
    f:
      vary: {{batch_size: [16, 32], dropout: [{rates}]}}
      metrics: [test_accuracy]
      claims: [{{metric: test_accuracy, effect: dropout, exceeds: batch_size}}]
    """
    plan, false = planned(text, seeds=SEEDS), 0
    for study in range(20):
        rng = np.random.default_rng(study)
        drawn = {(arm.label, s): rng.normal(0.9, 0.01) for arm, s in product(plan.comparisons[0].arms, range(SEEDS))}
        found = records(plan, lambda label, seed, drawn=drawn: {"level": drawn[label, seed], "pace": 0.2})  # type: ignore[misc]
        false += judged(plan, Store(tmp_path / str(study)), found)["p"][0] <= 0.05
    assert false <= 3

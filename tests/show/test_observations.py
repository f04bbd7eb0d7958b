"""The evidence of a comparison: its own seeds and target, every timing round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study.metric import Final
from study.metrics import METRICS
from study.plan.file.expand import prepare
from study.plan.plan import Plan
from study.show.observations import Observations, budget, observe
from study.show.records import targets_of
from study.store.layout import Store
from study.target import Target
from tests.show.records import records, summary_table

ARMS = "{optimizer: [sgd, {name: adam, lr: 0.01}]}"
UNEQUAL = f"""
few: {{vary: {ARMS}, seeds: 3, metrics: [test_accuracy, epochs_to_target, step_seconds, seconds_to_target]}}
easy: {{vary: {ARMS}, target: {{metric: val_accuracy, value: 0.5}}, metrics: [epochs_to_target]}}
many: {{vary: {ARMS}, seeds: 8, metrics: [step_seconds, epochs_to_target, test_accuracy]}}
"""
FIXED = {"level": 0.96, "pace": 2.0}  # validation accuracy (0.96 - 0.86 * 0.5 ** (epoch / 2)): 0.5 at 2, 0.9 at 8


def test_each_comparison_has_its_own_seeds_and_target(planned: Callable[..., Plan]) -> None:
    plan = planned(UNEQUAL)
    found = records(plan, lambda label, seed: FIXED)
    observations = observe(plan, found)
    few = observations.runs("few")
    assert few.groupby("label")["seed"].apply(list).to_dict() == {"sgd": [0, 1, 2], "adam": [0, 1, 2]}
    assert len(observations.runs("many")) == 2 * 8
    times = {name: set(observations.of(name, "epochs_to_target")["value"]) for name in ("few", "easy", "many")}
    assert times == {"few": {8.0}, "easy": {2.0}, "many": {8.0}}


def test_all_rounds_count_in_step_time(planned: Callable[..., Plan]) -> None:
    """Rounds are as many as the most seeds; a comparison of fewer seeds uses all of them for the time of a step. A time
    to target goes with the round of its seed, as in claims.
    """
    plan = planned(UNEQUAL)
    found = records(plan, lambda label, seed: FIXED)
    rows = {(r["comparison"], r["label"], r["metric"]): r for r in summary_table(plan, found).to_pylist()}
    sgd = next(arm.arm for arm in plan.comparisons[0].arms if arm.label == "sgd")
    step = found.timing[found.timing["arm"] == sgd].set_index("round")["step_seconds"]
    of_step = [rows[name, "sgd", "step_seconds"]["estimate"] for name in ("few", "many")]
    assert of_step == pytest.approx([stats.gmean(step)] * 2)
    assert rows["few", "sgd", "seconds_to_target"]["estimate"] == pytest.approx(8 * 34 * stats.gmean(step[[0, 1, 2]]))
    assert rows["few", "sgd", "step_seconds"]["n"] == 3  # counts are of runs


def test_a_metric_that_is_infinite_has_no_value_and_is_no_divergence(
    planned: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    ratio = Final("train_accuracy", "test_accuracy", compute=lambda train, test: train / (test - test.min()))
    monkeypatch.setitem(METRICS, "generalization_gap", replace(METRICS["generalization_gap"], source=ratio))
    plan = planned(f"o: {{vary: {ARMS}, seeds: 3, metrics: [generalization_gap]}}")
    found = records(plan)
    rows = observe(plan, found).of("o", "generalization_gap")
    assert rows["status"].tolist() == ["finished"] * 6
    assert rows["value"].isna().sum() == 1
    worst = found.runs.loc[found.runs["test_accuracy"].idxmin()]
    assert rows[rows["value"].isna()][["arm", "seed"]].to_numpy().tolist() == [[worst["arm"], worst["seed"]]]


@pytest.mark.parametrize(("length", "known", "wanted"), [("epochs: 8", 8 * 50, np.nan), ("steps: 300", 300, 300)])
def test_a_budget_is_of_the_size_that_was_chosen(tmp_path: Path, length: str, known: int, wanted: float) -> None:
    """As any run tells: the first may be missing, or all."""
    (tmp_path / "s.yaml").write_text(
        "study: s\nbaseline: {dataset: digits, network: linear, optimizer: {name: sgd, lr: 0.1}, batch_size: 64, "
        f"{length}}}\nseeds: 2\ntune: {{batch_size: {{values: [16, 20]}}, select: val_loss}}\n"
        "comparisons: {a: {vary: {activation: [relu]}, metrics: [train_seconds]}}\n"
    )
    [arm] = prepare(tmp_path / "s.yaml", Store(tmp_path)).arms.values()
    runs = pd.DataFrame({"status": ["missing", "finished"], "steps": [np.nan, 1.0], "batch_size": [np.nan, 20.0]})
    assert budget(arm, runs, 1000) == known
    nothing = runs.assign(batch_size=np.nan, status="missing")
    assert budget(arm, nothing, np.nan) == pytest.approx(wanted, nan_ok=True)


@pytest.mark.parametrize("status", ["diverged", "failed", "missing"])
def test_an_arm_keeps_its_training_time_when_no_run_finished(planned: Callable[..., Plan], status: str) -> None:
    plan = planned(f"o: {{vary: {ARMS}, metrics: [train_seconds]}}")
    found = records(plan, lambda label, seed: {"status": status} if label == "adam" else {})
    adam = plan.comparisons[0].arms[1].arm
    step = stats.gmean(found.timing[found.timing["arm"] == adam]["step_seconds"])
    row = summary_table(plan, found).to_pylist()[1]
    assert row["estimate"] == pytest.approx(8 * 34 * step)  # 8 epochs of ceil(1077 / 32) batches


def test_without_any_run_the_length_of_an_epoch_is_not_known(planned: Callable[..., Plan]) -> None:
    plan = planned(f"o: {{vary: {ARMS}, metrics: [train_seconds]}}")
    found = records(plan, lambda label, seed: {"status": "missing"})
    assert [row["estimate"] for row in summary_table(plan, found).to_pylist()] == [None, None]


def test_one_table_holds_every_value_and_is_read_back_as_written(planned: Callable[..., Plan], tmp_path: Path) -> None:
    """Against the records, by hand: unreached is infinite, what does not exist is null, a round is a seed."""

    def outcome(label: str, seed: int) -> dict[str, object]:
        ends = {0: {"status": "diverged"}, 1: {"status": "failed", "reason": "CUDA out of memory"}, 2: {"level": 0.5}}
        return FIXED | (ends.get(seed, {}) if label == "adam" else {})

    plan = planned(f"o: {{vary: {ARMS}, metrics: [test_accuracy, seconds_to_target, speedup]}}")
    found = records(plan, outcome)
    observations = observe(plan, found)
    path = Store(tmp_path).study("small") / "observations.parquet"
    observations.write(path)
    pd.testing.assert_frame_equal(Observations.read(path).frame, observations.frame, check_dtype=False)
    arms = {arm.label: arm.arm for arm in plan.comparisons[0].arms}
    step = found.timing.pivot_table(index="round", columns="arm", values="step_seconds")
    runs = found.runs.set_index(["arm", "seed"])
    for row in observations.frame[observations.frame["near"] == ""].to_dict("records"):
        arm, seed, adam = row["arm"], row["seed"], row["label"] == "adam"
        assert arm == arms[row["label"]]
        run = runs.loc[(arm, seed)]
        if row["metric"] == "test_accuracy":
            assert row["value"] == run["test_accuracy"] or (adam and seed < 2 and np.isnan(row["value"]))
        elif row["metric"] == "seconds_to_target" and adam and seed in (0, 2):
            assert row["value"] == np.inf
        elif row["metric"] == "seconds_to_target" and adam and seed == 1:
            assert np.isnan(row["value"])
        elif row["metric"] == "seconds_to_target":
            assert row["value"] == pytest.approx(8 * 34 * step[arm][seed])
        elif row["metric"] == "speedup":
            assert row["value"] == pytest.approx(step[arms["sgd"]][seed] / step[arm][seed])
        else:
            assert (row["metric"], row["status"]) == ("learned", run["status"])
    assert (observations.frame["near"] == "easier").sum() == (observations.frame["near"] == "harder").sum() == 2 * 8


def test_the_values_of_an_arm_are_those_of_its_rows(planned: Callable[..., Plan]) -> None:
    plan = planned(f"o: {{vary: {ARMS}, metrics: [test_accuracy, epochs_to_target]}}")
    found = observe(plan, records(plan))
    keys = ["comparison", "metric", "label", "near"]
    for key, rows in found.frame.groupby(keys):
        np.testing.assert_array_equal(found.values(*map(str, key)), rows["value"])  # type: ignore[call-overload]
    assert found.frame[keys].drop_duplicates()["near"].tolist().count("harder") == 2
    assert found.values("o", "speedup", "sgd").shape == found.values("o", "test_accuracy", "lion").shape == (0,)


def test_an_arm_has_the_target_of_the_first_comparison_that_has_one(planned: Callable[..., Plan]) -> None:
    """The first comparison with sgd is the one with an easier target; adam stands only where the study's holds."""
    easy = "easy: {vary: {optimizer: [sgd, nadam]}, target: {metric: val_accuracy, value: 0.5}, metrics: [test_loss]}"
    easy = easy.replace("nadam", "{name: nadam, lr: 0.01}")
    plan = planned(f"{easy}\nusual: {{vary: {ARMS}, metrics: [epochs_to_target]}}")
    levels = {plan.arms[arm].outline.optimizer.name: target.value for arm, target in targets_of(plan).items()}
    assert levels == {"sgd": 0.5, "nadam": 0.5, "adam": 0.9}


def test_a_target_is_met_at_its_level_and_past_it() -> None:
    levels = np.array([0.89, 0.9, 0.91, np.nan])
    assert Target(metric="val_accuracy", value=0.9).met(levels).tolist() == [False, True, True, False]
    assert Target(metric="val_loss", value=0.9).met(levels).tolist() == [True, True, False, False]
    assert Target(metric="val_loss", value=0.9).met(0.5)

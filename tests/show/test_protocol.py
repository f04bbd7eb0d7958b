"""The protocol: what was done, on what, and what became of every run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from study.axes.network import MLP
from study.plan.plan import Plan
from study.show.datasets import across
from study.show.observations import observe
from study.show.page import protocol
from study.show.page.scope import scope
from tests.show.records import records
from tests.show.tunings import bump

TWO = """
o: {title: Optimizers, vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}, metrics: [test_accuracy, step_seconds]}
b: {title: Batches, vary: {batch_size: [16, 32]}, skip: [{batch_size: 16}], metrics: [epochs_to_target], seeds: 4}
"""
ENDS = {0: "diverged", 1: "failed", 2: "missing"}


def outcome(label: str, seed: int) -> dict[str, object]:
    if label != "adam":
        return {}
    return {"status": ENDS.get(seed, "finished"), "reason": "loss not finite" if seed == 0 else None}


def test_a_choice_is_written_with_its_settings() -> None:
    assert protocol.written(MLP(hidden=(64, 64))) == "mlp (hidden=[64, 64])"
    assert protocol.written(0.25) == "0.25"


def test_what_varies_what_is_fixed_and_what_is_left_out(planned: Callable[..., Plan]) -> None:
    plan = planned(TWO)
    optimizers, batches = plan.comparisons
    assert protocol.asked(plan, optimizers) == (
        "2 arms vary optimizer: sgd (lr=0.1) and adam (lr=0.01, betas=[0.9, 0.999], eps=1e-08). 8 seeds per arm."
    )
    assert "; 1 combination is left out." in protocol.asked(plan, batches)
    fixed = dict(protocol.fixed(plan, optimizers))
    assert fixed["batch_size"] == "32"
    assert "optimizer" not in fixed


def test_trials_and_timing_of_another_machine_are_counted(planned: Callable[..., Plan]) -> None:
    """Two arms of one search, chosen by two metrics: its trials are counted once."""
    tune = "tune: {optimizer.lr: {log: [0.01, 1], points: 3}, seeds: 3, extend: 0}"
    metrics = "metrics: [test_accuracy, steps_to_target, step_seconds]"
    plan = planned(f"o: {{vary: {{optimizer: [sgd, adam]}}, {metrics}, {tune}}}")
    made = {"device": "CPU", "torch_version": "2.13.0+cpu", "processor": "Model 7", "instructions": "AVX2"}
    found = records(plan, quality=bump(0.1))
    runs = found.runs.assign(recipe_version=2, **made)
    alike = found._replace(
        runs=runs, tuning=found.tuning.assign(recipe_version=2, **made), timing=found.timing.assign(**made)
    )
    facts = dict(protocol.facts(plan, alike))
    assert "Mixed" not in facts
    assert facts["Timing"].startswith("CPU of Model 7, AVX2, 1 thread for each: ")
    other = alike._replace(tuning=alike.tuning.assign(device="NVIDIA H100"), timing=found.timing.assign(
        **made | {"torch_version": "2.14.0"}
    ))  # fmt: skip
    said = dict(protocol.facts(plan, other))["Mixed"]
    assert len(plan.arms) == 4
    assert "32 runs with CPU, PyTorch 2.13.0, recipe version 2, " in said
    assert "18 tuning runs with NVIDIA H100, PyTorch 2.13.0, recipe version 2 and " in said
    assert "8 timed rounds with CPU, PyTorch 2.14.0, recipe version 2. " in said


def test_every_run_is_accounted_for_once(planned: Callable[..., Plan]) -> None:
    plan = planned(TWO)
    found = records(plan, outcome)
    rows = protocol.coverage(plan, found)
    assert list(rows[0]) == ["comparison", "planned", "finished", "diverged", "failed", "missing"]
    # sgd with batches of 32 is an arm of both comparisons: the study counts its 8 runs once.
    assert [tuple(row.values()) for row in rows] == [
        ("Optimizers", 16, 13, 1, 1, 1),
        ("Batches", 4, 4, 0, 0, 0),
        ("whole study", 16, 13, 1, 1, 1),
    ]


def test_runs_that_nothing_is_known_of_are_missing(planned: Callable[..., Plan]) -> None:
    plan = planned(TWO)
    found = records(plan)
    kept = found._replace(runs=found.runs[found.runs["seed"] < 6])
    rows = protocol.coverage(plan, kept)
    assert tuple(rows[-1].values()) == ("whole study", 16, 12, 0, 0, 4)


def test_what_did_not_finish_is_listed_with_its_reason(planned: Callable[..., Plan]) -> None:
    plan = planned(TWO)
    found = records(plan, outcome)
    timing = found.timing.copy()
    adam = plan.comparisons[0].arms[1].arm
    timing.loc[timing["arm"] == adam, "reason"] = "out of memory"
    rows = protocol.reasons(plan, found._replace(timing=timing))
    assert rows == [
        ("Optimizers: adam", "diverged", 1, "loss not finite"),
        ("Optimizers: adam", "failed", 1, ""),
        ("Optimizers: adam", "missing", 1, ""),
        ("Optimizers: adam", "not timed", 8, "out of memory"),
    ]
    assert protocol.reasons(plan, found, "no device")[-1] == ("timing job", "failed", 8, "no device")


def test_the_facts_name_data_seeds_budget_target_and_versions(planned: Callable[..., Plan]) -> None:
    plan = planned(TWO)
    found = records(plan)
    facts = dict(protocol.facts(plan, found))
    assert "1,077 training, 360 validation, 360 test rows" in facts["Data and splits"]
    assert facts["Data and splits"].endswith(" The split is the same for every seed.")
    assert "Splits by seed" not in facts
    assert facts["Seeds"].startswith("4 and 8 per arm.")
    assert facts["Budget"].startswith("8 epochs;")
    assert facts["Target"].startswith("validation accuracy of at least 90 %.")
    assert facts["Trained on"] == "CPU; PyTorch 2.13.0, Python 3.11.7."
    assert facts["Code"] == "Evenhand, commit 0123456789ab; recipe version 1."
    one = (
        "in 8 interleaved rounds of random order, all in one process, so that what differs between processes is not in"
    )
    assert one in facts["Timing"]  # as older ones have it
    found.timing["block"] = found.timing["round"] // 2
    timing = dict(protocol.facts(plan, found))["Timing"]
    assert "in 8 interleaved rounds of random order, cut into blocks in 4 processes. " in timing


BY_SEED = "{name: wine, split: by_seed}"


def test_the_facts_say_that_seeds_draw_the_split_and_what_that_is_worth(planned: Callable[..., Plan]) -> None:
    plan = planned(TWO, dataset=BY_SEED)
    facts = dict(protocol.facts(plan, records(plan)))
    words = "Each seed draws the split, the same for all arms, and its own training rows set the scale."
    assert facts["Data and splits"].endswith(words)
    assert "too narrow" in facts["Splits by seed"]
    assert "Nadeau and Bengio, 2003" in facts["Splits by seed"]
    assert "Tuning seeds" not in facts["Splits by seed"]
    tune = "tune: {optimizer.lr: {log: [0.1, 1], points: 3}}"
    tuned = planned(f"o: {{vary: {{optimizer: [sgd, adam]}}, {tune}, metrics: [test_accuracy]}}", dataset=BY_SEED)
    assert "Tuning seeds draw splits" in dict(protocol.facts(tuned, records(plan)))["Splits by seed"]


@pytest.mark.parametrize(
    ("dataset", "batches", "held", "over"),
    [
        ("digits", "digits", "digits, its split, test rows and budget", "seeds only"),
        ("digits", "wine", "digits and wine, their split, test rows and budget", "seeds only"),
        (BY_SEED, BY_SEED, "wine and its budget", "splits and seeds of these rows only"),
        (
            "digits",
            BY_SEED,
            "digits and wine, their fixed splits, test rows and budget",
            "seeds, and over splits of these rows where seeds draw them",
        ),
    ],
)
def test_what_results_hold_for(planned: Callable[..., Plan], dataset: str, batches: str, held: str, over: str) -> None:
    other = f"{{title: Batches, baseline: {{dataset: {batches}}}"
    found = scope(planned(TWO.replace("{title: Batches", other), dataset=dataset))
    assert (found["held"], found["over"]) == (held, over)


@pytest.mark.parametrize(
    ("tune", "settings"),
    [
        ("by_seed: true", "arms tuned anew for each run"),
        ("by_seed: false", "the settings named in the tables, since tuning again may choose others"),
    ],
)
def test_for_which_settings_results_hold(planned: Callable[..., Plan], tune: str, settings: str) -> None:
    block = f"tune: {{{tune}, optimizer.lr: {{log: [0.1, 1], points: 3}}}}"
    plan = planned(f"o: {{vary: {{optimizer: [sgd, adam]}}, {block}, metrics: [test_accuracy]}}")
    assert scope(plan)["settings"] == settings


@pytest.mark.parametrize(
    ("why", "text"), [(None, "Not measured yet."), ("out of memory", "Not measured: out of memory.")]
)
def test_the_facts_say_why_there_are_no_times(planned: Callable[..., Plan], why: str | None, text: str) -> None:
    plan = planned(TWO)
    assert dict(protocol.facts(plan, records(plan, timed=False), why))["Timing"] == text


def test_metrics_are_explained_in_the_unit_that_is_shown(planned: Callable[..., Plan]) -> None:
    rows = pd.DataFrame(protocol.metrics(plan := planned(TWO), observe(plan, records(plan)))).set_index(0)
    assert rows[1].to_dict() == {"test accuracy": "%", "epochs to target": "epochs", "time per step": "s"}
    assert rows[3]["test accuracy"].endswith("; mean over seeds")
    assert rows[3]["time per step"].endswith("; geometric mean over rounds")


def test_what_a_table_was_read_as_its_label_and_unequal_classes(planned: Callable[..., Plan], tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [0.5, 1.5, 2.5] * 20, "id": range(60), "y": (["rare"] + ["usual"] * 4) * 12})
    table.to_csv(tmp_path / "t.csv", index=False)
    dataset = "{name: table, path: t.csv, target: y, drop: [id], label: My table}"
    plan = planned("o: {vary: {dropout: [0, 0.1]}, metrics: [test_accuracy]}", dataset=dataset)
    [(_, text)] = [fact for fact in protocol.facts(plan, records(plan)) if fact[0] == "Data and splits"]
    assert text.startswith("My table (split_seed=0, split=fixed, path=t.csv, target=y, drop=[id]): ")
    assert "Read as 1 column of numbers (x); left out: id." in text
    unequal = "Classes are unequal: of 60 rows 48 are of “usual” and 12 of “rare”"
    assert f"{unequal}; who always answers “usual” is right for 80 %." in text


@pytest.mark.parametrize(("dataset", "unequal"), [("breast_cancer", True), ("digits", False)])
def test_only_classes_that_are_unequal_are_spoken_of(planned: Callable[..., Plan], dataset: str, unequal: bool) -> None:
    plan = planned("o: {vary: {dropout: [0, 0.1]}, metrics: [test_loss]}", dataset=dataset)
    [(_, text)] = [fact for fact in protocol.facts(plan, records(plan)) if fact[0] == "Data and splits"]
    assert ("Classes are unequal: of 569 rows 357 are of “benign” and 212 of “malignant”" in text) == unequal


def test_arms_on_datasets_are_called_by_their_labels(planned: Callable[..., Plan]) -> None:
    datasets = "[{name: wine, label: Wines}, {name: breast_cancer, label: Tumours}, digits]"
    plan = planned(f"o: {{vary: {{dataset: {datasets}, dropout: [0, 0.1]}}, metrics: [test_accuracy]}}")
    [comparison] = plan.comparisons
    assert [arm.label for arm in comparison.arms][::2] == [
        "Wines, dropout=0",
        "Tumours, dropout=0",
        "digits, dropout=0",
    ]
    found = across(plan, comparison)
    assert found is not None
    assert found.datasets == ("Wines", "Tumours", "digits")
    assert plan.arms[comparison.arms[0].arm].columns()["dataset"] == "Wines"


def test_an_arm_that_starts_warm_was_trained_before_and_the_page_says_so(planned: Callable[..., Plan]) -> None:
    warm = "{name: warm, epochs: 4, train_share: 0.25}"
    plan = planned(f"w: {{vary: {{start: [afresh, {warm}]}}, metrics: [test_accuracy]}}")
    made = records(plan, outcome)
    said = dict(protocol.facts(plan, made))["Started warm"]
    assert said == (
        "arms with start: warm were trained before (epochs=4, train_share=0.25). These steps count in no budget and in "
        "no time: such an arm is trained longer than one that starts afresh."
    )
    assert "Started warm" not in dict(protocol.facts(planned(TWO), records(planned(TWO), outcome)))

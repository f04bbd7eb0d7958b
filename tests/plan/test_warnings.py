"""What ``check`` warns of, and how much work it counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from study.axes.dataset import Digits
from study.plan.plan import Plan
from study.store.files import write_parquet
from study.store.layout import Block, Store
from study.store.schemas import RUNS

Check = Callable[[Any], tuple[int, str, list[str]]]
CLAIM = {"metric": "test_accuracy", "better": "relu", "than": "tanh"}


def warned(check: Check, content: Any) -> list[str]:
    code, out, _ = check(content)
    assert code == 0
    return [line.removeprefix("warning: ") for line in out.splitlines() if line.startswith("warning: ")]


COUPLED = {
    "two things at once": ([{"batch_size": 16, "dropout": 0.1}, {"batch_size": 32, "dropout": 0.2}], True),
    "one thing at a time": ([{"batch_size": 32}, {"batch_size": 16}, {"dropout": 0.2}], False),
    "a full factorial": ([{"batch_size": b, "dropout": d} for b in (16, 32) for d in (0, 0.2)], False),
    "one key": ([{"optimizer": {"name": "sgd", "lr": 0.1}}, {"optimizer": {"name": "adam", "lr": 0.01}}], False),
}


@pytest.mark.parametrize("case", COUPLED)
@pytest.mark.parametrize("crossed", [False, True])
def test_a_comparison_that_changes_several_things(
    case: str, crossed: bool, study: dict[str, Any], check: Check
) -> None:
    arms, doubtful = COUPLED[case]
    study["comparisons"]["a"] |= {"vary": {"init": ["zeros", "default"]} if crossed else {}, "arms": arms}
    found = warned(check, study)
    assert len(found) == doubtful
    for line in found:
        assert line.startswith("comparisons.a: changes several things at once: ")
        assert line.endswith(" differ in batch_size and dropout")


def test_a_cross_product_changes_several_things_but_not_at_once(study: dict[str, Any], check: Check) -> None:
    vary = {"batch_size": [8, 16], "dropout": [0, 0.2], "init": ["zeros", "default"]}
    study["comparisons"]["a"]["vary"] = vary
    assert warned(check, study) == []
    study["comparisons"]["a"]["skip"] = [{"batch_size": 8, "dropout": 0.2}]
    assert warned(check, study) == []


def test_a_claim_between_two_coupled_arms(study: dict[str, Any], check: Check) -> None:
    study["seeds"] = 6
    study["comparisons"]["a"] = {
        "arms": [{"batch_size": 32, "dropout": 0}, {"batch_size": 16}, {"dropout": 0.2}],
        "metrics": ["test_loss"],
        "claims": [{"metric": "test_loss", "better": "batch_size=16, dropout=0", "than": "batch_size=32, dropout=0.2"}],
    }
    line, _ = warned(check, study)  # the other is on the rate
    assert "'batch_size=16, dropout=0' and 'batch_size=32, dropout=0.2' differ in batch_size and dropout" in line


@pytest.mark.parametrize(
    ("dataset", "margin", "words"),
    [
        ("digits", None, None),  # 360 rows: 0.28 points each
        ("digits", 0.0025, "one of 360 test rows is worth 0.28 points, more than the margin"),
        ("digits", 0.003, None),
        ("breast_cancer", None, "one of 114 test rows is worth 0.88 points, more than half a point"),
        ("wine", 0.02, "one of 36 test rows is worth 2.8 points, more than the margin"),
        ("wine", 0.05, "one of 36 test rows is worth 2.8 points, more than half a point"),
    ],
)
def test_a_row_that_outweighs_what_is_claimed(
    dataset: str, margin: float | None, words: str | None, study: dict[str, Any], check: Check
) -> None:
    study["baseline"]["dataset"] = dataset
    study["seeds"] = 7
    study["comparisons"]["a"]["claims"] = [CLAIM | {"margin": margin}, CLAIM | {"metric": "test_loss"}]
    found = [line for line in warned(check, study) if "learning rate" not in line]
    assert len(found) == (words is not None)
    assert not found or found[0].startswith(f"comparisons.a.claims[0]: {words}")


def test_a_row_counts_among_those_of_its_split(study: dict[str, Any], check: Check) -> None:
    study["baseline"]["dataset"] = {"name": "wine", "folds": 3}  # 60 of 178 rows test, a fifth of the others validates
    study["seeds"] = 7
    study["comparisons"]["a"]["claims"] = [CLAIM, CLAIM | {"metric": "val_accuracy"}]
    found = [line.partition(": ")[2] for line in warned(check, study) if "rows is worth" in line]
    assert [line.partition(" is worth")[0] for line in found] == ["one of 60 test rows", "one of 24 validation rows"]


def cached(plan: Plan, store: Store, accuracies: dict[str, list[float]]) -> None:
    """Curves of each arm, by label: the best accuracy of each seed."""
    for arm in plan.comparisons[0].arms:
        best = accuracies[arm.label]
        block = Block(0, len(best) - 1)
        rows = [
            {"seed": seed, "epoch": epoch, "val_accuracy": value}
            for seed, value in enumerate(best)
            for epoch, value in enumerate((0.1, value, value - 0.05))
        ]
        write_parquet(pa.Table.from_pylist(rows), store.curves(arm.arm, block))
        write_parquet(RUNS.empty_table(), store.runs(arm.arm, block))


@pytest.mark.parametrize(
    ("tanh", "relu", "words"),
    [
        ([0.9, 0.95], [0.91, 0.99], "target: every cached run reaches it in a (4 runs);"),
        ([0.5, 0.89], [0.1, 0.2], "target: no cached run reaches it in a (4 runs);"),
        ([0.5, 0.89], [0.1, 0.9], None),
    ],
)
def test_a_target_that_all_or_none_reached(
    tanh: list[float], relu: list[float], words: str | None, study: dict[str, Any], check: Check,
    plan: Callable[[Any], Plan]
) -> None:  # fmt: skip
    study["target"] = {"metric": "val_accuracy", "value": 0.9}
    study["comparisons"]["a"]["metrics"] = ["epochs_to_target"]
    assert warned(check, study) == []
    cached(plan(study), Store("results"), {"tanh": tanh, "relu": relu})
    found = warned(check, study)
    assert len(found) == (words is not None)
    assert not found or found[0].startswith(str(words))
    study["comparisons"]["a"]["metrics"] = ["test_accuracy"]  # nobody asks for the target
    assert warned(check, study) == []


def test_batches_of_all_rows_of_data_that_were_counted_late(
    study: dict[str, Any], check: Check, plan: Callable[[Any], Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a dataset does not say how many rows it has, and they are prepared by now."""
    monkeypatch.setattr(Digits, "known_rows", None)
    study["comparisons"]["a"]["vary"] = {"batch_size": [32, 1077, 2000]}
    assert warned(check, study) == []
    [dataset] = {arm.dataset_id for arm in plan(study).arms.values()}
    path = Store("results").dataset(dataset)
    path.parent.mkdir(parents=True)
    np.savez(path, split=np.repeat([0, 1, 2], [1077, 360, 360]))
    only = "comparisons.a: a batch holds all 1,077 training rows and no more in 'batch_size=2000'"
    assert warned(check, study) == [f"{only}; give batch_size: 1077 at most"]
    study["comparisons"]["a"]["vary"] = {"batch_size": [32, 2000, 4000]}
    alike = "'batch_size=2000' and 'batch_size=4000', and arms that differ in nothing else are the same"
    assert warned(check, study) == [only.replace("'batch_size=2000'", alike) + "; give batch_size: 1077 at most"]


def test_a_share_that_leaves_hardly_a_row_to_train_on(study: dict[str, Any], check: Check) -> None:
    study["comparisons"]["a"]["vary"] = {"train_share": [1.0, 0.1, 0.005]}
    study["baseline"]["batch_size"] = 4
    words = "5 rows of 1,077 to train on, for 10 classes, in 'train_share=0.005'; give train_share: 0.028 or more"
    assert warned(check, study) == [f"comparisons.a: {words}"]
    study["comparisons"]["a"]["vary"] = {"train_share": [1.0, 0.028, 0.027]}
    assert warned(check, study) == [
        "comparisons.a: 29 rows of 1,077 to train on, for 10 classes, in 'train_share=0.027'; "
        "give train_share: 0.028 or more"
    ]
    study["baseline"] |= {"dataset": "diabetes"}
    study["comparisons"]["a"] |= {"vary": {"train_share": [1.0, 0.05, 0.02]}, "metrics": ["test_loss"]}
    [line] = warned(check, study)
    assert line == "comparisons.a: 5 rows of 264 to train on in 'train_share=0.02'; give train_share: 0.038 or more"


def test_an_interval_of_evaluation_that_no_run_lasts_for(study: dict[str, Any], check: Check) -> None:
    study["comparisons"]["a"]["vary"] = {"evaluate": [{"steps": 68}, {"steps": 1000}]}
    [line] = warned(check, study)
    assert line.startswith(
        "comparisons.a: evaluated every 1000 steps of 68, so before training and at its end only, in "
    )
    assert line.endswith("; give evaluate fewer steps")


def test_steps_of_a_tuned_batch_size_are_counted_by_candidate(study: dict[str, Any], check: Check) -> None:
    study["tune"] = {"batch_size": {"values": [100, 1077]}, "seeds": 5, "by_seed": False, "extend": 0}
    lines = check(study)[1].splitlines()  # 1,077 rows: 11 steps and 1; two arms, two epochs
    (line,) = (line for line in lines if line.startswith("In all: "))
    assert line.startswith("In all: 26 runs, about ")
    assert line.endswith(f"of which 20 runs and {2 * 5 * 2 * (11 + 1)} steps are tuning")


def test_steps_of_a_table_are_counted_too(study: dict[str, Any], check: Check, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "1,x\n2,y\n" * 30)
    table = {"name": "table", "path": "t.csv", "target": "b"}
    study["comparisons"]["b"] = {"vary": {"dataset": [table]}, "metrics": ["test_loss"], "seeds": 1}
    assert "In all: 7 runs, 412 steps" in check(study)[1].splitlines()

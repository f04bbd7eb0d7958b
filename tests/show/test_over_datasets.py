"""Comparisons over datasets: which arms are the same, and their ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from study.plan.plan import Plan
from study.show.datasets import across
from study.show.figures import FIGURES
from study.show.figures import datasets_figure as figures
from study.show.formatting import Cell
from study.show.tables.rank_table import headline, ranks_of
from tests.show.records import Outcome, records, summary_table
from tests.show.test_figures import texts

ARMS = "[sgd, {name: momentum, lr: 0.01}, {name: adam, lr: 0.01}]"
LOST = {"status": "diverged", "reason": "loss not finite"}
LEVELS = {"digits": (0.95, 0.91, 0.93), "breast_cancer": (0.96, 0.92, 0.94), "wine": (0.91, 0.95, 0.96)}


def comparison(datasets: str = "digits, breast_cancer, wine", metrics: str = "test_accuracy", arms: str = ARMS) -> str:
    return f"o: {{vary: {{dataset: [{datasets}], optimizer: {arms}}}, metrics: [{metrics}]}}"


def outcome(label: str, seed: int) -> Mapping[str, object]:
    """sgd is the best on two of three datasets, and the last on the third."""
    dataset, optimizer = label.split(", ")[:2]
    names = ["sgd", "momentum", "adam"]
    return {"level": LEVELS[dataset.split()[0]][names.index(optimizer)] + seed / 1000, "pace": 0.2}


def summary_of(plan: Plan, outcome: Outcome | None = None) -> pd.DataFrame:
    return summary_table(plan, records(plan, outcome)).to_pandas()


def test_average_ranks_are_those_of_the_summary(planned: Callable[..., Plan]) -> None:
    plan = planned(comparison(metrics="test_accuracy, test_loss, epochs_to_target"))
    summary = summary_of(plan, outcome)
    shown = ranks_of(plan, plan.comparisons[0], summary)
    assert shown is not None
    for column, (metric, sign) in enumerate({"test_accuracy": -1, "test_loss": 1, "epochs_to_target": 1}.items()):
        rows = summary[summary["metric"] == metric]
        scores = rows["estimate"].to_numpy().reshape(3, 3)  # dataset first, as written
        expected = dict(
            zip(("sgd", "momentum", "adam"), stats.rankdata(sign * scores, axis=1).mean(axis=0), strict=True)
        )
        assert {arm: cells[column] for arm, cells in shown.rows} == {x: Cell(f"{r:.2f}") for x, r in expected.items()}
    assert [arm for arm, _ in shown.rows] == ["sgd", "adam", "momentum"]  # 5/3, 5/3 as written, 8/3
    assert "Over 3 datasets" in shown.title
    assert "Fewer than six datasets allow no test" in shown.notes


def test_an_arm_with_diverged_runs_comes_after_all_with_fewer(planned: Callable[..., Plan]) -> None:
    """Also where the runs that survived have the best mean."""
    plan = planned(comparison(metrics="test_accuracy, epochs_to_target"))

    def some(label: str, seed: int) -> Mapping[str, object]:
        lost = (label == "digits, sgd" and seed < 1) or (label == "digits, momentum" and seed < 5)
        return LOST if lost else outcome(label, seed)

    shown = ranks_of(plan, plan.comparisons[0], summary_of(plan, some))
    assert shown is not None
    ranks = {arm: cells[0] for arm, cells in shown.rows}
    assert ranks == {
        "sgd": Cell(f"{(2 + 1 + 3) / 3:.2f}", remark="diverged on 1"),
        "momentum": Cell(f"{(3 + 3 + 2) / 3:.2f}", remark="diverged on 1"),
        "adam": Cell(f"{(1 + 2 + 1) / 3:.2f}"),
    }
    best = "Over 3 datasets adam has the best average rank by test accuracy, 1.33"
    assert headline(shown) == f"{best}."


def test_a_target_that_too_few_reach_comes_last(planned: Callable[..., Plan]) -> None:
    plan = planned(comparison(metrics="epochs_to_target"))
    slow, fast = {"level": 0.5}, {"level": 0.95, "pace": 0.2}
    shown = ranks_of(plan, plan.comparisons[0], summary_of(plan, lambda x, s: slow if "sgd" in x else fast))
    assert shown is not None
    assert dict(shown.rows)["sgd"] == [Cell("3.00", remark="not reached on 3")]


def test_arms_that_were_not_trained_are_not_called_worse(planned: Callable[..., Plan]) -> None:
    plan = planned(comparison(metrics="test_accuracy, test_loss"))
    missing = {"status": "missing"}
    summary = summary_of(plan, lambda x, seed: missing if x == "wine, adam" else outcome(x, seed))
    shown = ranks_of(plan, plan.comparisons[0], summary)
    assert shown is not None
    assert {cell for _, cells in shown.rows for cell in cells} == {Cell("–")}
    assert not shown.known
    assert "no estimate of “wine, adam”" in shown.notes
    over = figures.panels(plan, plan.comparisons[0], summary)
    assert "no estimate of every arm yet" in texts(figures.draw(over))


def test_another_split_is_the_same_dataset(planned: Callable[..., Plan]) -> None:
    plan = planned(comparison("digits, wine, {name: wine, split_seed: 1}"))
    levels = {"digits, adam": 0.98, "wine split_seed=0, adam": 0.8, "wine split_seed=1, adam": 0.99}

    def split(label: str, seed: int) -> Mapping[str, object]:
        return {"level": levels.get(label, 0.9 if "sgd" in label else 0.85), "pace": 0.2}

    shown = ranks_of(plan, plan.comparisons[0], summary_of(plan, split))
    assert shown is not None
    assert shown.title == "Over 2 datasets"
    # On wine the mean over splits, 0.895, is just below that of sgd.
    assert {arm: cells[0].value for arm, cells in shown.rows} == {"sgd": "1.50", "adam": "1.50", "momentum": "3.00"}
    assert "split in several ways counts once" in shown.notes


def test_the_same_bytes_at_another_place_are_the_same_dataset(
    planned: Callable[..., Plan], tables: Callable[[int], str], tmp_path: Path
) -> None:
    tables(1)
    (tmp_path / "copy.csv").write_bytes((tmp_path / "t0.csv").read_bytes())
    copies = "{name: table, path: t0.csv, target: y}, {name: table, path: copy.csv, target: y, split_seed: 1}"
    plan = planned(comparison(copies))
    assert across(plan, plan.comparisons[0]) is None


@pytest.mark.parametrize(
    ("text", "arms"),
    [
        ("arms: [{label: A, dataset: digits, network.hidden: [4]}, {label: B, dataset: wine, network.hidden: [5]}]\n"
         "  vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}", ("sgd", "adam")),
        ("arms: [{label: small, optimizer.lr: 0.1, batch_size: 8}, {label: large, optimizer.lr: 0.2, batch_size: 16}]\n"
         "  vary: {dataset: [digits, wine], dropout: [0, 0.3]}",
         ("small, dropout=0", "small, dropout=0.3", "large, dropout=0", "large, dropout=0.3")),
        ("vary: {dataset: [digits, wine], optimizer: [sgd, {name: adam, lr: 0.01}], batch_size: [16, 32]}",
         ("sgd, batch_size=16", "sgd, batch_size=32", "adam, batch_size=16", "adam, batch_size=32")),
    ],
    ids=["settings of each dataset", "labels of their own", "two more axes"],
)  # fmt: skip
def test_arms_are_named_without_their_dataset(planned: Callable[..., Plan], text: str, arms: tuple[str, ...]) -> None:
    plan = planned(f"o:\n  {text}\n  metrics: [test_accuracy]")
    found = across(plan, plan.comparisons[0])
    assert found is not None
    assert found.full
    assert found.arms == arms


@pytest.mark.parametrize(
    "text",
    [
        "o: {vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}, metrics: [test_accuracy]}",
        "o: {vary: {dataset: [digits, wine]}, metrics: [test_accuracy]}",
        "o: {arms: [{dataset: digits, optimizer.lr: 0.1}, {dataset: wine, optimizer.lr: 0.2}], metrics: [test_loss]}",
    ],
    ids=["one dataset", "one arm", "an arm for each dataset"],
)
def test_nothing_is_said_where_nothing_is_over_datasets(planned: Callable[..., Plan], text: str) -> None:
    plan = planned(text)
    assert ranks_of(plan, plan.comparisons[0], summary_of(plan)) is None


def test_an_arm_that_is_not_on_every_dataset_leaves_all_unranked(planned: Callable[..., Plan]) -> None:
    plan = planned(comparison(metrics="test_loss")[:-1] + ", skip: [{dataset: wine, optimizer: adam}]}")
    shown = ranks_of(plan, plan.comparisons[0], summary_of(plan))
    assert shown is not None
    assert not shown.rows
    assert "not every arm is on every one of them" in shown.notes
    assert not FIGURES["datasets"].suits(plan, plan.comparisons[0])

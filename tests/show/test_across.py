"""Comparisons over datasets: which arms are the same, their ranks, the figure, and where they are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study.plan.across import across
from study.plan.mistakes import Refused
from study.plan.plan import Plan
from study.plan.store import Store
from study.show.across import ranks_of
from study.show.figures import across as figures
from study.show.report import render
from study.show.summary import summarize
from tests.show.records import Outcome, records, stored
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


@pytest.fixture
def tables(tmp_path: Path) -> Callable[[int], str]:
    """So many tables of different content, as YAML."""

    def write(count: int) -> str:
        for i in range(count):
            pd.DataFrame({"x": [i, 1.5, 2.5] * 20, "y": ["a", "b", "b"] * 20}).to_csv(tmp_path / f"t{i}.csv")
        return ", ".join(f"{{name: table, path: t{i}.csv, target: y}}" for i in range(count))

    return write


def summary_of(plan: Plan, outcome: Outcome | None = None) -> pd.DataFrame:
    return summarize(plan, records(plan, outcome)).to_pandas()


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
        assert {arm: cells[column] for arm, cells in shown.rows} == {x: (f"{r:.2f}", "") for x, r in expected.items()}
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
        "sgd": (f"{(2 + 1 + 3) / 3:.2f}", "diverged on 1"),
        "momentum": (f"{(3 + 3 + 2) / 3:.2f}", "diverged on 1"),
        "adam": (f"{(1 + 2 + 1) / 3:.2f}", ""),
    }


def test_a_target_that_too_few_reach_comes_last(planned: Callable[..., Plan]) -> None:
    plan = planned(comparison(metrics="epochs_to_target"))
    slow, fast = {"level": 0.5}, {"level": 0.95, "pace": 0.2}
    shown = ranks_of(plan, plan.comparisons[0], summary_of(plan, lambda x, s: slow if "sgd" in x else fast))
    assert shown is not None
    assert dict(shown.rows)["sgd"] == [("3.00", "not reached on 3")]


def test_arms_that_were_not_trained_are_not_called_worse(planned: Callable[..., Plan]) -> None:
    plan = planned(comparison(metrics="test_accuracy, test_loss"))
    missing = {"status": "missing"}
    summary = summary_of(plan, lambda x, seed: missing if x == "wine, adam" else outcome(x, seed))
    shown = ranks_of(plan, plan.comparisons[0], summary)
    assert shown is not None
    assert {cell for _, cells in shown.rows for cell in cells} == {("–", "")}
    assert "no estimate of “wine, adam”" in shown.notes
    over = figures.OverDatasets.of(plan, plan.comparisons[0], summary)
    assert "runs are missing" in texts(figures.draw(over))


def test_another_split_is_the_same_dataset(planned: Callable[..., Plan]) -> None:
    plan = planned(comparison("digits, wine, {name: wine, split_seed: 1}"))
    levels = {"digits, adam": 0.98, "wine split_seed=0, adam": 0.8, "wine split_seed=1, adam": 0.99}

    def split(label: str, seed: int) -> Mapping[str, object]:
        return {"level": levels.get(label, 0.9 if "sgd" in label else 0.85), "pace": 0.2}

    shown = ranks_of(plan, plan.comparisons[0], summary_of(plan, split))
    assert shown is not None
    assert shown.title == "Over 2 datasets"
    # On wine the mean over splits, 0.895, is just below that of sgd.
    assert {arm: cells[0][0] for arm, cells in shown.rows} == {"sgd": "1.50", "adam": "1.50", "momentum": "3.00"}
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
    with pytest.raises(Refused, match="no figure of it over datasets"):
        figures.OverDatasets.of(plan, plan.comparisons[0], summary_of(plan))


def test_six_datasets_have_diagrams_and_fewer_only_profiles(
    planned: Callable[..., Plan], tables: Callable[[int], str]
) -> None:
    for count, names in ((2, "profile"), (3, "diagram")):
        plan = planned(comparison(f"digits, breast_cancer, wine, {tables(count)}", "test_accuracy, test_loss"))
        over = figures.OverDatasets.of(plan, plan.comparisons[0], summary_of(plan))
        assert (len(over.tested), over.profiled) == ({"profile": 0, "diagram": 2}[names], ["test_loss"])
        shown = texts(figures.draw(over))
        assert f"n = {3 + count} datasets" in shown
        assert ("average rank by test accuracy" in shown) == (names == "diagram")
        assert "test loss: factor of the best arm" in shown
        # Three pairs: 3 · 2/2^6 > 0.05.
        assert ("No outcome of 6 datasets can tell any two of 3 arms apart" in figures.caption(over)) == (count == 3)
        assert "{" not in figures.caption(over)


def test_bars_join_what_does_not_differ(planned: Callable[..., Plan], tables: Callable[[int], str]) -> None:
    """On ten datasets adam always loses, by different amounts; sgd and momentum are ahead in turn."""
    plan = planned(comparison(tables(10)), seeds=2)
    places = {label: place for place, label in enumerate(plan.comparisons[0].labels.values())}

    def turns(label: str, seed: int) -> Mapping[str, object]:
        dataset, optimizer = places[label] // 3, places[label] % 3
        return {"level": 0.5 - dataset / 100 if optimizer == 2 else 0.8 + (-1) ** (dataset + optimizer) * dataset / 100}

    over = figures.OverDatasets.of(plan, plan.comparisons[0], summary_of(plan, turns))
    figure = figures.draw(over)
    bars = [line.get_xdata() for line in figure.axes[0].lines if line.get_linewidth() == 2.2]
    assert len(bars) == 1
    assert np.ptp(bars[0]) < 0.5
    assert "No outcome" not in figures.caption(over)
    assert "3.00\u2002adam" in texts(figure)


@pytest.mark.parametrize("end", ["all finished", "all diverged", "nothing there", "a perfect score"])
@pytest.mark.parametrize("arms", [3, 12])
def test_whatever_is_there_can_be_drawn(
    planned: Callable[..., Plan], tables: Callable[[int], str], arms: int, end: str
) -> None:
    """Warnings are errors here."""
    several = ARMS if arms == 3 else f"[{', '.join(f'{{name: sgd, lr: 0.{i}}}' for i in range(11, 11 + arms))}]"
    plan = planned(comparison(tables(6), "test_loss, epochs_to_target, memory_mib", several), seeds=2)
    ends: dict[str, Outcome] = {
        "all finished": lambda label, seed: {},
        "all diverged": lambda label, seed: LOST,
        "nothing there": lambda label, seed: {"status": "missing"},
        "a perfect score": lambda label, seed: {"level": 1.0, "pace": 0.01},  # a loss of exactly 0
    }
    found = records(plan, ends[end], timed=end != "nothing there")
    over = figures.OverDatasets.of(plan, plan.comparisons[0], summarize(plan, found).to_pandas())
    assert "n = 6 datasets" in texts(figures.draw(over))
    assert ("Grey" in figures.caption(over)) == (arms == 12)


def test_the_report_shows_the_table_and_the_figure(planned: Callable[..., Plan], tmp_path: Path) -> None:
    plan = planned(comparison(metrics="test_accuracy, test_loss"), seeds=6)
    path, _ = stored(plan, records(plan, outcome), tmp_path)
    page = render(plan, Store(tmp_path))
    assert "Over 3 datasets" in page
    assert "rank by test loss" in page
    assert "The figure over datasets could not be drawn." in page
    from study.__main__ import main

    assert main(["figure", str(path), "o", "--across"]) == 0
    for ending in ("svg", "png", "pdf"):
        assert (path.parent / "figures" / "across" / f"o.{ending}").exists()
    page = render(plan, Store(tmp_path))
    assert "could not be drawn" not in page.split("Over 3 datasets")[1].split("</section>")[0]
    assert 'id="across-o-' in page
    assert "Performance profiles (Dolan and Moré, 2002) of test loss" in page

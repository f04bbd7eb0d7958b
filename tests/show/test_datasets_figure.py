"""The figure of a comparison over datasets, and the section of the report that shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from study.plan.plan import Plan
from study.show.figures import datasets_figure as figures
from study.show.figures.datasets_figure import Profile
from study.show.page.report import render
from study.show.results import Results
from study.store.layout import Store
from tests.show.records import Outcome, draw, records, stored, summary_table
from tests.show.test_figures import texts
from tests.show.test_over_datasets import ARMS, LOST, comparison, outcome, summary_of


def test_six_datasets_have_diagrams_and_fewer_only_profiles(
    planned: Callable[..., Plan], tables: Callable[[int], str]
) -> None:
    for count, names in ((2, "profile"), (3, "diagram")):
        plan = planned(comparison(f"digits, breast_cancer, wine, {tables(count)}", "test_accuracy, test_loss"))
        over = figures.panels(plan, plan.comparisons[0], summary_of(plan))
        profiled = [panel.metric for panel in over if isinstance(panel, Profile)]
        assert (len(over) - len(profiled), profiled) == ({"profile": 0, "diagram": 2}[names], ["test_loss"])
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

    over = figures.panels(plan, plan.comparisons[0], summary_of(plan, turns))
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
    over = figures.panels(plan, plan.comparisons[0], summary_table(plan, found).to_pandas())
    assert "n = 6 datasets" in texts(figures.draw(over))
    assert len(set(over[0].looks.values())) == arms


def test_the_report_shows_the_table_and_the_figure(planned: Callable[..., Plan], tmp_path: Path) -> None:
    plan = planned(comparison(metrics="test_accuracy, test_loss"), seeds=6)
    path, _ = stored(plan, records(plan, outcome), tmp_path)
    page = render(Results(plan, Store(tmp_path)))
    assert "Over 3 datasets" in page
    assert "rank by test loss" in page
    assert "The figure over datasets could not be drawn." in page
    draw(path, "datasets", "o")
    for ending in ("svg", "png", "pdf"):
        assert (path.parent / "figures" / "datasets" / f"o.{ending}").exists()
    page = render(Results(plan, Store(tmp_path)))
    assert "The figure over datasets could not be drawn." not in page
    assert 'id="datasets-o-' in page
    assert "Performance profiles (Dolan and Moré, 2002) of test loss" in page

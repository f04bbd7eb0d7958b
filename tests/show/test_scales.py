"""Axes of figures: where a run or an arm is far out, the rest keeps its room, and everything is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from study.plan.plan import Plan
from study.show.figures import results_figure
from study.show.figures.scales import parts, spaced
from tests.show.records import figure_data, records

ARMS = "o: {vary: {dropout: [0, 0.1, 0.2, 0.3]}, metrics: [test_accuracy]}"
FAR: Mapping[str, Callable[[str, int], bool]] = {
    "an arm": lambda label, seed: label == "dropout=0.2",
    "a run": lambda label, seed: (label, seed) == ("dropout=0.2", 3),
    "nothing": lambda label, seed: False,
}


def shares(ax: Axes, axis: Axis, values: np.ndarray) -> np.ndarray:
    """Where values are on an axis, from 0 to 1."""
    places = np.column_stack([values, np.full(len(values), np.mean(ax.get_ylim()))])
    return ax.transAxes.inverted().transform(ax.transData.transform(places))[:, 0]


@pytest.mark.parametrize("case", FAR)
def test_what_is_far_out_squeezes_nothing_and_is_drawn(planned: Callable[..., Plan], case: str) -> None:
    plan = planned(ARMS, seeds=32)  # of fewer the interval of an arm with one far run fills the gap
    steady = {"pace": 0.5}
    found = records(
        plan, lambda label, seed: steady | {"level": 0.11 if FAR[case](label, seed) else 0.95 + 0.002 * (seed % 5)}
    )
    evidence = figure_data(plan, found)
    [_, ax] = results_figure.draw(evidence).axes
    drawn = np.concatenate([np.ma.getdata(dots.get_offsets())[:, 0] for dots in ax.collections])
    assert sorted(drawn) == pytest.approx(sorted(100 * found.runs["test_accuracy"]))
    at = shares(ax, ax.xaxis, drawn)
    assert ((at >= 0) & (at <= 1)).all()
    near = at[drawn > 50]
    assert np.ptp(near) > (0.05 if case == "a run" else 0.5)  # uncut it is 0.01; the interval of that arm is wide
    assert ("scale is cut" in ax.get_xlabel()) == (case != "nothing")
    if case == "an arm":
        ticks = dict(zip(ax.get_xticks(), shares(ax, ax.xaxis, ax.get_xticks()), strict=True))
        assert min(ticks) == pytest.approx(drawn.min())
        assert sum(tick > 50 for tick in ticks) > 1


def test_what_is_far_follows_from_the_median_distance_from_the_median() -> None:
    """By hand: the median is 5, the distances 4 3 2 1 0 1 2 3 95, of which those that are not 0 have the median 2.5."""
    values = np.array([1, 2, 3, 4, 5, 6, 7, 8, 100.0])
    assert parts(values).near == (1, 8)
    assert list(parts(values).above) == [100]
    assert parts(np.array([*values[:-1], 40])).near == (1, 40)  # 35 away, not 37.5
    assert parts(np.array([10, 96.5, 97, 97.5, 98])).near == (96.5, 98)
    assert parts(np.array([10, 10.5, 97, 97.5])).near == (10, 97.5)  # two of two are no outlier
    assert parts(10.0 ** values[:-1], log=True).near == (10, 1e8)
    assert parts(10.0 ** np.array([1, 1.1, 1.2, 1.3, 9]), log=True).near == pytest.approx((10, 10**1.3))
    assert np.isnan(parts([]).near).all()
    assert parts([3, 3, 3, np.inf]).near == (3, 3)


NEAR = [0.1, 0.2, 0.3, 0.15, 0.22, 0.12]
EXTREME = {
    "one huge": [*NEAR, 1e300],
    "negative": [-500, *(-x for x in NEAR)],
    "both sides": [-90, *NEAR, 90],
    "logarithmic": [1e-20, *10.0 ** np.linspace(0, 3, 12), 1e30],
}


@pytest.mark.parametrize("case", EXTREME)
def test_a_cut_axis_keeps_the_order_and_shows_all(case: str) -> None:
    ax, values = Figure().subplots(), np.sort(EXTREME[case])
    spaced(ax.xaxis, values)
    at = shares(ax, ax.xaxis, values)
    assert ax.get_xscale() == ("cut log" if case == "logarithmic" else "cut")
    assert (np.diff(at) > 0).all()
    assert 0 < at[0] < at[-1] < 1
    assert {float(values[0]), float(values[-1])} & {*ax.get_xticks()}

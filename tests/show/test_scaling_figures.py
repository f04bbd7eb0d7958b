"""The figure of a comparison of numbers of devices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from study.plan.plan import Plan
from study.show.figures import results_figure
from study.show.figures.data import Evidence
from study.show.figures.panel import save
from study.show.figures.panels.points import Rounds, Speedup
from study.show.records import Records
from tests.show.records import figure_data, on_devices, records
from tests.show.test_figures import texts
from tests.show.test_scaling import STEPS

GPUS = """
o:
  vary: {gpus: [1, 2, 4]}
  metrics: [train_seconds, speedup, step_seconds]
  reported:
    source: A paper
    gpus=1: {speedup: 1x}
    gpus=2: {speedup: 1.7x}
    gpus=4: {speedup: 3x}
"""


def evidence(plan: Plan, found: Records) -> Evidence:
    return figure_data(plan, found)


@pytest.fixture
def cpu(planned: Callable[..., Plan]) -> Evidence:
    plan = planned(GPUS)
    return evidence(plan, on_devices(plan, records(plan), STEPS))


def lines(ax: Axes, marker: str) -> list[Line2D]:
    return [line for line in ax.get_lines() if line.get_marker() == marker]


def shaded(ax: Axes) -> list[float]:
    """Where shading begins."""
    return [patch.get_xy()[0] for patch in ax.patches]  # type: ignore[attr-defined]


def test_speedup_stands_beside_the_time_of_a_step(cpu: Evidence) -> None:
    kinds = [(type(panel), panel.metric) for panel in results_figure.panels(cpu)]
    assert kinds == [(Speedup, "speedup"), (Rounds, "step_seconds")]
    figure = results_figure.draw(cpu)
    shown = texts(figure)
    for text in ("CPU workers", "speedup (×, CPU workers)", "time per step (s, CPU workers)", "reported", "ideal"):
        assert text in shown
    assert "more workers than the 2 cores" in shown
    assert "n = 8 timing rounds per arm" in shown
    assert "GPUs" not in shown


def test_every_round_the_medians_and_the_reported_are_where_they_belong(cpu: Evidence) -> None:
    [ax, _] = results_figure.draw(cpu).axes
    for part, devices in zip(ax.collections, (2, 4), strict=True):  # rounds; that of the reference is always 1
        x, y = np.ma.getdata(part.get_offsets()).T
        assert len(y) == 8
        assert ((x > devices) & (x < devices * 1.5)).all()
        assert np.median(y) == pytest.approx(10e-3 / STEPS[devices], rel=0.01)
    medians = {line.get_xdata()[0]: line.get_ydata()[0] for line in lines(ax, "D")}  # type: ignore[index]
    assert medians == pytest.approx({1: 1, 2: 10 / 7, 4: 10 / 11}, rel=0.01)
    [reported] = [line for line in lines(ax, "o") if line.get_markerfacecolor() == "none"]
    assert dict(zip(reported.get_xdata(), reported.get_ydata(), strict=True)) == {1: 1.0, 2: 1.7, 4: 3.0}  # type: ignore[arg-type]
    [perfect] = [line for line in ax.get_lines() if line.get_linewidth() == 0.8]
    assert list(perfect.get_xdata()) == list(perfect.get_ydata())
    assert list(ax.get_xticks()) == [1, 2, 4]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert shaded(ax) == [2.5]


def test_the_caption_says_what_the_marks_are(cpu: Evidence) -> None:
    text = results_figure.caption(cpu)
    for words in (
        "Open circles: as reported (A paper). Thin line: ideal.",
        "Shaded: more CPU workers than the 2 cores that they share.",
        "Training time is the time of a step, times the steps of the budget.",
        "n = 8 timing rounds per arm.",
    ):
        assert words in text
    assert "{" not in text


def test_on_gpus_there_are_no_cores_to_share(planned: Callable[..., Plan]) -> None:
    plan = planned(GPUS)
    found = evidence(plan, on_devices(plan, records(plan), STEPS, device="H100", cores=16))
    figure = results_figure.draw(found)
    shown, text = texts(figure), results_figure.caption(found)
    assert "GPUs" in shown
    assert "speedup (×)" in shown
    assert not shaded(figure.axes[0])
    assert "CPU" not in text + shown
    assert "core" not in text + shown


@pytest.mark.parametrize("missing", [(), (1,), (4,), (1, 2, 4)])
@pytest.mark.parametrize("metrics", ["speedup", "speedup, train_seconds", "speedup, step_seconds, test_accuracy"])
def test_whatever_was_timed_can_be_drawn(planned: Callable[..., Plan], metrics: str, missing: tuple[int, ...]) -> None:
    plan = planned(f"o: {{vary: {{gpus: [1, 2, 4]}}, metrics: [{metrics}]}}")
    steps = {n: seconds for n, seconds in STEPS.items() if n not in missing}
    found = evidence(plan, on_devices(plan, records(plan), steps))
    shown = texts(results_figure.draw(found))
    assert ("could not be timed" in shown) == (1 in missing)  # without one device there is no speedup
    assert "no run" not in shown
    assert ("n = 8 seeds per arm" in shown) == ("test_accuracy" in metrics)
    assert results_figure.caption(found).startswith("(a) Speedup" if "," in metrics else "Speedup")


def test_nothing_is_drawn_before_anything_was_timed(planned: Callable[..., Plan]) -> None:
    plan = planned(GPUS)
    found = evidence(plan, records(plan, timed=False))
    assert texts(results_figure.draw(found)).count("not timed yet") == 2


def test_many_numbers_of_devices_are_still_points_on_one_line(planned: Callable[..., Plan]) -> None:
    counts = list(range(1, 13))
    plan = planned(f"o: {{vary: {{gpus: {counts}}}, metrics: [speedup, memory_mib]}}")
    found = evidence(plan, on_devices(plan, records(plan), {n: 1e-2 / n for n in counts}, device="H100"))
    assert [type(panel) for panel in results_figure.panels(found)] == [Speedup, Rounds]
    medians = {x.get_xdata()[0]: x.get_ydata()[0] for x in lines(results_figure.draw(found).axes[0], "D")}  # type: ignore[index]
    assert medians == pytest.approx({n: n for n in counts}, rel=0.02)


def test_the_file_is_the_same_bytes_each_time(cpu: Evidence, tmp_path: Path) -> None:
    for name in ("one", "two"):
        save(results_figure.draw(cpu), tmp_path / name, results_figure.caption(cpu))
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()

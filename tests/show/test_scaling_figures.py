"""The figure of a comparison of numbers of devices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from study.plan.plan import Plan
from study.show import figures
from study.show.figures import dots, scaling, step_parts
from study.show.figures import style as page
from study.show.figures.data import Evidence
from study.show.records import Records
from study.show.scaling import Model
from tests.show.records import figure_data, on_devices, records
from tests.show.test_figures import texts
from tests.show.test_scaling import STEPS, SUMS

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
    return evidence(plan, on_devices(plan, records(plan), STEPS, sums=SUMS))


def lines(ax: Axes, marker: str) -> list[Line2D]:
    return [line for line in ax.get_lines() if line.get_marker() == marker]


def shaded(ax: Axes) -> list[float]:
    """Where shading begins."""
    return [patch.get_xy()[0] for patch in ax.patches]  # type: ignore[attr-defined]


def test_speedup_stands_beside_the_time_of_a_step(cpu: Evidence) -> None:
    assert figures.panels(cpu) == [(scaling.draw, "speedup"), (step_parts.draw, "step_seconds")]
    figure = figures.draw(cpu)
    shown = texts(figure)
    for text in ("CPU workers", "speedup (×, CPU workers)", "time per step (ms, CPU workers)", "reported", "model"):
        assert text in shown
    assert "more workers than the 2 cores" in shown
    assert "n = 8 timing rounds per arm" in shown
    assert "GPUs" not in shown


def test_every_round_the_medians_the_reported_and_the_predicted_are_where_they_belong(cpu: Evidence) -> None:
    [ax, _] = figures.draw(cpu).axes
    for part, devices in zip(ax.collections, (2, 4), strict=True):  # rounds; that of the reference is always 1
        x, y = np.ma.getdata(part.get_offsets()).T
        assert len(y) == 8
        assert ((x > devices) & (x < devices * 1.5)).all()
        assert np.median(y) == pytest.approx(10e-3 / STEPS[devices], rel=0.01)
    medians = {line.get_xdata()[0]: line.get_ydata()[0] for line in lines(ax, "D")}  # type: ignore[index]
    assert medians == pytest.approx({1: 1, 2: 10 / 7, 4: 10 / 11}, rel=0.01)
    [reported] = [line for line in lines(ax, "o") if line.get_markerfacecolor() == "none"]
    assert dict(zip(reported.get_xdata(), reported.get_ydata(), strict=True)) == {1: 1.0, 2: 1.7, 4: 3.0}  # type: ignore[arg-type]
    [predicted] = [line for line in ax.get_lines() if len(line.get_xdata()) == 32]  # type: ignore[arg-type]
    assert predicted.get_linestyle() == "--"
    assert predicted.get_ydata()[3] == pytest.approx(10 / 6.1, rel=0.01)  # type: ignore[index]
    assert list(ax.get_xticks()) == [1, 2, 4, 8, 16, 32, 64]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert shaded(ax) == [2.5]


def test_the_bars_add_up_to_what_the_model_predicts(cpu: Evidence) -> None:
    assert cpu.scaling
    assert isinstance(cpu.scaling.model, Model)
    [_, ax] = figures.draw(cpu).axes
    ends: dict[float, float] = {}
    for bar in ax.patches:
        place = round(bar.get_y(), 6)  # type: ignore[attr-defined]
        ends[place] = max(ends.get(place, 0), bar.get_x() + bar.get_width())  # type: ignore[attr-defined]
    wanted = [cpu.scaling.model.seconds(n) for n in (1, 2, 4)]
    assert [ends[place] for place in sorted(ends)] == pytest.approx(wanted)


def test_the_caption_says_what_the_model_assumes_with_its_numbers(cpu: Evidence) -> None:
    text = figures.caption(cpu)
    for words in (
        "Open circles: as reported (A paper).",
        "not fitted to the speedups",
        "each device, with a core of its own, to be as fast as the one measured",
        "the 2 ms of a step that do not depend on its rows do not shrink, the other 8 ms are split evenly",
        "ring all-reduce (Patarasuk and Yuan, 2009) at the latency (100 µs a message) and bandwidth (1 GB/s)",
        "measured between 2 CPU workers, with no overlap",
        "The line ends at 32, where each has one row of the batch.",
        "Shaded: more CPU workers than the 2 cores that they share.",
        "n = 8 timing rounds per arm.",
    ):
        assert words in text
    assert "{" not in text


def test_on_gpus_there_are_no_cores_to_share(planned: Callable[..., Plan]) -> None:
    plan = planned(GPUS)
    found = evidence(plan, on_devices(plan, records(plan), STEPS, sums={2: (0.1e-3, 0.1e-3)}, device="H100", cores=16))
    figure = figures.draw(found)
    shown, text = texts(figure), figures.caption(found)
    assert "GPUs" in shown
    assert "speedup (×)" in shown
    assert not shaded(figure.axes[0])
    assert "CPU" not in text + shown
    assert "core" not in text + shown
    assert "(50 µs a message) measured between 2 GPUs (where its size made no difference)" in text


def test_without_a_model_the_caption_says_why(planned: Callable[..., Plan]) -> None:
    plan = planned(GPUS)
    found = evidence(plan, on_devices(plan, records(plan), STEPS, row=None, cores=None))
    figure = figures.draw(found)
    assert "No model: the part of a step that does not depend on its rows was not measured." in figures.caption(found)
    assert not [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "--"]
    assert "model" not in texts(figure)
    assert not figure.axes[1].patches
    assert not shaded(figure.axes[0])


@pytest.mark.parametrize("missing", [(), (1,), (4,), (1, 2, 4)])
@pytest.mark.parametrize("metrics", ["speedup", "speedup, train_seconds", "speedup, step_seconds, test_accuracy"])
def test_whatever_was_timed_can_be_drawn(planned: Callable[..., Plan], metrics: str, missing: tuple[int, ...]) -> None:
    plan = planned(f"o: {{vary: {{gpus: [1, 2, 4]}}, metrics: [{metrics}]}}")
    steps = {n: seconds for n, seconds in STEPS.items() if n not in missing}
    found = evidence(plan, on_devices(plan, records(plan), steps, sums=SUMS))
    shown = texts(figures.draw(found))
    assert ("could not be timed" in shown) == (1 in missing)  # without one device there is no speedup
    assert "no run" not in shown
    assert ("n = 8 seeds per arm" in shown) == ("test_accuracy" in metrics)
    assert figures.caption(found).startswith("(a) Speedup" if "," in metrics else "Speedup")


def test_nothing_is_drawn_before_anything_was_timed(planned: Callable[..., Plan]) -> None:
    plan = planned(GPUS)
    found = evidence(plan, records(plan, timed=False))
    assert texts(figures.draw(found)).count("not timed yet") == 2


def test_many_numbers_of_devices_are_still_points_on_one_line(planned: Callable[..., Plan]) -> None:
    counts = list(range(1, 13))
    plan = planned(f"o: {{vary: {{gpus: {counts}}}, metrics: [speedup, memory_mib]}}")
    found = evidence(plan, on_devices(plan, records(plan), {n: 1e-2 / n for n in counts}, device="H100"))
    assert [panel.draw for panel in figures.panels(found)] == [scaling.draw, dots.draw_rounds]
    medians = {x.get_xdata()[0]: x.get_ydata()[0] for x in lines(figures.draw(found).axes[0], "D")}  # type: ignore[index]
    assert medians == pytest.approx({n: n for n in counts}, rel=0.02)


def test_bars_begin_at_zero_however_far_step_times_are_apart(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {gpus: [1, 32]}, metrics: [speedup, step_seconds]}")
    steps = {1: 1e-2, 32: 1e-4}
    found = evidence(plan, on_devices(plan, records(plan), steps, sums={32: (2e-2, 1e-3)}, device="H100"))
    ax = figures.draw(found).axes[1]
    assert ax.get_xscale() == "linear"
    assert ax.get_xlim()[0] == 0


def test_the_file_is_the_same_bytes_each_time(cpu: Evidence, tmp_path: Path) -> None:
    for name in ("one", "two"):
        page.save(figures.draw(cpu), tmp_path / name, figures.caption(cpu))
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()

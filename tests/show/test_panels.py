"""Panels by themselves: bands, empty panels, intervals past the budget, captions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from study.plan.plan import Plan
from study.show.figures import results_figure
from study.show.figures.panels.matrix import Ranked
from study.show.figures.panels.points import Dots, Times
from tests.show.records import Outcome, figure_data, records
from tests.show.test_figures import texts

OPTIMIZERS = "{optimizer: [sgd, {name: adam, lr: 0.01}]}"
DIVERGED = {"status": "diverged", "reason": "loss not finite"}


@pytest.mark.parametrize("metric", ["test_accuracy", "test_loss"])
def test_no_band_where_nearly_all_seeds_diverged(planned: Callable[..., Plan], metric: str) -> None:
    """Diverged runs stop at epoch 4: with 7 of 8 no quartile exists after it, and nothing may be shaded there."""
    plan = planned(f"o: {{vary: {OPTIMIZERS}, metrics: [{metric}]}}")
    found = records(plan, lambda label, seed: DIVERGED if label == "adam" and seed else {})
    figure = results_figure.draw(figure_data(plan, found))
    bands = [band.get_paths()[0].vertices for band in figure.axes[0].collections]
    assert sorted(vertices[:, 0].max() for vertices in bands) == [4, 8]


def test_a_band_goes_to_the_edge_where_only_its_worse_side_diverged(planned: Callable[..., Plan]) -> None:
    plan = planned(f"o: {{vary: {OPTIMIZERS}, metrics: [test_loss]}}")
    found = records(plan, lambda label, seed: DIVERGED if label == "adam" and seed < 3 else {})
    figure = results_figure.draw(figure_data(plan, found))
    bands = [band.get_paths()[0].vertices for band in figure.axes[0].collections]
    highest = max(line.get_ydata().max() for line in figure.axes[0].get_lines() if len(line.get_ydata()) > 2)
    last = [vertices[vertices[:, 0] == 8][:, 1].max() for vertices in bands]
    assert max(last) >= highest


SLOW = {"level": 0.5}  # the target is 90 %
EMPTY: dict[str, tuple[str, str, Outcome, bool, str]] = {
    "unreached": ("epochs_to_target", "init: [zeros, he_normal]", lambda label, seed: SLOW, True,
                  "no run reached the target"),
    "unreached, timed": ("seconds_to_target", "init: [zeros, he_normal]", lambda label, seed: SLOW, True,
                         "no run reached the target"),
    "untimed": ("seconds_to_target", "init: [zeros, he_normal]", lambda label, seed: {}, False, "not timed yet"),
    "diverged": ("test_loss", "init: [zeros, he_normal]", lambda label, seed: DIVERGED, True, "no run finished"),
    "missing": ("test_loss", "init: [zeros, he_normal]", lambda label, seed: {"status": "missing"}, True,
                "no runs yet"),
}  # fmt: skip


@pytest.mark.parametrize("case", EMPTY)
def test_dots_and_ranks_give_the_same_true_reason_for_an_empty_panel(planned: Callable[..., Plan], case: str) -> None:
    metric, values, end, timed, reason = EMPTY[case]
    plan = planned(f"o: {{vary: {{{values}}}, metrics: [{metric}]}}")
    evidence = figure_data(plan, records(plan, end, timed=timed))
    for kind in (Dots, Ranked):
        figure = Figure()
        kind(evidence, metric).draw(figure.subplots())
        assert reason in texts(figure).splitlines()


def test_an_interval_past_the_budget_is_an_arrow_to_the_edge(planned: Callable[..., Plan]) -> None:
    plan = planned(f"o: {{vary: {OPTIMIZERS}, metrics: [epochs_to_target]}}")
    found = records(plan, lambda label, seed: {"level": 0.95 if seed < 5 else 0.5, "pace": 1 + seed / 10})
    evidence = figure_data(plan, found)
    figure = Figure()
    ax = figure.subplots()
    Times(evidence, "epochs_to_target").draw(ax)
    arrows = [text for text in ax.texts if isinstance(text, Annotation) and text.arrow_patch]
    assert [(arrow.xycoords[0], arrow.xy[0]) for arrow in arrows] == [("axes fraction", 1)] * 2
    assert all(ax.get_xlim()[0] < arrow.xyann[0] < ax.get_xlim()[1] for arrow in arrows)
    assert "arrow" in str(Times.__doc__)


@pytest.mark.parametrize(("kinds", "told"), [(3, True), (9, False)])
def test_the_caption_of_ranks_speaks_of_colours_only_where_they_differ(
    planned: Callable[..., Plan], kinds: int, told: bool
) -> None:
    sizes, rates = list(range(10, 10 + kinds)), [i / 20 for i in range(15)]
    plan = planned(f"o: {{vary: {{batch_size: {sizes}, dropout: {rates}}}, metrics: [test_loss]}}", seeds=1)
    evidence = figure_data(plan, records(plan))
    assert Ranked in [type(panel) for panel in results_figure.panels(evidence)]
    assert ("colours and markers" in results_figure.caption(evidence)) == told


def test_every_kind_of_panel_has_a_caption_and_a_place() -> None:
    known = results_figure.kinds()
    assert {kind.__name__ for kind in known} >= {"Dots", "HeatMap", "LearningCurves", "Speedup", "TrainTest"}
    assert [kind.place for kind in known] == sorted(kind.place for kind in known)
    assert all("etric}" in str(kind.__doc__) for kind in known)

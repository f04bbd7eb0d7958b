"""What a study file says of how figures look: width, font, palette, formats, panels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from study.plan.plan import Plan
from study.plan.style import FigureStyle, Style
from study.show.figures import results_figure
from study.show.figures.panel import save
from study.show.figures.panels.curves import LearningCurves
from study.show.figures.panels.points import Dots
from tests.show.records import figure_data, records
from tests.show.test_figures import KINDS


@pytest.mark.parametrize(
    ("style", "inches", "colours"),
    [
        (Style(width="85 mm", palette=("#112233", "#445566")), 85 / 25.4, {"#112233", "#445566"}),
        (Style(width="slide", palette="Dark2"), 6.0, {"#1b9e77", "#d95f02"}),  # as ColorBrewer has it
        (Style(), 7.2, {"#0173b2", "#de8f05"}),
    ],
)
def test_figures_have_the_width_and_the_colours_of_the_style(
    planned: Callable[..., Plan], style: Style, inches: float, colours: set[str]
) -> None:
    plan = planned(KINDS["curves and dots"][0], seeds=2).model_copy(update={"style": style})
    figure = results_figure.draw(figure_data(plan, records(plan)))
    assert figure.get_size_inches()[0] == pytest.approx(inches)
    lines = {line.get_color() for line in figure.axes[0].get_lines() if len(line.get_xdata()) > 2}
    assert lines == colours
    beside = len({round(ax.get_position().x0, 1) for ax in figure.axes})
    assert beside == (1 if inches < 5 else 2)


def test_a_style_names_its_font_and_its_formats(planned: Callable[..., Plan], tmp_path: Path) -> None:
    """A font that matplotlib brings; the page needs the SVG, whatever else is wanted."""
    style = Style(font="DejaVu Serif", formats=("pdf",))
    plan = planned(KINDS["very many"][0], seeds=2).model_copy(update={"style": style})
    save(results_figure.draw(figure_data(plan, records(plan))), tmp_path / "one", style=style)
    assert sorted(path.suffix for path in tmp_path.glob("one.*")) == [".pdf", ".svg"]
    assert "'DejaVu Serif'" in (tmp_path / "one.svg").read_text()


@pytest.mark.parametrize(
    ("panels", "kinds"),
    [
        (("test_accuracy", "curves"), [Dots, LearningCurves]),
        (("curves",), [LearningCurves]),
        (("weight_norm",), [Dots]),
    ],
)
def test_a_figure_has_the_panels_that_are_chosen(
    planned: Callable[..., Plan], panels: tuple[str, ...], kinds: list[type]
) -> None:
    plan = planned(KINDS["curves and dots"][0], seeds=2)
    one = plan.comparisons[0].model_copy(update={"figure": FigureStyle(panels=panels)})
    evidence = figure_data(plan.model_copy(update={"comparisons": (one,)}), records(plan))
    assert [type(panel) for panel in results_figure.panels(evidence)] == kinds
    assert len(results_figure.draw(evidence).axes) == len(panels)

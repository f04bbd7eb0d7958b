"""The figure of a comparison over datasets: critical-difference diagrams, then performance profiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from study.errors import Refused
from study.metrics import METRICS
from study.plan.datasets import Across, has_figure, is_cost
from study.plan.datasets import across as arms_across
from study.plan.plan import Plan, PlannedComparison
from study.show.figures import critical_difference as critical
from study.show.figures import performance_profile as profile
from study.show.figures.data import COLOURS
from study.show.figures.style import LETTERS, WIDTH, Palette, legend_above, letter, note, page, sentence
from study.show.tables.rank_table import Scores, scores
from study.stats.exact import DATASETS, decidable, fewest_seeds
from study.wording import listed

ALL, MOST = len(COLOURS), len(COLOURS) - 1  # arms with a colour of their own; where the others are grey


class OverDatasets(NamedTuple):
    """What the figure is drawn from: what every arm has of every metric on every dataset."""

    found: Across
    scores: dict[str, Scores]  # by metric

    @classmethod
    def of(cls, plan: Plan, comparison: PlannedComparison, summary: pd.DataFrame) -> OverDatasets:
        """``summary`` is that of the study. Raises Refused where there is nothing to draw over datasets."""
        found = arms_across(plan, comparison)
        if found is None or not has_figure(found, comparison.metrics):
            raise Refused([f"{comparison.name}: there is no figure of it over datasets"])
        rows = summary[summary["comparison"] == comparison.name]
        return cls(found, {metric: scores(found, rows, metric) for metric in comparison.metrics})

    @property
    def tested(self) -> list[str]:
        """The metrics with a critical-difference diagram."""
        return list(self.scores) if len(self.found.datasets) >= DATASETS else []

    @property
    def profiled(self) -> list[str]:
        """The metrics with a performance profile."""
        return [metric for metric in self.scores if is_cost(metric)]


def draw(over: OverDatasets) -> Figure:
    """The figure. Its caption is ``caption(over)``."""
    palette = Palette(over.found.arms, _coloured(over))
    with page() as figure:
        panels = _lay_out(figure, over)
        for i, (ax, (kind, metric)) in enumerate(panels):
            kind(ax, palette, metric, over.scores[metric])
            letter(ax, i, len(panels))
        note(figure.axes[0], f"n = {len(over.found.datasets)} datasets")
        if over.profiled:
            legend_above(figure, _handles(palette))
    return figure


def caption(over: OverDatasets) -> str:
    """What the panels show, and what so few datasets can tell."""
    parts = []
    kinds = ((critical.draw, over.tested, 0), (profile.draw, over.profiled, len(over.tested)))
    several = len(over.tested) + len(over.profiled) > 1
    for kind, metrics, first in kinds:
        if not metrics:
            continue
        named = listed(METRICS[metric].title for metric in metrics)
        text = sentence(kind, metric=named, more=_more(over, kind))
        letters = ", ".join(LETTERS[(first + i) % 26] for i in range(len(metrics)))
        parts.append(f"({letters}) {text}" if several else text)
    return " ".join([*parts, f"n = {len(over.found.datasets)} datasets."])


def _more(over: OverDatasets, kind: Callable[..., None]) -> str:
    """What is to be known of this figure in particular."""
    arms, datasets = len(over.found.arms), len(over.found.datasets)
    if kind is profile.draw:
        lost = any((over.scores[metric].lost > 0).any() for metric in over.profiled)
        few = f" Grey: all but the {MOST} arms with the largest areas under their profiles." if arms > ALL else ""
        return " A dataset on which runs diverged, or too few reached the target, counts as one without." * lost + few
    pairs = arms * (arms - 1) // 2
    if decidable(datasets) >= pairs:
        return ""
    return (
        f" No outcome of {datasets} datasets can tell any two of {arms} arms apart: "
        f"{pairs} pairs need at least {fewest_seeds(pairs)}."
    )


def _lay_out(figure: Figure, over: OverDatasets) -> list[tuple[Axes, tuple[Callable[..., None], str]]]:
    """Diagrams under each other, as wide as the page; profiles two in a row, under them."""
    tested, profiled = over.tested, over.profiled
    rows = -(-len(profiled) // 2)
    heights = [critical.height(metric, over.scores[metric]) for metric in tested] + [2.5] * rows
    figure.set_size_inches(WIDTH if tested or len(profiled) > 1 else WIDTH * 0.7, sum(heights) + 0.35)
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
    axes = [figure.add_subplot(grid[i, :]) for i in range(len(tested))]
    wide = len(profiled) == 1
    axes += [
        figure.add_subplot(grid[len(tested) + i // 2, slice(None) if wide else i % 2]) for i in range(len(profiled))
    ]
    return list(zip(axes, [(critical.draw, m) for m in tested] + [(profile.draw, m) for m in profiled], strict=True))


def _coloured(over: OverDatasets) -> list[str]:
    """The arms with a colour, in their order: those with the largest areas under their profiles, where not all can."""
    arms = over.found.arms
    if len(arms) <= ALL:
        return list(arms)
    area = np.sum([profile.areas(over.scores[metric]) for metric in over.profiled], axis=0) + np.zeros(len(arms))
    return [arms[i] for i in sorted(np.argsort(-area, kind="stable")[:MOST])]


def _handles(palette: Palette) -> list[Line2D]:
    """The lines of the profiles, named."""
    return [
        Line2D([], [], color=palette.colour(x), linestyle=palette.dashes(x), marker=palette.marker(x), markersize=4.5,
               label=x)
        for x in palette.coloured
    ]  # fmt: skip

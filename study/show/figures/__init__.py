"""Figures: functions of tidy frames that return a matplotlib figure.

A kind of panel is a function ``draw(ax, evidence, metric)``; its docstring is its caption, where {metric} stands
for the metric's name.
"""

from __future__ import annotations

import inspect

import matplotlib

matplotlib.use("Agg")
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.metrics import METRICS
from study.show.figures import dots, heat_map, ranked, scaling, step_parts, train_test
from study.show.figures.data import Evidence
from study.show.figures.panels import FEW, Panel, panels
from study.show.figures.style import LETTERS, STYLE, WIDTH, arms_above
from study.show.formatting import listed
from study.show.tables.tuning import read_from, undertuned_arms
from study.stats.ranks import all_tie, stability


def draw(evidence: Evidence) -> Figure:
    """The figure of a comparison. Its caption is ``caption(evidence)``."""
    chosen = panels(evidence)
    with sns.axes_style("ticks", STYLE), matplotlib.rc_context(STYLE):
        figure = Figure(layout="constrained")
        axes = _lay_out(figure, chosen, evidence)
        for i, (ax, panel) in enumerate(zip(axes, chosen, strict=True)):
            panel.draw(ax, evidence, panel.metric)
            if len(chosen) > 1:
                ax.set_title(LETTERS[i % 26], loc="left", weight="bold", fontsize=9, x=-0.02)
        _legend(figure, chosen, evidence)
    return figure


def caption(evidence: Evidence) -> str:
    """What the figure shows, panel by panel, and how many runs stand behind it."""
    chosen = panels(evidence)
    kinds = {panel.draw: [other for other in chosen if other.draw is panel.draw] for panel in chosen}
    parts = [_sentence(alike, evidence) for alike in kinds.values()]
    if len(chosen) > 1:
        letters = [", ".join(LETTERS[chosen.index(panel) % 26] for panel in alike) for alike in kinds.values()]
        parts = [f"({letter}) {text}" for letter, text in zip(letters, parts, strict=True)]
    broken = [f"{label}: {evidence.broken(label)}" for label in evidence.labels if evidence.broken(label)]
    counted = _counted(evidence)
    if len(broken) > 6:
        counted += f"; {len(broken)} of {len(evidence.labels)} arms have runs that did not finish"
    elif broken:
        counted += f"; {'; '.join(broken)}"
    told = (
        f"{counted}.",
        repeated(evidence),
        read_from(evidence.comparison),
        undertuned_arms(evidence.comparison, evidence.chosen),
    )
    return " ".join(text for text in (*parts, *told) if text)


def repeated(evidence: Evidence) -> str:
    """How often the order of the arms by the first metric repeats under resampled seeds; empty where it has none."""
    metric, labels = evidence.comparison.metrics[0], evidence.labels
    if any(key.partition(".")[0] == "dataset" for key in evidence.comparison.keys):
        return ""  # an order of datasets
    rows = evidence.observed.of(metric).pivot(index="label", columns="seed", values=[metric, "status"])
    if not len(rows) or not set(labels) <= set(rows.index):
        return ""
    values = rows[metric].reindex(labels).to_numpy(dtype=float)
    ends = rows["status"].reindex(labels).to_numpy(dtype=str)
    worst = np.isinf(values) | (np.isnan(values) & (ends == "diverged"))
    share = stability(metric, values, worst)
    if share is None:
        return ""
    if all_tie(metric, values, worst):
        return f"All arms tie in {METRICS[metric].title}, so they have no order."
    percent = (
        f"{share * 100:.0f}" if share in (0, 1) or 0.005 <= share < 0.995 else "over 99" if share > 0.5 else "under 1"
    )
    what = "rounds" if METRICS[metric].per_round else "seeds"
    return f"The order of the arms by {METRICS[metric].title} repeats in {percent} % of resampled {what}."


def _sentence(alike: list[Panel], evidence: Evidence) -> str:
    """The docstring of a kind of panel, with the metrics of the panels of that kind."""
    titles = [METRICS[panel.metric].title for panel in alike]
    if alike[0].draw is train_test.draw:
        titles = [title.removeprefix("test ") for title in titles]
    named = listed(titles)
    text = " ".join(inspect.cleandoc(alike[0].draw.__doc__ or "").split())
    scale = "the logarithm of the error" if alike[0].metric.endswith("accuracy") else "its logarithm"
    told = {"told": ranked.told(evidence), "scaling": scaling.told(evidence), "parts": step_parts.told(evidence)}
    return text.format(scale=scale, metric=named, Metric=named[0].upper() + named[1:], **told)


def _counted(evidence: Evidence) -> str:
    """How many runs stand behind each arm; timing rounds where nothing else is shown."""
    rounds = max(
        (evidence.observed.of(p.metric)["seed"].nunique() for p in panels(evidence) if METRICS[p.metric].per_round),
        default=0,
    )
    if rounds and all(METRICS[panel.metric].per_round for panel in panels(evidence)):
        return f"n = {rounds} timing round{'s' * (rounds != 1)} per arm"
    seeds = evidence.comparison.seeds
    return f"n = {seeds} seed{'s' * (seeds != 1)} per arm"


def _lay_out(figure: Figure, chosen: list[Panel], evidence: Evidence) -> list[Axes]:
    """Axes for the panels: stacked where they are wide; else the curves left and the others beside them."""
    arms = len(evidence.labels)
    if chosen[0].draw in (heat_map.draw, ranked.draw):
        rows, _ = heat_map.shape(evidence.comparison) if chosen[0].draw is heat_map.draw else (0, 0)
        heights = [2.1 if p.draw is ranked.draw else 1.3 + min(0.24 * rows, 6.5) for p in chosen]
        figure.set_size_inches(WIDTH, sum(heights) + 0.3 * len(heights))
        return list(figure.subplots(len(chosen), 1, height_ratios=heights, squeeze=False)[:, 0])
    lines = 0.34 * sum(1 + evidence.named(label).count("\n") * 0.4 for label in evidence.labels) + 0.75
    if arms > FEW or len(chosen) > 4:
        columns = min(2, len(chosen))
        height = -(-len(chosen) // columns) * max(lines, 2.2) + 0.3
        figure.set_size_inches(WIDTH if columns > 1 else WIDTH * 0.7, height)
        grid = figure.subplots(-(-len(chosen) // columns), columns, squeeze=False).flat
        axes = list(grid)
        for spare in axes[len(chosen) :]:
            spare.set_axis_off()
        return axes[: len(chosen)]
    beside = chosen[1:]
    heights = [max(lines, 1.25) if panel.draw is dots.suited(panel.metric) else max(lines, 2.1) for panel in beside]
    if not beside:
        figure.set_size_inches(WIDTH * 0.7, 2.9)
        return [figure.add_subplot()]
    figure.set_size_inches(WIDTH, max(3.2 if evidence.scaling else 2.9, sum(heights) + 0.45))
    grid_spec = figure.add_gridspec(len(beside), 2, height_ratios=heights)
    return [figure.add_subplot(grid_spec[:, 0]), *(figure.add_subplot(grid_spec[i, 1]) for i in range(len(beside)))]


def _legend(figure: Figure, chosen: list[Panel], evidence: Evidence) -> None:
    """The arms, above the panels; and n."""
    arms = any(panel.legend for panel in chosen)
    if not arms and not evidence.scaling:
        figure.suptitle(_counted(evidence), x=0.99, ha="right", fontsize=8, color="0.25")
        return
    figure.axes[0].set_title(_counted(evidence), loc="right", fontsize=8, color="0.25")
    if evidence.scaling:
        marks = scaling.handles(evidence)
        figure.legend(handles=marks, loc="outside upper center", ncols=len(marks), frameon=False, handlelength=2)
    if not arms:
        return
    arms_above(figure, evidence)

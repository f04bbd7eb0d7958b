"""The figure of a comparison's results: the panels that suit its metrics, on one page."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.metrics import METRICS
from study.show.figures.data import Evidence
from study.show.figures.panels import Slot, panels
from study.show.figures.panels.panel import FEW, Panel, rows_height
from study.show.figures.style import LETTERS, WIDTH, arms_above, letter, note, page
from study.show.tables.tuning import read_from, undertuned_arms
from study.stats.ranks import all_tie, stability
from study.wording import counted, listed


def draw(evidence: Evidence) -> Figure:
    """The figure. Its caption is ``caption(evidence)``."""
    chosen = panels(evidence)
    with page() as figure:
        axes = _lay_out(figure, chosen, evidence)
        for i, (ax, (kind, metric)) in enumerate(zip(axes, chosen, strict=True)):
            kind.draw(ax, evidence, metric)
            letter(ax, i, len(chosen))
        _legend(figure, chosen, evidence)
    return figure


def caption(evidence: Evidence) -> str:
    """What the figure shows, panel by panel, and how many runs stand behind it."""
    chosen = panels(evidence)
    kinds: dict[Panel, list[int]] = {}
    for i, panel in enumerate(chosen):
        kinds.setdefault(panel.kind, []).append(i)
    parts = []
    for kind, places in kinds.items():
        metrics = [chosen[i].metric for i in places]
        text = kind.caption(evidence, metrics, listed(map(kind.title, metrics)))
        letters = ", ".join(LETTERS[i % 26] for i in places)
        parts.append(f"({letters}) {text}" if len(chosen) > 1 else text)
    broken = [f"{label}: {evidence.broken(label)}" for label in evidence.labels if evidence.broken(label)]
    if len(broken) > 6:
        broken = [f"{len(broken)} of {len(evidence.labels)} arms have runs that did not finish"]
    more = (
        f"{'; '.join([_behind(chosen, evidence), *broken])}.",
        repeated(evidence),
        read_from(evidence.comparison),
        undertuned_arms(evidence.comparison, evidence.chosen),
    )
    return " ".join(text for text in (*parts, *more) if text)


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


def _behind(chosen: list[Slot], evidence: Evidence) -> str:
    """How many runs stand behind each arm; timing rounds where nothing else is shown."""
    timed = [panel.metric for panel in chosen if METRICS[panel.metric].per_round]
    rounds = max((evidence.observed.of(metric)["seed"].nunique() for metric in timed), default=0)
    if rounds and len(timed) == len(chosen):
        return f"n = {counted(rounds, 'timing round')} per arm"
    return f"n = {counted(evidence.comparison.seeds, 'seed')} per arm"


def _lay_out(figure: Figure, chosen: list[Slot], evidence: Evidence) -> list[Axes]:
    """Axes for the panels: below each other where they are wide; else the first left and the others beside it."""
    first, *beside = [panel.kind for panel in chosen]
    if first.wide:
        heights = [panel.kind.height(evidence) for panel in chosen]
        figure.set_size_inches(WIDTH, sum(heights) + 0.3 * len(heights))
        return list(figure.subplots(len(chosen), 1, height_ratios=heights, squeeze=False)[:, 0])
    if len(evidence.labels) > FEW or len(chosen) > 4:
        columns = min(2, len(chosen))
        rows = -(-len(chosen) // columns)
        figure.set_size_inches(WIDTH if columns > 1 else WIDTH * 0.7, rows * max(rows_height(evidence), 2.2) + 0.3)
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        for spare in axes[len(chosen) :]:
            spare.set_axis_off()
        return axes[: len(chosen)]
    if not beside:
        figure.set_size_inches(WIDTH * 0.7, 2.9)
        return [figure.add_subplot()]
    heights = [kind.height(evidence) for kind in beside]
    figure.set_size_inches(WIDTH, max(first.least, sum(heights) + 0.45))
    grid = figure.add_gridspec(len(beside), 2, height_ratios=heights)
    return [figure.add_subplot(grid[:, 0]), *(figure.add_subplot(grid[i, 1]) for i in range(len(beside)))]


def _legend(figure: Figure, chosen: list[Slot], evidence: Evidence) -> None:
    """What the panels' own marks are, and the arms, above all; and n."""
    marks = [mark for kind in dict.fromkeys(panel.kind for panel in chosen) for mark in kind.handles(evidence)]
    arms = any(panel.kind.arms for panel in chosen)
    if not arms and not marks:
        figure.suptitle(_behind(chosen, evidence), x=0.99, ha="right", fontsize=8, color="0.25")
        return
    note(figure.axes[0], _behind(chosen, evidence))
    if marks:
        figure.legend(handles=marks, loc="outside upper center", ncols=len(marks), frameon=False, handlelength=2)
    if arms:
        arms_above(figure, evidence)

"""The share of runs that have reached the target, against time (Kaplan and Meier's curve, upside down)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from study.metrics import METRICS
from study.show.figures.data import Evidence
from study.show.figures.panels.panel import FEW, Panel
from study.show.figures.style import nothing


class ToTarget(Panel):
    """Share of runs that have reached the target, by {metric}. Every seed is a dot where it first did; a line
    that ends below 100 % is censored at the budget, with the count that reached beside it. Runs that diverged
    before the target count as unreached.
    """

    place, arms = 5, True

    def suits(self, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        return [m for m in metrics if METRICS[m].target] if len(evidence.labels) <= FEW else []

    def draw(self, ax: Axes, evidence: Evidence, metric: str) -> None:
        times = {label: np.sort(evidence.values(metric, label)["value"].to_numpy()) for label in evidence.labels}
        times = {label: values for label, values in times.items() if len(values)}
        if not times:
            nothing(ax, evidence.why_empty(metric))
        ends = {label: _budget(evidence, metric, label) for label in times}
        complete = all(np.isfinite(values).all() for values in times.values())
        last = max((values[np.isfinite(values)].max(initial=0) for values in times.values()), default=1)
        limit = 1.12 * last if complete else max([*ends.values(), last])
        if not np.isfinite(limit) or limit <= 0:
            limit = 1.0
        short: dict[float, list[str]] = {}
        for label, values in times.items():
            reached = values[np.isfinite(values)]
            share = np.arange(1, len(reached) + 1) / len(values) * 100
            end = limit if complete else min(max(ends[label], reached.max(initial=0)), limit)
            steps = pd.DataFrame({"x": [0, *reached, end], "y": [0, *share, share[-1] if len(share) else 0]})
            steps = steps.dropna().groupby("x")["y"].max().reset_index()
            sns.lineplot(
                steps, x="x", y="y", estimator=None, drawstyle="steps-post", ax=ax, legend=False, linewidth=1.5,
                color=evidence.colour(label), linestyle=evidence.dashes(label),
            )  # fmt: skip
            if len(reached):  # an empty line that is not clipped breaks the layout
                ax.plot(
                    reached, share, linestyle="", marker=evidence.marker(label), markersize=3.6, alpha=0.75,
                    color=evidence.colour(label), markeredgewidth=0, clip_on=False,
                )  # fmt: skip
            if len(reached) < len(values):
                at = float(share[-1]) if len(share) else 0.0
                ax.plot([end], [at], marker="|", markersize=8, color=evidence.colour(label), clip_on=False)
                short.setdefault(at, []).append(f"{label}: {len(reached)}/{len(values)}")
        for at, texts in short.items():
            ax.annotate(
                "\n".join(texts), (1, at), xycoords=("axes fraction", "data"), xytext=(-4, -3 if at > 50 else 3),
                textcoords="offset points", ha="right", va="top" if at > 50 else "bottom", fontsize="small",
                in_layout=False,
            )  # fmt: skip
        ax.set(xlabel=evidence.axis(metric), ylabel="runs that reached\nthe target (%)")
        ax.set_xlim(0, limit * 1.02)
        ax.set_ylim(-2, 104)
        ax.set_yticks([0, 25, 50, 75, 100])
        ax.xaxis.set_major_locator(MaxNLocator(5))


def _budget(evidence: Evidence, metric: str, label: str) -> float:
    """Where an arm's curve ends: its last evaluation, in the metric's unit."""
    curves = evidence.curves[evidence.curves["label"] == label]
    if metric == "epochs_to_target":
        return float(curves["epoch"].max())
    steps = float(curves["step"].max())
    return steps * evidence.step_seconds[metric].get(label, np.nan) if metric == "seconds_to_target" else steps

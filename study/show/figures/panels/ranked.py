"""All arms in the order of what was measured: for comparisons of very many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from study.metrics import METRICS
from study.show.figures.data import COLOURS, MARKERS, Evidence
from study.show.figures.panels.heat_map import is_matrix
from study.show.figures.panels.panel import SOME, Panel
from study.show.figures.style import nothing
from study.stats.estimates import estimate_of


class Ranked(Panel):
    """{Metric} of every seed (dots), arms ordered from worst to best by their estimate (black line){colours}.
    Arms without an estimate come first and are counted under the axis.
    """

    place, wide = 1, True

    def suits(self, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        if is_matrix(evidence.comparison):  # whose heat maps show no order
            return [evidence.comparison.metrics[0]]
        return list(metrics) if len(evidence.labels) > SOME else []

    def words(self, evidence: Evidence, metric: str) -> dict[str, str]:
        alike = len(set(_kinds(evidence).values()))
        told = f"; colours and markers tell the values of {evidence.comparison.keys[0]}"
        return {"colours": told * (1 < alike <= len(COLOURS))}

    def height(self, evidence: Evidence) -> float:
        return self.least

    def draw(self, ax: Axes, evidence: Evidence, metric: str) -> None:
        arms = _ranked(evidence, metric)
        values = _kinds(evidence)
        kinds = list(dict.fromkeys(values.values()))
        runs = evidence.observed.of(metric)
        runs = runs[np.isfinite(runs[metric].astype(float))]
        runs = runs.merge(arms[["label", "rank"]], on="label")
        if not len(runs):
            nothing(ax, evidence.why_empty(metric))
        for i, kind in enumerate(kinds if len(kinds) <= len(COLOURS) else [None]):
            part = runs if kind is None else runs[runs["label"].map(values) == kind]
            sns.scatterplot(
                part, x="rank", y=metric, ax=ax, legend=False, s=9, linewidth=0, alpha=0.7, color=COLOURS[i],
                marker=MARKERS[i], rasterized=len(runs) > 2000, label=kind or "",
            )  # fmt: skip
        ax.plot(arms["rank"], arms["estimate"], color="black", linewidth=1)
        without = int(arms["estimate"].isna().sum())
        unreached = f", {without} without an estimate" if without else ""
        ax.set(xlabel=f"arms, worst to best ({len(arms)}{unreached})", ylabel=evidence.axis(metric))
        ax.set_xlim(0, len(arms) + 1)
        if not METRICS[metric].percent and len(runs) and _wide(runs[metric]):
            ax.set_yscale("log")
        if 1 < len(kinds) <= len(COLOURS) and len(runs):
            columns = max(1, min(len(kinds), 100 // (max(map(len, kinds)) + 6)))  # else all panels shrink to make room
            ax.legend(ncols=columns, frameon=False, loc="lower left", bbox_to_anchor=(0, 0.98), markerscale=1.6,
                      borderaxespad=0, handletextpad=0.2, columnspacing=1.2)  # fmt: skip


def _kinds(evidence: Evidence) -> dict[str, str]:
    """The value of the first key that varies, by label."""
    keys = evidence.comparison.keys
    return {arm.label: arm.values.get(keys[0], "") if keys else "" for arm in evidence.comparison.arms}


def _ranked(evidence: Evidence, metric: str) -> pd.DataFrame:
    """Columns label, estimate and rank (1 is the worst; arms without an estimate first)."""
    rows = [
        (label, estimate_of(metric, evidence.observed.values(metric, label))[0])
        for label in evidence.comparison.labels.values()
    ]
    arms = pd.DataFrame(rows, columns=["label", "estimate"]).astype({"estimate": float})
    better = METRICS[metric].better
    arms = arms.sort_values("estimate", ascending=better == "higher", na_position="first", kind="stable")
    return arms.assign(rank=range(1, len(arms) + 1))


def _wide(values: pd.Series) -> bool:
    return bool(values.min() > 0 and values.max() / values.min() > 30)

"""Learning curves: a validation metric against epochs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from study.metrics import METRICS
from study.show.figures.data import Evidence
from study.show.figures.panels.panel import FEW, Panel
from study.show.figures.scales import error_scale, loss_scale
from study.show.figures.style import nothing

WORST = 1e300  # stands for a diverged run; not infinite, so that quantiles can be taken


class LearningCurves(Panel):
    """{Metric} after each epoch, spaced by {scale}. Line: median over seeds, a diverged seed counting as worst;
    band: the middle half of the seeds.
    """

    place, least, arms = 2, 2.9, True

    def suits(self, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        if evidence.scaling:  # several devices learn what one learns
            return []
        return [_watched(evidence)] if metrics and len(evidence.labels) <= FEW else []

    def covers(self, evidence: Evidence, metric: str) -> set[str]:
        return set()

    def words(self, evidence: Evidence, metric: str) -> dict[str, str]:
        return {"scale": "the logarithm of the error" if metric.endswith("accuracy") else "its logarithm"}

    def draw(self, ax: Axes, evidence: Evidence, metric: str) -> None:
        accuracy = metric.endswith("accuracy")
        frame = _spread(evidence, metric, worst=-WORST if accuracy else WORST)
        if not len(frame):
            nothing(ax, "no evaluations yet")
        for label in evidence.labels:
            arm = frame[frame["label"] == label]
            if not len(arm):
                continue
            sns.lineplot(
                arm, x="epoch", y="median", estimator=None, ax=ax, legend=False, color=evidence.colour(label),
                linestyle=evidence.dashes(label), linewidth=1.5, marker=evidence.marker(label),
                markevery=max(1, len(arm) // 8), markersize=4, markeredgewidth=0,
            )  # fmt: skip
            low, high = _band(arm, accuracy, edge=np.nanmax(frame[["low", "median", "high"]].to_numpy()))
            ax.fill_between(arm["epoch"], low, high, color=evidence.colour(label), alpha=0.16, linewidth=0)
        ax.set(xlabel="epochs", ylabel=f"{METRICS[metric].title} ({_unit(evidence, metric)})")
        ax.set_xlim(left=0)
        if accuracy:
            error_scale(ax, frame["low"].min(), frame["high"])
        elif len(frame):
            loss_scale(ax, frame["low"].min(), frame["high"].max())
        target = evidence.comparison.target
        if target and target.metric == metric and len(frame):
            level = target.value * 100 if accuracy else target.value
            ax.axhline(level, color="0.35", linewidth=0.8, linestyle=(0, (1, 2)))
            ax.annotate(
                "target", (0, level), xycoords=("axes fraction", "data"), xytext=(3, 2), textcoords="offset points",
                ha="left", va="bottom", color="0.35", fontsize="small", in_layout=False,
            )  # fmt: skip


def _watched(evidence: Evidence) -> str:
    """The validation metric whose curves suit what the comparison shows."""
    comparison = evidence.comparison
    if comparison.target and any(METRICS[metric].target for metric in comparison.metrics):
        return comparison.target.metric
    if not evidence.classes or comparison.metrics[0].endswith("_loss"):
        return "val_loss"
    return "val_accuracy"


def _band(arm: pd.DataFrame, accuracy: bool, edge: float) -> tuple[pd.Series, pd.Series]:
    """Where the band begins and ends: to ``edge`` (or 0 %) where its worse side diverged, nowhere where both did."""
    if accuracy:
        return arm["low"].fillna(0).where(arm["high"].notna()), arm["high"]
    return arm["low"], arm["high"].fillna(edge).where(arm["low"].notna())


def _unit(evidence: Evidence, metric: str) -> str:
    return METRICS[metric].shown if metric.endswith("accuracy") or evidence.classes else "squared error"


def _spread(evidence: Evidence, metric: str, worst: float) -> pd.DataFrame:
    """Columns label, epoch, median, low, high over seeds; a run that ended early counts as ``worst`` from there."""
    curves = evidence.curves[["label", "seed", "epoch", metric]]
    rows = []
    for label, arm in curves.groupby("label", sort=False):
        wide = arm.pivot(index="epoch", columns="seed", values=metric).astype(float)
        seen = wide.notna().any(axis=1)
        wide = wide[seen].fillna(worst)
        values = wide.to_numpy() * (100 if metric.endswith("accuracy") else 1)
        low, median, high = (np.quantile(values, q, axis=1, method="averaged_inverted_cdf") for q in (0.25, 0.5, 0.75))
        part = pd.DataFrame({"epoch": wide.index, "low": low, "median": median, "high": high})
        rows.append(part.mask(part.abs() > WORST / 1e9).assign(label=label, epoch=part["epoch"]))
    columns = ["label", "epoch", "low", "median", "high"]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)

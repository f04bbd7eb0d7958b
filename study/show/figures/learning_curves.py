"""Learning curves: a validation metric against epochs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from study.metrics import METRICS
from study.show.figures.data import Evidence

TICKS = np.array([0, 50, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9])  # percent

WORST = 1e300  # stands for a diverged run; not infinite, so that quantiles can be taken


def draw(ax: Axes, evidence: Evidence, metric: str) -> None:
    """{Metric} after each epoch, spaced by {scale}. Line: median over seeds, a diverged seed counting as worst;
    band: the middle half of the seeds.
    """
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
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7) if _close(frame) else (1,)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("")
    target = evidence.comparison.target
    if target and target.metric == metric and len(frame):
        level = target.value * 100 if accuracy else target.value
        ax.axhline(level, color="0.35", linewidth=0.8, linestyle=(0, (1, 2)))
        ax.annotate(
            "target", (0, level), xycoords=("axes fraction", "data"), xytext=(3, 2), textcoords="offset points",
            ha="left", va="bottom", color="0.35", fontsize="small", in_layout=False,
        )  # fmt: skip


def _band(arm: pd.DataFrame, accuracy: bool, edge: float) -> tuple[pd.Series, pd.Series]:
    """Where the band begins and ends: to ``edge`` (or 0 %) where its worse side diverged, nowhere where both did."""
    if accuracy:
        return arm["low"].fillna(0).where(arm["high"].notna()), arm["high"]
    return arm["low"], arm["high"].fillna(edge).where(arm["low"].notna())


def nothing(ax: Axes, reason: str) -> None:
    """Say on the panel why it is empty."""
    ax.text(0.5, 0.5, reason, transform=ax.transAxes, ha="center", va="center", color="0.35", style="italic")


def _close(frame: pd.DataFrame) -> bool:
    """Whether the values span less than a decade and a half, where ticks at 1, 10, 100 would be too few."""
    return bool(frame["high"].max() < 30 * frame["low"].min())


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


def error_scale(ax: Axes, low: float, high: pd.Series) -> None:
    """Accuracies spaced by the logarithm of their errors: 90, 95 and 98 % are as far apart as they matter.

    ``low`` is the lowest that is shown, ``high`` are the highest of each arm or epoch; in percent.
    """
    top, ticks = error_ticks(high)
    ax.set_yscale("function", functions=error_functions(top))
    ax.set_ylim(max(0.0, min(float(np.nan_to_num(low)), 50)), top)
    ax.set_yticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    ax.set_yticks([], minor=True)


def error_ticks(high: pd.Series) -> tuple[float, np.ndarray]:
    """The end of such a scale, a little above the highest accuracy that is not 100 %; and its ticks."""
    top, below = 99.95, high[high < 100].max()
    if np.isfinite(below):
        top = min(top, 100 - (100 - below) / 2)
    return top, TICKS[top > TICKS]


def error_functions(top: float) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """From accuracies to their places on such a scale, and back."""

    def forward(accuracy: Any) -> Any:
        return -np.log10(100 - np.minimum(accuracy, top))

    def inverse(place: Any) -> Any:
        return 100 - 10 ** -np.asarray(place)

    return forward, inverse

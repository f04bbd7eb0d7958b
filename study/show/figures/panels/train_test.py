"""Training against test: what an arm learned, and what carries over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from study.metrics import METRICS
from study.show.figures.data import Evidence
from study.show.figures.panels.panel import FEW, Panel
from study.show.figures.style import nothing, scatter, spread
from study.stats.estimates import estimate_of

SIDES = (("train", "0.55", "s", -0.14), ("test", "0.1", "o", 0.14))  # greys: colours stand for arms


class TrainTest(Panel):
    """{Metric} on the training and on the test rows. Every seed is a dot (open: a run that did not learn);
    diamond and bar: mean with its 95 % t interval.
    """

    place = 3

    def suits(self, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        if len(evidence.labels) > FEW:
            return []
        kinds = (kind for kind in ("accuracy", "loss") if {f"train_{kind}", f"test_{kind}"} <= set(metrics))
        return [f"test_{kind}" for kind in kinds][:1]

    def covers(self, evidence: Evidence, metric: str) -> set[str]:
        return {metric, metric.replace("test_", "train_")}

    def title(self, metric: str) -> str:
        return METRICS[metric].title.removeprefix("test ")

    def draw(self, ax: Axes, evidence: Evidence, metric: str) -> None:
        kind = metric.partition("_")[2]
        empty = True
        for side, colour, marker, shift in SIDES:
            means = []
            for row, label in enumerate(evidence.labels):
                values = evidence.values(f"{side}_{kind}", label)
                values = values.assign(x=row + shift + 0.12 * spread(values["seed"]))
                empty &= not len(values)
                scatter(ax, values, "x", "value", colour, marker)
                estimate, low, high, _ = estimate_of(metric, values["value"].to_numpy(dtype=float))
                means.append(np.nan if estimate is None else estimate)
                if low is not None and high is not None:
                    ax.plot([row + shift] * 2, [low, high], color=colour, linewidth=2, zorder=4)
            xs = np.arange(len(means)) + shift
            ax.plot(
                xs, means, color=colour, linewidth=1, marker="D", markersize=5, markeredgecolor="white",
                markeredgewidth=0.8, zorder=5, label=side,
            )  # fmt: skip
            known = [i for i, value in enumerate(means) if np.isfinite(value)]
            if known:
                up = (side == "train") == (kind == "accuracy")  # training is the better side: labels move apart
                ax.annotate(
                    {"train": "training", "test": "test"}[side], (known[-1] + 0.14, means[known[-1]]),
                    xytext=(10, 4 if up else -4), textcoords="offset points", va="center", color=colour,
                    in_layout=False,
                )  # fmt: skip
        if empty:
            nothing(ax, evidence.why_empty(f"test_{kind}"))
        ax.set_xticks(
            range(len(evidence.labels)), labels=[evidence.named(label, metric, 14) for label in evidence.labels]
        )
        ax.set_xlim(-0.5, len(evidence.labels) - 0.1)
        ax.grid(axis="y", color="0.92")
        ax.set(xlabel="", ylabel=evidence.axis(f"test_{kind}").replace("test ", ""))

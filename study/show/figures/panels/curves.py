"""Curves: a validation metric against epochs, and the share of runs that have reached the target against time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from study.metrics import METRICS
from study.metrics import ToTarget as Reached
from study.show.figures.data import Evidence
from study.show.figures.panel import FEW, PERCENT, MetricPanel, arms, error_scale, loss_scale, nothing, steps

WORST = 1e300  # stands for a diverged run; not infinite, so that quantiles can be taken


class LearningCurves(MetricPanel):
    """{Metric} {when}, spaced by {scale}. Line: median over seeds, a diverged seed counting as worst;
    band: the middle half of the seeds.
    """

    place = 2
    height = 2.9

    @classmethod
    def suits(cls, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        if evidence.scaling or not metrics or len(evidence.labels) > FEW:  # several devices learn what one learns
            return []
        comparison = evidence.comparison
        if not comparison.here:
            return _given(evidence)
        if comparison.target and any(METRICS[metric].target for metric in comparison.metrics):
            return [comparison.target.metric]
        return ["val_loss" if not evidence.classes or comparison.metrics[0].endswith("_loss") else "val_accuracy"]

    def covers(self) -> set[str]:
        return set()

    def words(self) -> dict[str, str]:
        epochs = self.evidence.curves["epoch"].dropna()
        whole = self.evidence.clock == "epoch" and (epochs % 1 == 0).all()
        when = "after each epoch" if whole else "at each evaluation"
        return super().words() | {
            "when": when,
            "scale": "the logarithm of the error" if self.accuracy else "its logarithm",
        }

    def handles(self) -> list[Artist]:
        return [*arms(self.evidence.legend())]

    @property
    def accuracy(self) -> bool:
        return self.metric.endswith("accuracy")

    def draw(self, ax: Axes) -> None:
        evidence, metric = self.evidence, self.metric
        ax.set(xlabel=f"{evidence.clock}s", ylabel=evidence.axis(metric))
        frame = self._quartiles()
        if not len(frame):
            ax.set_yticks([])
            nothing(ax, "no evaluations yet")
            return
        low, high = frame["low"].min(), frame["high"]  # of the axis
        # A band goes to the edge where only its worse side diverged, and is nowhere where both did.
        if self.accuracy:
            frame["low"] = frame["low"].fillna(0).where(high.notna())
        else:
            frame["high"] = high.fillna(frame[["low", "median", "high"]].max(axis=None)).where(frame["low"].notna())
        for label, arm in frame.groupby("label", sort=False):
            look = evidence.looks[str(label)]
            every = max(1, len(arm) // 8)
            ax.plot(
                arm[evidence.clock], arm["median"], **look._asdict(), markevery=every, markersize=4, markeredgewidth=0
            )
            ax.fill_between(arm[evidence.clock], arm["low"], arm["high"], color=look.color, alpha=0.16, linewidth=0)
        ax.set_xlim(left=0)
        if self.accuracy:
            error_scale(ax, low, high)
        else:
            loss_scale(ax, low, high.max())
        target = evidence.comparison.target
        if target and target.metric == metric:
            level = target.value * 100 if self.accuracy else target.value
            ax.axhline(level, color="0.35", linewidth=0.8, linestyle=(0, (1, 2)))
            ax.annotate(
                "target", (0, level), xycoords=("axes fraction", "data"), xytext=(3, 2), textcoords="offset points",
                ha="left", va="bottom", color="0.35", fontsize="small", in_layout=False,
            )  # fmt: skip

    def _quartiles(self) -> pd.DataFrame:
        """Columns label, epoch (or step), low, median, high over seeds; a run that diverged counts as worst from there,
        one that stopped early goes on as it was, and a quartile that is worst is NaN.
        """
        clock = self.evidence.clock
        parts = [pd.DataFrame()]
        curves = dict(iter(self.evidence.curves.groupby("label")))
        for label, arm in ((label, curves[label]) for label in self.evidence.labels if label in curves):
            wide = arm.pivot(index=clock, columns="seed", values=self.metric).astype(float).dropna(how="all")
            finished = self.evidence.runs.query("label == @label and status == 'finished'")["seed"]
            ended = [seed for seed in finished if seed in wide.columns]
            if self.evidence.comparison.here:
                wide[ended] = wide[ended].ffill()
            else:  # what a run that did not diverge lacks says nothing of its arm
                wide = wide.dropna(subset=ended)
            values = wide.to_numpy() * (100 if self.accuracy else 1)
            values[np.isnan(values)] = -WORST if self.accuracy else WORST
            quartiles = np.quantile(values, (0.25, 0.5, 0.75), axis=1, method="averaged_inverted_cdf").T
            quartiles[np.abs(quartiles) > WORST / 1e9] = np.nan
            part = pd.DataFrame(quartiles, columns=["low", "median", "high"])
            parts.append(part.assign(label=label, **{clock: wide.index}))
        return pd.concat(parts, ignore_index=True)


def _given(evidence: Evidence) -> list[str]:
    """Of curves that somebody brought: the validation twin of what is shown first, itself, or what there is."""
    runs = evidence.comparison.runs
    known: list[str] = [*runs.file.curves.metrics] if runs and runs.file.curves else []
    first = evidence.comparison.metrics[0]
    wanted = [first.replace("test_", "val_"), first, *known]
    return [metric for metric in wanted if metric in known][:1]


class ToTarget(MetricPanel):
    """Share of runs that have reached the target, by {metric}. Every seed is a dot where it first did; a line
    that ends below 100 % is censored at the budget, with the count that reached beside it. Runs that diverged
    before the target count as unreached.
    """

    place = 5

    @classmethod
    def suits(cls, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        return [m for m in metrics if METRICS[m].target] if len(evidence.labels) <= FEW else []

    def handles(self) -> list[Artist]:
        return [*arms(self.evidence.legend())]

    def draw(self, ax: Axes) -> None:
        evidence = self.evidence
        known = evidence.of(self.metric).dropna(subset="value")
        times = {str(label): np.sort(values.to_numpy()) for label, values in known.groupby("label")["value"]}
        if not times:
            nothing(ax, evidence.why_empty(self.metric))
        complete = all(np.isfinite(values).all() for values in times.values())
        ends = {label: 1.12 * values[-1] if complete else self._budget(label) for label, values in times.items()}
        limit = max((end for end in ends.values() if np.isfinite(end)), default=0) or 1.0
        short: dict[float, list[str]] = {}
        for label in (label for label in evidence.labels if label in times):
            look, values = evidence.looks[label], times[label]
            reached = values[np.isfinite(values)]
            share = np.arange(1, len(reached) + 1) / len(values) * 100
            most = float(share.max(initial=0))
            end = limit if complete or np.isnan(ends[label]) else ends[label]
            steps(ax, reached, share, (0, end), look)
            if len(reached) < len(values):
                ax.plot([end], [most], marker="|", markersize=8, color=look.color, clip_on=False)
                short.setdefault(most, []).append(f"{label}: {len(reached)}/{len(values)}")
        for at, texts in short.items():
            ax.annotate(
                "\n".join(texts), (1, at), xycoords=("axes fraction", "data"), xytext=(-4, -3 if at > 50 else 3),
                textcoords="offset points", ha="right", va="top" if at > 50 else "bottom", fontsize="small",
                in_layout=False,
            )  # fmt: skip
        ax.set(xlabel=evidence.axis(self.metric), ylabel="runs that reached\nthe target (%)", **PERCENT)
        ax.set_xlim(0, limit * 1.02)
        ax.xaxis.set_major_locator(MaxNLocator(5))

    def _budget(self, label: str) -> float:
        """Where an arm's curve ends: its last evaluation, in the metric's unit; NaN where it was never trained."""
        curves, source = self.evidence.curves, METRICS[self.metric].source
        assert isinstance(source, Reached)
        last = float(curves.loc[curves["label"] == label, source.counted].max())
        return last * self.evidence.step_seconds(self.metric)[label] if source.timed else last

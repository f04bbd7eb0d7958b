"""Curves: a validation metric against epochs, and the share of runs that have reached the target against time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from study.metric import ToTarget as Reached
from study.metrics import METRICS
from study.plan.style import CURVES, FEW
from study.show.figures.data import Evidence
from study.show.figures.panel import MetricPanel, legend, nothing, steps
from study.show.figures.scales import PERCENT, Parts, cut, error_scale, loss_scale, parts

PANELS = 4  # of curves, at most
MOST_NAMED = 3  # arms, of those whose lines end together
ROW = 11  # percent: the height of a line of text
WORST = 1e300  # stands for a diverged run; not infinite, so that quantiles can be taken


class LearningCurves(MetricPanel):
    """{Metric} {when}. Line: median over seeds{worst}; band: the middle half of the seeds."""

    place, named = 2, CURVES

    def __init__(self, evidence: Evidence, metric: str, labels: Sequence[str] = (), part: str = "") -> None:
        """``labels``: those drawn, of all; ``part``: what they have in common, and others not."""
        super().__init__(evidence, metric)
        self.labels, self.part = labels or evidence.labels, part

    @classmethod
    def made(cls, evidence: Evidence, metrics: Sequence[str]) -> list[MetricPanel]:
        parts = facets(evidence)
        return [cls(evidence, each, parts[part], part) for each in cls.suits(evidence, metrics) for part in parts]

    @property
    def height(self) -> float:
        return 2.2 if self.part else 2.9

    @classmethod
    def suits(cls, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        if evidence.scaling or not facets(evidence):  # several devices learn what one learns
            return []
        comparison = evidence.comparison
        if not comparison.here:
            return _given(evidence)
        if comparison.target and any(METRICS[metric].target for metric in comparison.metrics):
            return [comparison.target.metric]
        return ["val_loss" if not evidence.classes or comparison.metrics[0].endswith("_loss") else "val_accuracy"]

    @property
    def title(self) -> str:
        tuned = self.evidence.tuned(self.evidence.comparison.metrics[0])  # whose arms are drawn
        return "\n".join(filter(None, (tuned, self.part)))

    def covers(self) -> set[str]:
        return set()

    def words(self) -> dict[str, str]:
        epochs = self.evidence.curves["epoch"].dropna()
        whole = self.evidence.clock == "epoch" and (epochs % 1 == 0).all()
        when = "after each epoch" if whole else "at each evaluation"
        diverged = (self.evidence.runs["status"] == "diverged").any()
        return super().words() | {"when": when, "worst": ", one that diverged counting as worst" * bool(diverged)}

    def handles(self) -> Sequence[Artist]:
        return legend(self.evidence)

    @property
    def accuracy(self) -> bool:
        return self.metric.endswith("accuracy")

    def draw(self, ax: Axes) -> None:
        evidence, metric = self.evidence, self.metric
        ax.set(xlabel=f"{evidence.clock}s", ylabel=evidence.axis(metric))
        frame = self._quartiles()
        if not len(frame):
            ax.set(xticks=[], yticks=[])
            nothing(ax, "no evaluations yet")
            return
        low, high = frame["low"].min(), frame["high"]  # of the axis
        # A band goes to the edge where only its worse side diverged, and is nowhere where both did.
        if self.accuracy:
            frame["low"] = frame["low"].fillna(0).where(high.notna())
        else:
            frame["high"] = high.fillna(frame[["low", "median", "high"]].max(axis=None)).where(frame["low"].notna())
        for label, arm in frame[frame["label"].isin(self.labels)].groupby("label", sort=False):
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
            cut(ax.yaxis, self._parts(frame))
        target = evidence.comparison.target
        if target and target.metric == metric:
            level = target.value * METRICS[metric].multiplier
            ax.axhline(level, color="0.35", linewidth=0.8, linestyle=(0, (1, 2)))
            ax.annotate(
                "target", (0, level), xycoords=("axes fraction", "data"), xytext=(3, 2), textcoords="offset points",
                ha="left", va="bottom", color="0.35", fontsize="small", in_layout=False,
            )  # fmt: skip

    def _parts(self, frame: pd.DataFrame) -> Parts:
        """An arm that ends far from the others is far, where it is outside of all that they did."""
        values = frame.set_index("label")[["low", "median", "high"]]
        last = values["median"].dropna().groupby(level=0).last()
        (low, high), *_ = found = parts(last, log=True)
        if not found.apart:
            return found
        others = values[values.index.isin(last[last.between(low, high)].index)].to_numpy(dtype=float)
        low, high, every = np.nanmin(others), np.nanmax(others), np.unique(values.to_numpy(dtype=float))
        return Parts((float(low), float(high)), every[every < low], every[every > high])

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
            values = wide.to_numpy() * METRICS[self.metric].multiplier
            values[np.isnan(values)] = -WORST if self.accuracy else WORST
            quartiles = np.quantile(values, (0.25, 0.5, 0.75), axis=1, method="averaged_inverted_cdf").T
            quartiles[np.abs(quartiles) > WORST / 1e9] = np.nan
            part = pd.DataFrame(quartiles, columns=["low", "median", "high"])
            parts.append(part.assign(label=label, **{clock: wide.index}))
        return pd.concat(parts, ignore_index=True)


def facets(evidence: Evidence) -> dict[str, list[str]]:
    """The arms that a panel can show: all of them; or, of keys that are crossed, those that are alike in all but the
    first two, or the first. Empty where that makes too many panels.
    """
    arms, keys = evidence.comparison.arms, evidence.comparison.keys
    if len(arms) <= FEW and len(evidence.factors) < 3:
        return {"": evidence.labels}
    for inner in (2, 1) if evidence.factors else ():
        found: dict[str, list[str]] = {}
        for arm in arms:
            found.setdefault(", ".join(arm.values[key] for key in keys[inner:]), []).append(arm.label)
        if len(found) <= PANELS and max(map(len, found.values())) <= FEW:
            return found
    return {}


def _given(evidence: Evidence) -> list[str]:
    """Of curves that somebody brought: the validation twin of what is shown first, itself, or what there is."""
    runs = evidence.comparison.runs
    known: list[str] = [*runs.file.curves.metrics] if runs and runs.file.curves else []
    first = evidence.comparison.metrics[0]
    wanted = [first.replace("test_", "val_"), first, *known]
    return [metric for metric in wanted if metric in known][:1]


class ToTarget(MetricPanel):
    """Share of runs that have reached the target, by {metric}. Every seed is a dot where it first did{short}."""

    place = 5

    @classmethod
    def suits(cls, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        return [m for m in metrics if METRICS[m].target] if len(evidence.labels) <= FEW else []

    def words(self) -> dict[str, str]:
        short = np.isinf(self.evidence.of(self.metric)["value"]).any()
        words = "; a line that ends below 100 %, at the budget or before a divergence, says how many did"
        return super().words() | {"short": words * bool(short)}

    def handles(self) -> Sequence[Artist]:
        return legend(self.evidence)

    def draw(self, ax: Axes) -> None:
        evidence = self.evidence
        known = evidence.of(self.metric).dropna(subset="value")
        times = {str(label): np.sort(values.to_numpy()) for label, values in known.groupby("label")["value"]}
        if not times:
            nothing(ax, evidence.why_empty(self.metric))
        complete = all(np.isfinite(values).all() for values in times.values())
        ends = {label: 1.12 * values[-1] if complete else self._budget(label) for label, values in times.items()}
        limit = max((end for end in ends.values() if np.isfinite(end)), default=0) or 1.0
        short: dict[tuple[float, str], list[str]] = {}
        for label in (label for label in evidence.labels if label in times):
            look, values = evidence.looks[label], times[label]
            reached = values[np.isfinite(values)]
            share = np.arange(1, len(reached) + 1) / len(values) * 100
            most = float(share.max(initial=0))
            end = limit if complete or np.isnan(ends[label]) else ends[label]
            steps(ax, reached, share, (0, end), look)
            if len(reached) < len(values):
                ax.plot([end], [most], marker="|", markersize=8, color=look.color, clip_on=False)
                short.setdefault((most, f"{len(reached)}/{len(values)}"), []).append(label)
        texts = [(at, f"{label}: {how}") for (at, how), group in sorted(short.items()) for label in _named(group)]
        places = [at + 3 if at <= 50 else at - ROW - 3 for at, _ in texts]
        for i in range(1, len(places)):  # none over another, nor over the top
            places[i] = max(places[i], places[i - 1] + ROW)
        for i, (_, text) in reversed(list(enumerate(texts))):  # in the order in which they are read
            place = min(places[i], 104 - ROW * (len(texts) - i))
            ax.annotate(
                text, (1, place), xycoords=("axes fraction", "data"), xytext=(-4, 0), textcoords="offset points",
                ha="right", va="bottom", fontsize="small", in_layout=False,
                bbox={"color": "white", "alpha": 0.7, "pad": 0.3, "linewidth": 0},
            )  # fmt: skip
        ax.set(xlabel=evidence.axis(self.metric), ylabel="runs that reached\nthe target (%)", **PERCENT)
        ax.set_xlim(0, limit * 1.02)
        ax.xaxis.set_major_locator(MaxNLocator(5))
        cut(ax.xaxis, parts(known["value"], (0,) if complete else (0, limit)))

    def _budget(self, label: str) -> float:
        """Where an arm's curve ends: its last evaluation, in the metric's unit; NaN where it was never trained."""
        curves, source = self.evidence.curves, METRICS[self.metric].source
        assert isinstance(source, Reached)
        last = float(curves.loc[curves["label"] == label, source.counted].max())
        return last * self.evidence.step_seconds(self.metric)[label] if source.timed else last


def _named(labels: list[str]) -> list[str]:
    """Who is named where lines end together, from below; of many, how many they are."""
    return labels[::-1] if len(labels) <= MOST_NAMED else [f"{len(labels)} arms"]

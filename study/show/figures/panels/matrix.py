"""Very many arms: a matrix of them as a heat map, and all in the order of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, prod
from textwrap import fill

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from seaborn.utils import relative_luminance

from study.metrics import METRICS
from study.plan.file.labels import short
from study.plan.plan import PlannedComparison
from study.show.figures.data import Evidence, looks
from study.show.figures.panel import SOME, MetricPanel, legend, nothing
from study.show.figures.scales import Parts, parts, spaced
from study.show.formatting import COUNTED
from study.wording import counted

ANNOTATED = 200  # cells; above this their figures are only in the table
TICKED = 40  # rows or columns, or groups of them, above which they are not named
LETTERS = 76  # that names beside each other have room for
Levels = list[list[str]]  # the values of each key


class HeatMap(MetricPanel):
    """{Metric} of every arm: {estimator}. Grey: no estimate, with the count of runs that reached the target or what
    became of them; a dagger: some runs did not finish.
    """

    place, wide = 0, True

    @classmethod
    def suits(cls, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        return list(metrics) if is_matrix(evidence.comparison) else []

    def words(self) -> dict[str, str]:
        return super().words() | {"estimator": self.evidence.estimator(self.metric)}

    @property
    def height(self) -> float:
        return 0.95 + self._inches  # all alike, so that their rows are

    @property
    def _inches(self) -> float:
        """Of the rows."""
        return min(0.24 * shape(self.evidence.comparison)[0], 6.5)

    def draw(self, ax: Axes) -> None:
        comparison = self.evidence.comparison
        down, across = levels(comparison)
        cells = self._cells().reindex(comparison.grid)
        values = cells["estimate"].to_numpy(dtype=float).reshape(shape(comparison))
        texts = cells["text"].fillna("").to_numpy().reshape(shape(comparison))
        annotate, known = values.size <= ANNOTATED, np.isfinite(values)
        ax.set_facecolor("0.86")
        named = fill(" ".join(self.evidence.axis(self.metric).split()), max(20, int(13 * self._inches)))
        (low, high), below, above = parts(values) if known.any() else Parts((0.0, 1.0), values[:0], values[:0])
        far = np.sort(values[known & ((values < low) | (values > high))])
        beyond = (
            f"\n{counted(len(far), 'arm')} beyond: {far[0]:.3g}" + f" to {far[-1]:.3g}" * (len(far) > 1)
            if len(far)
            else ""
        )
        sns.heatmap(
            values, ax=ax, cmap="cividis_r" if METRICS[self.metric].better == "lower" else "cividis",
            annot=texts if annotate else False, fmt="", annot_kws={"fontsize": 7}, linewidths=0.5 if annotate else 0,
            linecolor="white", rasterized=not annotate, cbar=known.any(), vmin=low, vmax=high,
            cbar_kws={"label": named + beyond, "pad": 0.015, "aspect": 14, "fraction": 0.05,
                      "extend": ("neither", "min", "max", "both")[bool(len(below)) + 2 * bool(len(above))]},
        )  # fmt: skip
        # Black or white, whichever is read better: seaborn's white is too faint on colours of the middle.
        colours = np.asarray(ax.collections[0].get_facecolor())[~np.isnan(values).ravel()] if annotate else ()
        for text, colour in zip(ax.texts, colours, strict=True):
            text.set_color("k" if relative_luminance(colour) > 0.18 else "w")
        for row, column in np.argwhere(~known) if annotate else ():
            ax.text(column + 0.5, row + 0.5, texts[row, column], ha="center", va="center", fontsize=7, color="0.2")
        if not known.any():
            ax.set_xlabel(f"{self.evidence.axis(self.metric)}: no estimate in any arm")
        name_levels(ax, down, across=False)
        if self.below:
            ax.set_xticks([])
        else:
            name_levels(ax, across, across=True)

    def _cells(self) -> pd.DataFrame:
        """Columns estimate and text: what the cell of an arm says. [labels]"""
        metric, about = self.metric, METRICS[self.metric]
        cells, texts = self.evidence.estimates(metric), dict[str, str]()
        values = dict(iter(self.evidence.of(metric).dropna(subset="value").groupby("label")["value"]))
        digits = ".0f" if about.unit in COUNTED else ".1f" if about.percent else ".3g"
        for label, ends in self.evidence.runs.groupby("label")["status"]:
            value, dagger = cells["estimate"][label], "†" * bool((ends != "finished").any())
            if np.isfinite(value):
                text = f"{value:{digits}}{dagger}"
            elif about.target and label in values:
                text = f"{np.isfinite(values[label]).sum()}/{len(values[label])}{dagger}"
            else:
                text = {"diverged": "div.", "failed": "failed"}.get(ends.value_counts().index[0], "–")
            texts[str(label)] = text
        return cells.assign(text=pd.Series(texts))


class Ranked(MetricPanel):
    """{Metric} of every seed (dots), arms ordered from worst to best by their estimate (black line:
    {estimator}){colours}.
    Arms without an estimate come first and are counted under the axis.
    """

    place, wide = 1, True

    @classmethod
    def suits(cls, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        if is_matrix(evidence.comparison):  # whose heat maps show no order
            return [evidence.comparison.metrics[0]]
        return list(metrics) if len(evidence.labels) > SOME else []

    def words(self) -> dict[str, str]:
        factors, estimator = map(short, self.evidence.factors), self.evidence.estimator(self.metric)
        told = f"; colours and markers tell the values of {short(self.evidence.comparison.keys[0])}"
        if self.evidence.factors:
            colour, *_, marker = factors
            told = f"; colours tell the values of {colour}, markers those of {marker}"
        return super().words() | {"estimator": estimator, "colours": told * (len(self._kinds()) > 1)}

    def handles(self) -> Sequence[Artist]:
        return legend(self.evidence) if self.evidence.factors else ()

    def draw(self, ax: Axes) -> None:
        evidence, metric = self.evidence, self.metric
        ascending = METRICS[metric].better == "higher"
        arms = evidence.estimates(metric).reindex(list(evidence.comparison.labels.values()))
        arms = arms.sort_values("estimate", ascending=ascending, na_position="first", kind="stable")
        arms["rank"] = range(1, len(arms) + 1)
        dots = evidence.dots(metric)
        if not len(dots):
            nothing(ax, evidence.why_empty(metric))
        kinds = self._kinds()
        by = looks(kinds, self.evidence.colours)
        for kind, labels in kinds.items():
            part, look = dots[dots["label"].isin(labels)], evidence.looks[labels[0]] if evidence.factors else by[kind]
            ax.scatter(
                part["label"].map(arms["rank"]), part["value"], s=9, linewidth=0, alpha=0.7, color=look.color,
                marker=look.marker, rasterized=len(dots) > 2000, label=kind,
            )  # fmt: skip
        ax.plot(arms["rank"], arms["estimate"], color="black", linewidth=1)
        without = int(arms["estimate"].isna().sum())
        unreached = f", {without} without an estimate" if without else ""
        ax.set(xlabel=f"arms, worst to best ({len(arms)}{unreached})", ylabel=evidence.axis(metric))
        ax.set_xlim(0, len(arms) + 1)
        spaced(ax.yaxis, dots["value"], linear=bool(METRICS[metric].percent))
        if len(kinds) > 1 and len(dots) and not evidence.factors:
            columns = max(1, min(len(kinds), 100 // (max(map(len, kinds)) + 6)))  # else all panels shrink to make room
            ax.legend(ncols=columns, frameon=False, loc="lower left", bbox_to_anchor=(0, 0.98), markerscale=1.6,
                      borderaxespad=0, handletextpad=0.2, columnspacing=1.2)  # fmt: skip

    def _kinds(self) -> dict[str, list[str]]:
        """The arms by their looks; else by the value of the first key, or all as one where looks would repeat."""
        comparison = self.evidence.comparison
        kinds: dict[str, list[str]] = {}
        if self.evidence.factors:
            for label, look in self.evidence.looks.items():
                kinds.setdefault(f"{look.color} {look.marker}", []).append(label)
            return kinds
        for arm in comparison.arms:
            kinds.setdefault(arm.values.get(comparison.keys[0], "") if comparison.keys else "", []).append(arm.label)
        return kinds if len(kinds) <= len(self.evidence.colours) else {"": self.evidence.labels}


def is_matrix(comparison: PlannedComparison) -> bool:
    """Whether at least two keys vary and the arms fill at least half of their grid, and are many."""
    keys, arms = len(comparison.keys), len(comparison.arms)
    if keys < 2 or (arms < 13 and keys < 3) or arms < 8:
        return False
    return arms >= prod(shape(comparison)) / 2


def shape(comparison: PlannedComparison) -> tuple[int, int]:
    """Rows and columns."""
    down, across = levels(comparison)
    return prod(map(len, down)), prod(map(len, across))


def levels(comparison: PlannedComparison) -> tuple[Levels, Levels]:
    """The values of the keys that go down and of those that go across, split near a landscape shape."""
    values = [*comparison.levels.values()]
    sizes = [len(each) for each in values]

    def far(cut: int) -> float:
        return abs(log(prod(sizes[cut:]) / prod(sizes[:cut])) - log(1.4))

    cut = min(range(1, len(sizes)), key=far)
    return values[:cut], values[cut:]


def name_levels(ax: Axes, values: Levels, across: bool) -> None:
    """Innermost values as ticks; outside them the others, as names of the groups that they span."""
    total, pad = prod(map(len, values)), 2.0
    for depth in reversed(range(len(values))):
        groups = prod(map(len, values[: depth + 1]))
        places, names = (np.arange(groups) + 0.5) * total / groups, values[depth] * (groups // len(values[depth]))
        longest = max(map(len, names))
        inner = depth == len(values) - 1
        turned = across and longest * groups > LETTERS
        if groups > TICKED:
            places, names, longest = places[:0], [], 0
        axes = ax if inner else ax.secondary_xaxis("top") if across else ax.secondary_yaxis("left")
        axis = axes.xaxis if across else axes.yaxis
        axis.set_ticks(places, labels=names)
        axis.set_tick_params(length=0, pad=pad, labelsize=7 if inner else 7.5, labelrotation=90 if turned else 0)
        if inner and across:
            ax.xaxis.tick_top()
        if not inner:
            axes.spines[:].set_visible(False)
            for edge in np.arange(1, groups) * total / groups if total <= TICKED else ():
                (ax.axvline if across else ax.axhline)(edge, color="white", linewidth=2.5)
        pad += 4.6 * longest + 6 if turned or not across else 12

"""The figure of a comparison's tuning: a panel for each setting that was searched and each metric chosen by.

It is a figure of its own: other runs (those of the tuning seeds), another metric (validation) and another axis than in
the figure of the comparison, which has no room left.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from study.metric import Select
from study.metrics import METRICS
from study.plan.choice import Chosen
from study.plan.file.labels import short
from study.plan.plan import Plan
from study.plan.search import Searched
from study.plan.style import FEW
from study.plan.trials import settings_of
from study.show.figures import panel
from study.show.figures.data import KNOWN, Evidence
from study.show.figures.panel import NARROW, Panel, compose, grid, legend, nothing
from study.show.figures.scales import cut, error_scale, loss_scale, parts
from study.show.tables.tuning import (
    ALL_DIVERGED,
    NOT_YET,
    by_selection,
    doubtful_arms,
    steps_out,
    value_text,
)
from study.wording import counted, listed

WIDE = 8  # largest by smallest of listed values, above which their axis is logarithmic
ROW = 0.11  # inches of an arm in the strip of seeds that were lost
ENDS = pd.CategoricalDtype(["finished", "unreached", "diverged"], ordered=True)  # of a seed, the worst last
LOST = {  # how a seed ended → its marker, its name beside the strip, and in the caption
    "diverged": ("x", "diverged ×", " Cross below: seeds of this candidate diverged (small: not all)."),
    "unreached": ("o", "not reached ○", " Ring below: seeds of this candidate missed the target (small: not all)."),
}


class Candidates(Panel):
    """Tuning. {Metric} against {setting}. Line: mean over {seeds}{best}{few}. {marked} with a dark edge:
    {whose}.{diverged}{unreached}
    """

    def __init__(
        self, evidence: Evidence, select: Select, setting: Searched, labels: Mapping[str, str], joined: bool
    ) -> None:
        """``labels``: of the arms, by id; ``joined``: whether a line through neighbouring candidates means something.

        ``chosen``: by label, without arms that are not tuned yet.
        """
        self.evidence, self.setting, self.joined = evidence, setting, joined
        self.metric: Select = select
        self.few, self.known = (len(evidence.labels) <= most for most in (FEW, KNOWN))
        self.chosen = {label: evidence.chosen[arm] for arm, label in labels.items() if arm in evidence.chosen}
        tuning = evidence.records.tuning
        tuning = tuning.assign(label=tuning["arm"].map(labels)).dropna(subset="label")
        x = tuning["settings"].map(lambda text: settings_of(text)[setting.key])
        x = x.astype(float) if setting.ordered else x.map(list(setting.values or ()).index)
        value = tuning[select].astype(float) * METRICS[select].multiplier
        end = np.where(tuning["status"] != "finished", "diverged", np.where(value.isna(), "unreached", "finished"))
        rows = tuning.assign(x=x, value=value.where(end == "finished"), end=pd.Categorical(end, dtype=ENDS))
        place = {label: i for i, label in enumerate(evidence.labels)}
        rows = rows.sort_values(["label", "x"], key=lambda by: by.map(place) if by.name == "label" else by)
        self.choices = rows[rows["chosen_here"].eq(True)] if "chosen_here" in rows else rows.iloc[:0]  # of every run
        # At every value of the setting an arm's best candidate.
        first = rows.sort_values("rank").drop_duplicates(["label", "x"])[["label", "candidate"]]
        self.rows = rows.merge(first, on=["label", "candidate"])
        self.profile = profile(self.rows)
        self.lost = self.profile[self.profile["end"] != "finished"]

    @property
    def height(self) -> float:
        return 2.4 + self._strip

    @property
    def _strip(self) -> float:
        """Inches of the strip of seeds that were lost."""
        return ROW * self.lost["label"].nunique() + 0.06 if self.known and len(self.lost) else 0.0

    @property
    def title(self) -> str:
        """The metrics that are read from the arms that are chosen so, where not all are."""
        selections = by_selection(self.evidence.comparison)
        decided = listed(METRICS[metric].title for metric in selections[self.metric])
        return textwrap.fill(f"tuning for {decided}", 44) if len(selections) > 1 else ""

    def words(self) -> dict[str, str]:
        chosen = [one for one in self.chosen.values() if one]
        by_run = any(one.by_run for one in chosen)
        ends = {end: words * bool(self._strip and end in set(self.lost["end"])) for end, (*_, words) in LOST.items()}
        return super().words() | ends | {
            "setting": short(self.setting.key),
            "seeds": seeds_text([self]),
            "best": ", each with the best of the other settings" * any(len(one.settings) > 1 for one in chosen),
            "few": "; band: from the worst to the best of them; faint dots: every one" * self.few,
            "marked": "Markers" if by_run else "Large marker",
            "whose": (
                "what runs chose, the larger the more of them" + ", small ones: every run's own trial" * self.few
                if by_run
                else "the chosen candidate"
            )
            + "; an arrow: the best is still at the edge" * any(one.undertuned for one in chosen),
        }  # fmt: skip

    def handles(self) -> Sequence[Artist]:
        chosen = Line2D([], [], linestyle="", marker="o", markersize=7, color="0.75", markeredgecolor="0.1",
                        markeredgewidth=1.1, label="chosen")  # fmt: skip
        return [*legend(self.evidence), chosen] if self.evidence.told else ()

    def draw(self, ax: Axes) -> None:
        width, size, alpha = (1.5, 3.6, 1) if self.few else (1, 3, 0.8) if self.known else (0.6, 0, 0.4)
        for label, line in self.profile.groupby("label", sort=False):
            look = self.evidence.looks[str(label)]
            if self.few:
                rows = self.rows[self.rows["label"] == label]
                ax.scatter(rows["x"], rows["value"], s=7, alpha=0.3, linewidth=0, zorder=1.5, color=look.color,
                           marker=look.marker)  # fmt: skip
                ax.fill_between(line["x"], line["low"], line["high"], color=look.color, alpha=0.13, linewidth=0)
            ax.plot(line["x"], line["mean"], linestyle=look.linestyle if self.joined else "", color=look.color,
                    marker=look.marker, markeredgewidth=0, linewidth=width, markersize=size, alpha=alpha)  # fmt: skip
        self._scale(ax)
        marked = self.profile[self.profile["chosen"] & self.profile["mean"].notna()]
        for label, *at in zip(marked["label"], marked["x"], marked["mean"], strict=True):
            self._mark(ax, str(label), (float(at[0]), float(at[1])))
        self._mark_by_run(ax)
        for label, one in self.chosen.items():
            if one and one.undertuned and self.setting.key in steps_out(one):
                self._point_outward(ax, label, one)
        if not self.rows["value"].notna().any():
            lost = self.rows["end"].eq("diverged").all()
            nothing(ax, NOT_YET if not self.chosen else ALL_DIVERGED if lost else "no candidate reached the target")
        below = self._draw_strip(ax) if self._strip else ax
        below.set_xlabel(short(self.setting.key))

    def _scale(self, ax: Axes) -> None:
        """Both axes, with room for an arrow at the ends of the setting's."""
        values = self.rows["value"].dropna()
        numbers = [value for value in self.setting.values or () if not isinstance(value, tuple)]
        ax.margins(x=0.07)
        if not self.setting.ordered:
            names = [value_text(value) for value in self.setting.values or ()]
            ax.set_xticks(range(len(names)), labels=names)
            ax.set_xlim(-0.5, len(names) - 0.5)
        elif self.setting.log or (self.setting.positive and numbers and max(numbers) >= WIDE * min(numbers)):
            ax.set_xscale("log")
            ax.xaxis.set_major_formatter("{x:g}")
            ax.xaxis.set_minor_formatter("")
        ax.set(ylabel=self.evidence.axis(self.metric))
        if not len(values):
            ax.set_yticks([])
        elif METRICS[self.metric].percent:
            error_scale(ax, values.min(), values)
        else:
            loss_scale(ax, values.min(), values.max())
            found = parts(values, log=True)
            if not len(found.below):  # the best are what the figure is for
                cut(ax.yaxis, found)

    def _mark(self, ax: Axes, label: str, at: tuple[float, float]) -> None:
        """The chosen candidate of one search."""
        chosen, look = self.chosen[label], self.evidence.looks[label]
        if not (chosen and chosen.by_run):
            ax.plot(*at, marker=look.marker, markersize=8 if self.few else 6 if self.known else 4, color=look.color,
                    markeredgecolor="0.1", markeredgewidth=1.1, zorder=4, clip_on=False, linestyle="")  # fmt: skip

    def _point_outward(self, ax: Axes, label: str, chosen: Chosen) -> None:
        """An arrow past the edge at which an undertuned arm was left, from its mean there."""
        at = self.profile[(self.profile["label"] == label) & (self.profile["x"] == chosen.edge[self.setting.key])]
        right = chosen.sides[self.setting.key] == "high"
        for x, y in at.loc[at["mean"].notna(), ["x", "mean"]].to_numpy():
            ax.annotate(
                "", (x, y), (20 if right else -20, 0), textcoords="offset points", annotation_clip=False, zorder=5,
                arrowprops={"arrowstyle": "<|-", "color": self.evidence.looks[label].color, "linewidth": 1.6,
                            "shrinkA": 0, "shrinkB": 4},
                in_layout=False,
            )  # fmt: skip

    def _mark_by_run(self, ax: Axes) -> None:
        """Where runs are tuned each for itself, what they chose: markers whose area is the share of the runs.

        They are on the line; where it has no mean, since other seeds were lost, at the mean of the runs that chose so.
        """
        means = self.profile.set_index(["label", "x"])["mean"]
        runs = self.choices.groupby("label")["run_seed"].nunique().to_dict()
        chosen: dict[Any, pd.DataFrame] = dict(iter(self.choices.groupby(["label", "x"], sort=False)))
        for (label, x), part in chosen.items():
            look = self.evidence.looks[label]
            edge: dict[str, Any] = {"marker": look.marker, "color": look.color, "zorder": 4, "clip_on": False}
            if self.few:
                ax.scatter(part["x"], part["value"], s=13, edgecolor="0.1", linewidth=0.5, **edge)
            y = means.get((label, x), np.nan)
            y = part["value"].mean() if np.isnan(y) else y
            if np.isfinite(y):
                size = 3 + 6 * (part["run_seed"].nunique() / runs[label]) ** 0.5
                ax.plot(x, y, markersize=size, markeredgecolor="0.1", markeredgewidth=0.9, linestyle="", **edge)

    def _draw_strip(self, ax: Axes) -> Axes:
        """Below the panel, a row for each arm of which seeds diverged or did not reach the target."""
        spec = ax.get_subplotspec()
        assert spec
        halves = spec.subgridspec(2, 1, height_ratios=[2.4, self._strip], hspace=0)
        ax.set_subplotspec(halves[0])
        ax.tick_params(axis="x", which="both", bottom=False, labelbottom=False)
        strip: Axes = ax.figure.add_subplot(halves[1], sharex=ax)
        labels = list(self.lost["label"].unique())
        for (label, end, whole), part in self.lost.groupby(["label", "end", "all"], observed=True):
            strip.plot(
                part["x"], [labels.index(label)] * len(part), linestyle="", marker=LOST[str(end)][0],
                markersize=4.2 if whole else 2.6, color=self.evidence.looks[str(label)].color, markeredgewidth=0.9,
                markerfacecolor="none", clip_on=False,
            )  # fmt: skip
        names = [name for end, (_, name, _) in LOST.items() if end in set(self.lost["end"])]
        strip.margins(x=0.07)
        strip.set_ylim(len(labels) - 0.4, -0.6)
        strip.set_yticks([(len(labels) - 1) / 2], labels=["\n".join(names)])
        strip.tick_params(axis="y", length=0, labelsize=7)
        strip.set_facecolor("0.965")
        strip.spines[["left", "bottom"]].set_visible(False)
        return strip


def profile(rows: pd.DataFrame) -> pd.DataFrame:
    """Of an arm's candidate at each place (label, x): mean, low and high over seeds; whether it is chosen; how its
    worst seed ended (end); and whether none finished (all).

    Without a mean where a seed diverged or did not reach the target: that of the others would flatter.
    """
    places = rows.groupby(["label", "x"], sort=False)
    ends = places["end"].max()
    made = places["value"].agg(["mean", "min", "max"]).where(ends == "finished")
    made = made.set_axis(["mean", "low", "high"], axis=1)
    made = made.assign(chosen=places["chosen"].any(), end=ends, all=places["end"].min() != "finished")
    return made.reset_index()


def panels(evidence: Evidence, plan: Plan) -> list[Candidates]:
    """One for each selection and setting."""
    comparison, made = evidence.comparison, []
    for select in by_selection(comparison):
        by = {arm.tuned[select]: arm.label for arm in comparison.arms if select in arm.tuned}
        searches = {arm: search for arm in by if (search := plan.arms[arm].search)}
        settings = {setting.key: setting for search in searches.values() for setting in search.settings}
        for key, setting in sorted(settings.items()):
            mine = {arm: by[arm] for arm, search in searches.items() if key in search.covers}
            joined = all(searches[arm].method == "grid" or len(searches[arm].settings) == 1 for arm in mine)
            made.append(Candidates(evidence, select, setting, mine, joined))
    return made


def draw(panels: Sequence[Candidates]) -> Figure:
    """The figure. Its caption is ``caption(panels)``."""
    keys = len({one.setting.key for one in panels})  # with several settings a row for each selection
    style = panels[0].evidence.style
    columns = 1 if style.inches < NARROW else 2 if keys == 1 else min(keys, 3)
    return compose(panels, grid(panels, columns), f"n = {seeds_text(panels)} per candidate", style)


def caption(panels: Sequence[Candidates]) -> str:
    """What the panels show, and the arms that ended on an edge."""
    evidence, texts = panels[0].evidence, [panel.caption(panels), panel.directions(panels)]
    gone = [label for label in evidence.labels if any(one.chosen.get(label, ()) is None for one in panels)]
    if gone:
        texts.append(f"{listed(gone)}: {ALL_DIVERGED}, so nothing was trained.")
    return " ".join(text for text in (*texts, doubtful_arms(evidence.comparison, evidence.chosen)) if text)


def seeds_text(panels: Sequence[Candidates]) -> str:
    """How many tuning seeds a candidate has."""
    return counted(max((one.rows["seed"].nunique() for one in panels), default=0), "tuning seed")

"""The figure of a comparison's tuning: a panel for each setting that was searched and each metric chosen by.

It is a figure of its own: other runs (those of the tuning seeds), another metric (validation) and another axis than in
the figure of the comparison, which has no room left.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from study.metrics import METRICS
from study.show.figures import panel
from study.show.figures.candidates import Candidates
from study.show.figures.data import Evidence
from study.show.figures.panel import FEW, Panel, compose, grid
from study.show.figures.panels.curves import legend
from study.show.figures.style import error_scale, loss_scale, nothing
from study.show.tables.tuning import ALL_DIVERGED, NOT_YET, read_by, short, steps_out, undertuned_arms, value_text
from study.wording import counted, listed

ROW = 0.11  # inches of an arm in the strip of seeds that were lost
LOST = {  # how a seed ended → its marker, its name beside the strip, and in the caption
    "diverged": ("x", "diverged ×", " Cross below: a candidate of which seeds diverged (small: not all)."),
    "unreached": ("o", "not reached ○", " Ring below: one of which seeds did not reach the target (small: not all)."),
}


class Tuning(Panel):
    """Tuning. {Metric} against {setting}. Line: mean over {seeds}{best}{few}. Large marker with a dark edge: the chosen
    candidate{arrow}.{diverged}{unreached}
    """

    def __init__(self, evidence: Evidence, candidates: Candidates) -> None:
        self.evidence, self.candidates, self.metric = evidence, candidates, candidates.select
        self.few = len(evidence.labels) <= FEW
        self.lost = candidates.lost()

    @property
    def height(self) -> float:
        return 2.4 + self._strip

    @property
    def _strip(self) -> float:
        """Inches of the strip of seeds that were lost."""
        return ROW * self.lost["label"].nunique() + 0.06 if self.few and len(self.lost) else 0.0

    def words(self) -> dict[str, str]:
        chosen = [one for one in self.candidates.chosen.values() if one]
        lost = {end: words * bool(self._strip and end in set(self.lost["end"])) for end, (*_, words) in LOST.items()}
        return super().words() | {
            "setting": short(self.candidates.setting.key),
            "seeds": seeds_text([self.candidates]),
            "best": ", each with the best of the other settings" * any(len(one.settings) > 1 for one in chosen),
            "few": "; band: from the worst to the best of them; faint dots: every one" * self.few,
            "arrow": "; an arrow: the best is still at the edge" * any(one.undertuned for one in chosen),
            **lost,
        }

    def handles(self) -> list[Artist]:
        chosen = Line2D([], [], linestyle="", marker="o", markersize=7, color="0.75", markeredgecolor="0.1",
                        markeredgewidth=1.1, label="chosen")  # fmt: skip
        return [*legend(self.evidence), chosen] if self.few else []

    def draw(self, ax: Axes) -> None:
        candidates, few = self.candidates, self.few
        size = (1.5, 3.6, 1) if few else (0.6, 0, 0.4)
        for label in candidates.chosen:
            line, look = candidates.profile(label), self.evidence.looks[label]
            if few:
                rows = candidates.best(label)
                dots: dict[str, Any] = {"s": 7, "alpha": 0.3, "linewidth": 0, "zorder": 1.5}
                ax.scatter(rows["x"], rows["value"], color=look.color, marker=look.marker, **dots)
                ax.fill_between(line["x"], line["low"], line["high"], color=look.color, alpha=0.13, linewidth=0)
            drawn = look if candidates.joined else look._replace(linestyle="")
            ax.plot(
                line["x"], line["mean"], **drawn._asdict(), markeredgewidth=0, linewidth=size[0], markersize=size[1],
                alpha=size[2],
            )  # fmt: skip
        self._scale(ax)
        for label in candidates.chosen:
            self._mark(ax, label)
        if not candidates.rows["value"].notna().any():
            lost = candidates.rows["end"].eq("diverged").all()
            reason = ALL_DIVERGED if lost else "no candidate reached the target"
            nothing(ax, reason if candidates.chosen else NOT_YET)
        if self._strip:
            ax.tick_params(axis="x", which="both", bottom=False, labelbottom=False)
            self._draw_strip(ax)
        else:
            ax.set_xlabel(short(candidates.setting.key))

    def _scale(self, ax: Axes) -> None:
        """Both axes, with room for an arrow at the ends of the setting's."""
        setting, values, unit = self.candidates.setting, self.candidates.rows["value"].dropna(), self.candidates.unit
        ax.margins(x=0.07)
        if not setting.ordered:
            names = [value_text(value) for value in setting.values or ()]
            ax.set_xticks(range(len(names)), labels=names)
            ax.set_xlim(-0.5, len(names) - 0.5)
        elif self.candidates.log:
            ax.set_xscale("log")
            ax.xaxis.set_major_formatter("{x:g}")
            ax.xaxis.set_minor_formatter("")
        ax.set(ylabel=METRICS[self.metric].title + f" ({unit})" * bool(unit))
        if not len(values):
            ax.set_yticks([])
        elif METRICS[self.metric].percent:
            error_scale(ax, values.min(), values)
        else:
            loss_scale(ax, values.min(), values.max())

    def _mark(self, ax: Axes, label: str) -> None:
        """The chosen candidate; with an arrow past the edge where the arm is undertuned."""
        chosen, line = self.candidates.chosen[label], self.candidates.profile(label)
        at = line[line["chosen"] & line["mean"].notna()]
        if chosen is None or not len(at):
            return
        x, y, look = float(at["x"].iloc[0]), float(at["mean"].iloc[0]), self.evidence.looks[label]
        ax.plot(x, y, marker=look.marker, markersize=8 if self.few else 4, color=look.color, markeredgecolor="0.1",
                markeredgewidth=1.1, zorder=4, clip_on=False, linestyle="")  # fmt: skip
        if chosen.undertuned and self.candidates.setting.key in steps_out(chosen):
            right = chosen.sides.get(self.candidates.setting.key) == "high"
            ax.annotate(
                "", (x, y), (20 if right else -20, 0), textcoords="offset points", annotation_clip=False, zorder=5,
                arrowprops={"arrowstyle": "<|-", "color": look.color, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 4},
                in_layout=False,
            )  # fmt: skip

    def _draw_strip(self, ax: Axes) -> None:
        """Below the panel, a row for each arm of which seeds diverged or did not reach the target."""
        spec = ax.get_subplotspec()
        assert spec
        halves = spec.subgridspec(2, 1, height_ratios=[2.4, self._strip], hspace=0)
        ax.set_subplotspec(halves[0])
        strip = ax.figure.add_subplot(halves[1], sharex=ax)
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
        strip.set_xlabel(short(self.candidates.setting.key))


def draw(evidence: Evidence, candidates: Sequence[Candidates]) -> Figure:
    """The figure. Its caption is ``caption(evidence, candidates)``."""
    keys = {one.setting.key for one in candidates}
    panels = [Tuning(evidence, one) for one in candidates]  # with several settings a row for each selection
    places = grid(panels, 2 if len(keys) == 1 else min(len(keys), 3))
    return compose(panels, places, f"n = {seeds_text(candidates)} per candidate")


def caption(evidence: Evidence, candidates: Sequence[Candidates]) -> str:
    """What the panels show, which metrics hang on each, and the arms that ended on an edge."""
    texts = [panel.caption([Tuning(evidence, one) for one in candidates])]
    selects = list(dict.fromkeys(one.select for one in candidates))
    for select in selects if len(selects) > 1 else ():
        letters = [ascii_lowercase[i % 26] for i, one in enumerate(candidates) if one.select == select]
        decided = listed(METRICS[metric].title for metric in read_by(evidence.comparison, select))
        texts.append(f"({', '.join(letters)}) decides {decided}.")
    gone = [x for x in evidence.labels if any(x in one.chosen and one.chosen[x] is None for one in candidates)]
    if gone:
        texts.append(f"{listed(gone)}: {ALL_DIVERGED}, so nothing was trained.")
    return " ".join(text for text in (*texts, undertuned_arms(evidence.comparison, evidence.chosen)) if text)


def seeds_text(candidates: Sequence[Candidates]) -> str:
    """How many tuning seeds a candidate has."""
    return counted(max((one.rows["seed"].nunique() for one in candidates), default=0), "tuning seed")

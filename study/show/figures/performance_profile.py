"""Performance profiles over datasets (Dolan and Moré, 2002)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from study.metrics import METRICS
from study.show.figures.data import LOOKS, Look
from study.show.figures.panel import Panel
from study.show.figures.style import arms, nothing
from study.show.tables.rank_table import Scores
from study.stats.estimates import Floats
from study.stats.ranks import performance_profile

OTHERS = Look("0.78", ".")  # arms beyond those that have a look of their own
WIDE = 8  # the factor from which on the axis is logarithmic


class Profile(Panel):
    """Performance profiles (Dolan and Moré, 2002) of {metric}: the share of datasets on which an arm comes within a
    factor of the best arm there. Left, at 1: on how many it is the best itself; right: on how many it has a value at
    all.{lost}{grey}
    """

    height = 2.5

    def __init__(self, looks: Mapping[str, Look], metric: str, score: Scores) -> None:
        self.looks, self.metric, self.score = looks, metric, score

    def words(self) -> dict[str, str]:
        lost = " A dataset on which runs diverged, or too few reached the target, counts as one without."
        grey = f" Grey: all but the {len(LOOKS) - 1} arms with the largest areas under their profiles."
        return super().words() | {
            "lost": lost * bool((self.score.lost > 0).any()),
            "grey": grey * (OTHERS in self.looks.values()),
        }

    def handles(self) -> list[Artist]:
        return [*arms({arm: look for arm, look in self.looks.items() if look != OTHERS})]

    def draw(self, ax: Axes) -> None:
        ax.set(xlabel=f"{METRICS[self.metric].title}: factor of the best arm", ylabel="datasets (%)")
        ax.set_ylim(-2, 104)
        ax.set_yticks([0, 25, 50, 75, 100])
        if why := unfit(self.score):
            nothing(ax, why)
            return
        factors = np.unique(np.append(1.0, ratios(self.score)))
        shares = performance_profile(self.score.solved, factors) * 100
        end = max(factors[-1] ** 1.05, 1 + 1.05 * (factors[-1] - 1), 1.1)
        for look, share in zip(self.looks.values(), shares, strict=True):
            rises, grey = np.diff(share, prepend=0) > 0, look == OTHERS
            ax.plot([1.0, *factors, end], [0.0, *share, share[-1]], drawstyle="steps-post", color=look.color,
                    linewidth=0.9 if grey else 1.5, linestyle=look.linestyle, zorder=1.9 if grey else 2)  # fmt: skip
            if rises.any():  # an empty line that is not clipped breaks the layout
                ax.plot(factors[rises], share[rises], **look._replace(linestyle="")._asdict(), markersize=4.2,
                        alpha=0.85, markeredgewidth=0, clip_on=False, zorder=1.9 if grey else 2)  # fmt: skip
        if end > WIDE:
            ax.set_xscale("log")
            ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if end < 100 else (1,)))
            ax.xaxis.set_minor_formatter(NullFormatter())
        else:
            ticks = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(1, end)
            ax.set_xticks([1, *(tick for tick in ticks if 1 < tick <= end)])
        ax.xaxis.set_major_formatter("{x:g}")
        ax.set_xlim(1, end)


def unfit(score: Scores) -> str:
    """Why there is no profile of these scores; empty where there is one."""
    if score.absent:
        return "no estimate of every arm yet"
    if (score.estimates <= 0).any():
        return "no factors of a value of 0"
    return "" if np.isfinite(score.solved).any() else "no arm has an estimate"


def ratios(score: Scores) -> Floats:
    """The factors by which arms are behind the best one, where both have a value. [any number]"""
    solved = score.solved[np.isfinite(score.solved).any(axis=1)]
    found = solved / solved.min(axis=1, keepdims=True)
    return np.asarray(found[np.isfinite(found)], dtype=float)


def areas(score: Scores) -> Floats:
    """The area under each arm's profile, its factors on a logarithmic scale; 0 where there is none. [arms]"""
    if unfit(score):
        return np.zeros(score.lost.shape[1])
    factors = np.geomspace(1, ratios(score).max() * 1.05, 200)
    return np.asarray(performance_profile(score.solved, factors).mean(axis=1), dtype=float)

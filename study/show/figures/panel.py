"""Panels, a page of them, and what all share: style, marks, the axes of accuracies and of losses, and how to save."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import cleandoc
from pathlib import Path
from string import ascii_lowercase
from typing import Any, ClassVar

import matplotlib

matplotlib.use("Agg")
import numpy as np
import pandas as pd
import seaborn as sns
from fontTools.subset import Options
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from study.metrics import METRICS
from study.show.figures.data import Evidence, Look
from study.store.files import replacing
from study.wording import listed

# The glyphs of a PDF have their places. To read how their font would place them takes half of the time that one takes.
getattr(Options, "_drop_tables_default", []).extend(("GSUB", "GPOS", "GDEF", "kern"))
FEW, SOME = 8, 40  # arms that lines, and that rows of dots, can show
Grid = list[list[int | str]]  # which panel stands where, as in ``Figure.subplot_mosaic``
WIDTH = 7.2  # inches: a page's text
STYLE: dict[Any, Any] = {
    "font.size": 8.5, "axes.labelsize": 8.5, "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8.5,
    "axes.edgecolor": "0.3", "axes.linewidth": 0.7, "xtick.color": "0.15", "ytick.color": "0.15",
    "xtick.major.width": 0.7, "ytick.major.width": 0.7, "xtick.major.size": 3, "ytick.major.size": 3,
    "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "font.family": ["sans-serif"], "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none", "svg.hashsalt": "evenhand", "pdf.fonttype": 42, "savefig.dpi": 200,
    "figure.autolayout": False, "figure.constrained_layout.use": False,  # so that no layout engine means none
}  # fmt: skip
PERCENT: dict[str, Any] = {"ylim": (-2, 104), "yticks": [0, 25, 50, 75, 100]}
TICKS = np.array([0, 50, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9])  # percent
MEAN: dict[str, Any] = {
    "marker": "D", "markersize": 5.5, "markeredgecolor": "white", "markeredgewidth": 0.8, "linestyle": "",
}  # fmt: skip


class Panel(ABC):
    """One panel of a figure.

    The docstring of its class is its caption, where words in braces stand for those of ``words``.
    """

    metric: str

    @abstractmethod
    def draw(self, ax: Axes) -> None: ...

    @property
    def height(self) -> float:
        """Inches."""
        return 2.1

    def words(self) -> dict[str, str]:
        """What stands in the caption for words in braces; of panels of one kind, the list of what each says."""
        return {"metric": METRICS[self.metric].title}

    def handles(self) -> list[Artist]:
        """Marks that the legend explains."""
        return []


class MetricPanel(Panel):
    """One kind of panel of a comparison's results. A class in a module of panels/ is known without being registered.

    In its caption {metric} stands for the names of the metrics, {Metric} for the same with a capital. Kinds are asked,
    and their panels drawn, in the order of ``place``; a metric that one ``covers`` is not offered to those after it.
    """

    place: ClassVar[float] = 4
    wide: ClassVar[bool] = False  # panels below each other over the whole width, rather than beside the first one

    def __init__(self, evidence: Evidence, metric: str) -> None:
        self.evidence, self.metric = evidence, metric

    @classmethod
    @abstractmethod
    def suits(cls, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        """The metrics to draw a panel of each. ``metrics``: those that no kind before this one shows."""

    def covers(self) -> set[str]:
        """The metrics that this panel shows, so that no other has to."""
        return {self.metric}


def grid(panels: Sequence[Panel], columns: int) -> Grid:
    """The panels row by row."""
    columns = min(columns, len(panels))
    places: list[int | str] = [*range(len(panels)), *"." * (-len(panels) % columns)]
    return [places[at : at + columns] for at in range(0, len(places), columns)]


def compose(panels: Sequence[Panel], places: Grid, n: str, width: float = WIDTH) -> Figure:
    """A page of panels, lettered where there are several. ``n``: what stands behind them; ``width`` in inches."""
    rows = [[i for i in set(row) if isinstance(i, int) and sum(i in other for other in places) == 1] for row in places]
    heights = [max(panels[i].height for i in row) for row in rows]
    with page() as figure:
        figure.set_size_inches(width, max(sum(heights), panels[0].height) + 0.4)
        axes: dict[Any, Axes] = figure.subplot_mosaic(places, height_ratios=heights)  # type: ignore[arg-type]
        for i, panel in enumerate(panels):
            panel.draw(axes[i])
            if len(panels) > 1:
                axes[i].set_title(ascii_lowercase[i % 26], loc="left", weight="bold", fontsize=9, x=-0.02)
        handles = {str(mark.get_label()): mark for panel in panels for mark in panel.handles()}
        if not handles:
            figure.suptitle(n, x=0.99, ha="right", fontsize=8, color="0.25")
            return figure
        axes[0].set_title(n, loc="right", fontsize=8, color="0.25")
        lengths = [max(map(len, label.split("\n"))) + 8 for label in handles]
        room = int(90 * width / WIDTH)  # letters
        columns = len(handles) if sum(lengths) <= room else max(1, room // max(lengths))
        figure.legend(
            handles=[*handles.values()], loc="outside upper center", ncols=columns, frameon=False, handlelength=2.6
        )
    return figure


def caption(panels: Sequence[Panel]) -> str:
    """What each kind of panel shows, with the letters of those of this kind."""
    parts = []
    for kind in dict.fromkeys(map(type, panels)):
        places = [i for i, panel in enumerate(panels) if type(panel) is kind]
        said = [panels[i].words() for i in places]
        words = {name: listed(dict.fromkeys(each[name] for each in said if each[name])) for name in said[0]}
        words["Metric"] = words["metric"][0].upper() + words["metric"][1:]
        text = " ".join(cleandoc(kind.__doc__ or "").split()).format(**words)
        parts.append(f"({', '.join(ascii_lowercase[i % 26] for i in places)}) {text}" if len(panels) > 1 else text)
    return " ".join(parts)


class Layout(ConstrainedLayoutEngine):
    """Constrained layout to a millionth of the page: its solver sums in the order of addresses, so last bits vary."""

    def execute(self, fig: Figure) -> None:
        super().execute(fig)
        for ax in fig.axes:
            laid_out = ax.get_in_layout()  # which a position that is set ends
            ax.set_position(np.round(ax.get_position(original=True).bounds, 6))
            ax.set_in_layout(laid_out)


@contextmanager
def page() -> Iterator[Figure]:
    """An empty figure in the style of all figures, to be filled within the block."""
    with sns.axes_style("ticks", STYLE), matplotlib.rc_context(STYLE):
        yield Figure(layout=Layout())


def nothing(ax: Axes, reason: str) -> None:
    """Say on the panel why it is empty."""
    ax.text(0.5, 0.5, reason, transform=ax.transAxes, ha="center", va="center", color="0.35", style="italic")


def spread(seeds: pd.Series) -> pd.Series:
    """A place in [-0.5, 0.5) for each seed: neighbours lie apart, and nothing is random."""
    return (seeds * 0.618034 + 0.5) % 1 - 0.5  # multiples of the golden ratio


def scatter(ax: Axes, runs: pd.DataFrame, x: str, y: str, look: Look, rasterized: bool = False) -> None:
    """A dot for each of ``runs``; those that did not learn are open."""
    for learned, part in runs.groupby("learned"):
        sns.scatterplot(
            part, x=x, y=y, ax=ax, legend=False, marker=look.marker, s=13, linewidth=0.6, edgecolor=look.color,
            facecolor=look.color if learned else "none", alpha=0.55 if learned else 1, rasterized=rasterized,
        )  # fmt: skip


def estimate(ax: Axes, row: Iterable[Any], at: float, colour: str, upright: bool = True) -> None:
    """A diamond and a bar, at x = ``at`` where they are upright, else at y. ``row``: estimate, low and high.

    An end of the interval that is past the budget, or among runs that diverged, is an arrow to the edge of the panel.
    """
    value, *interval = row
    known = np.isfinite(value) and not np.isnan(interval).any()
    ends = np.where(np.isfinite(interval), interval, value)
    if known and ends[0] < ends[1]:
        bar = ([at, at], ends)
        ax.plot(*(bar if upright else bar[::-1]), color=colour, linewidth=2, solid_capstyle="butt", zorder=4)
    for end, edge in zip(interval, (0, 1), strict=True):
        if known and np.isinf(end):
            arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
            places: list[Any] = [(edge, at), (value, at), ("axes fraction", "data")]
            to, start, by = [(y, x) for x, y in places] if upright else places
            ax.annotate("", to, start, xycoords=by, textcoords="data", arrowprops=arrow)
    if np.isfinite(value):
        ax.plot(*((at, value) if upright else (value, at)), color=colour, zorder=5, **MEAN)


def steps(ax: Axes, x: np.ndarray, shares: np.ndarray, ends: tuple[float, float], look: Look) -> None:
    """Shares in percent, that rise at each ``x``: a line between ``ends``, and a dot wherever it rises."""
    most = shares.max(initial=0)
    ax.plot([ends[0], *x, ends[1]], [0, *shares, most], drawstyle="steps-post", color=look.color,
            linestyle=look.linestyle)  # fmt: skip
    rises = np.diff(shares, prepend=0) > 0
    if rises.any():  # an empty line that is not clipped breaks the layout
        ax.plot(x[rises], shares[rises], color=look.color, marker=look.marker, linestyle="", markersize=4, alpha=0.8,
                markeredgewidth=0, clip_on=False)  # fmt: skip


def arms(looks: Mapping[str, Look]) -> list[Line2D]:
    """The arms in a legend. ``looks``: by what is said of them there."""
    return [Line2D([], [], **look._asdict(), markersize=4.5, label=label) for label, look in looks.items()]


def loss_scale(ax: Axes, low: float, high: float) -> None:
    """A logarithmic axis, with more ticks where its values span less than a decade and a half."""
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7) if high < 30 * low else (1,)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("")


def error_scale(ax: Axes, low: float, high: pd.Series) -> None:
    """Accuracies spaced by the logarithm of their errors: 90, 95 and 98 % are as far apart as they matter.

    ``low`` is the lowest that is shown, ``high`` are the highest of each arm or epoch; in percent.
    """
    top, below = 99.95, high[high < 100].max()  # the end: a little above the highest accuracy that is not 100 %
    if np.isfinite(below):
        top = min(top, 100 - (100 - below) / 2)

    def forward(accuracy: Any) -> Any:
        return -np.log10(100 - np.minimum(accuracy, top))

    def inverse(place: Any) -> Any:
        return 100 - 10 ** -np.asarray(place)

    ax.set_yscale("function", functions=(forward, inverse))
    ax.set_ylim(max(0.0, min(float(np.nan_to_num(low)), 50)), top)
    ax.set_yticks(TICKS[top > TICKS], labels=[f"{tick:g}" for tick in TICKS[top > TICKS]])
    ax.set_yticks([], minor=True)


def save(figure: Figure, stem: Path, text: str = "") -> None:
    """Write .svg, .png and .pdf, each in one step, the same bytes each time. ``text``, the caption, travels in them."""
    with matplotlib.rc_context(STYLE):
        about = dict.fromkeys(("Date", "Creator", "Format", "Type")) | {"Description": text or None}
        formats: dict[str, dict[str, str | None]] = {
            "svg": about,
            "pdf": {"CreationDate": None, "Subject": text or None},
            "png": {"Software": None, "Description": text or None},
        }
        for ending, metadata in formats.items():
            with replacing(stem.with_name(f"{stem.name}.{ending}")) as beside:
                figure.savefig(beside, metadata=metadata)
            figure.set_layout_engine(None)  # it is laid out, once for all formats; nor is it drawn twice for each

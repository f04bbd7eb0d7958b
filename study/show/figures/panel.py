"""Panels, a page of them, and what all share: style, marks, and how to save."""

from __future__ import annotations

import textwrap
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import cleandoc
from itertools import groupby
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

from study.metrics import METRICS
from study.plan.file.labels import short
from study.plan.style import Style, missing_font
from study.show.figures.data import ARROWS, USUAL, Evidence, Look
from study.show.figures.scales import name_scales
from study.store.files import replacing
from study.wording import listed

# The glyphs of a PDF have their places. To read how their font would place them takes half of the time that one takes.
getattr(Options, "_drop_tables_default", []).extend(("GSUB", "GPOS", "GDEF", "kern"))
SOME = 40  # arms that rows of dots can show
Grid = list[list[int | str]]  # which panel stands where, as in ``Figure.subplot_mosaic``
NARROW = 5  # inches, below which panels stand below each other
STYLE: dict[Any, Any] = {
    "font.size": 8.5, "axes.labelsize": 8.5, "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8.5,
    "axes.edgecolor": "0.3", "axes.linewidth": 0.7, "xtick.color": "0.15", "ytick.color": "0.15",
    "xtick.major.width": 0.7, "ytick.major.width": 0.7, "xtick.major.size": 3, "ytick.major.size": 3,
    "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "font.family": ["sans-serif"], "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none", "svg.hashsalt": "evenhand", "pdf.fonttype": 42, "savefig.dpi": 200,
    "figure.autolayout": False, "figure.constrained_layout.use": False,  # so that no layout engine means none
}  # fmt: skip
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

    @property
    def title(self) -> str:
        """What stands over it, beside its letter."""
        return ""

    def words(self) -> dict[str, str]:
        """What stands in the caption for words in braces; of panels of one kind, the list of what each says."""
        return {"metric": METRICS[self.metric].title}

    def handles(self) -> Sequence[Artist]:
        """Marks that the legend explains."""
        return ()


class MetricPanel(Panel):
    """One kind of panel of a comparison's results. A class in a module of panels/ is known without being registered.

    In its caption {metric} stands for the names of the metrics, {Metric} for the same with a capital. Kinds are asked,
    and their panels drawn, in the order of ``place``; a metric that one ``covers`` is not offered to those after it.
    """

    place: ClassVar[float] = 4
    named: ClassVar[str] = ""  # what a study file calls it, if not by its metric
    below = False  # one of its kind stands over it, which names what both have
    wide: ClassVar[bool] = False  # panels below each other over the whole width, rather than beside the first one

    def __init__(self, evidence: Evidence, metric: str) -> None:
        self.evidence, self.metric = evidence, metric

    @classmethod
    @abstractmethod
    def suits(cls, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        """The metrics to draw a panel of each. ``metrics``: those that no kind before this one shows."""

    @property
    def title(self) -> str:
        """By what the arms were tuned that it shows, where others of the comparison were tuned otherwise."""
        return self.evidence.tuned(self.metric)

    @classmethod
    def made(cls, evidence: Evidence, metrics: Sequence[str]) -> list[MetricPanel]:
        """The panels themselves."""
        return [cls(evidence, metric) for metric in cls.suits(evidence, metrics)]

    def covers(self) -> set[str]:
        """The metrics that this panel shows, so that no other has to."""
        return {self.metric}


def alone(style: Style) -> float:
    """The width of a figure of one panel, in inches: on a page it needs less than that."""
    return 0.7 * style.inches if style.width == "double" else style.inches


def grid(panels: Sequence[Panel], columns: int) -> Grid:
    """The panels row by row."""
    places: list[int | str] = [*range(len(panels)), *"." * (-len(panels) % min(columns, len(panels)))]
    return [places[at : at + columns] for at in range(0, len(places), columns)]


def compose(panels: Sequence[Panel], places: Grid, n: str, style: Style = USUAL, width: float | None = None) -> Figure:
    """A page of panels, lettered where there are several. ``n``: what stands behind them; ``width``: in inches, if not
    that of ``style``.
    """
    width = style.inches if width is None else width
    rows = [[i for i in set(row) if isinstance(i, int) and sum(i in other for other in places) == 1] for row in places]
    heights = [max(panels[i].height for i in row) for row in rows]
    with page(style) as figure:
        figure.set_size_inches(width, max(sum(heights), panels[0].height) + 0.4)
        axes: dict[Any, Axes] = figure.subplot_mosaic(places, height_ratios=heights)  # type: ignore[arg-type]
        for i, panel in enumerate(panels):
            panel.draw(axes[i])
            if len(panels) > 1:
                axes[i].set_title(ascii_lowercase[i % 26], loc="left", weight="bold", fontsize=9, x=-0.02)
        name_scales(figure)
        handles = {(mark.get_gid(), mark.get_label()): mark for panel in panels for mark in panel.handles()}
        titles = [panel.title for panel in panels]
        if handles:
            room = int(13 * (width / len(places[0]) - 0.6))  # letters beside that of the panel
            titles[0] = f"{textwrap.fill(n, max(room, 12))}\n{titles[0]}".strip()
            marks, columns = _columns([*handles.values()], int(12.5 * width))
            over = len(panels) < 2 or any(panel.handles() for panel in panels[:-1])  # else beside what it explains
            figure.legend(handles=marks, loc="outside upper center" if over else "outside lower center",
                          ncols=columns, frameon=False, handlelength=2.6)  # fmt: skip
        else:
            figure.suptitle(n, x=0.99, ha="right", fontsize=8, color="0.25")
        for i, title in enumerate(titles):
            axes[i].set_title(title, loc="right", fontsize=8, color="0.25")
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


def directions(panels: Sequence[Panel]) -> str:
    """What the arrows at axes say."""
    found = {METRICS[panel.metric].better for panel in panels}
    return f"{'; '.join(f'{arrow}: {better} is better' for better, arrow in ARROWS.items() if better in found)}."


class Layout(ConstrainedLayoutEngine):
    """Constrained layout to a millionth of the page: its solver sums in the order of addresses, so last bits vary."""

    def execute(self, fig: Figure) -> None:
        super().execute(fig)
        for ax in fig.axes:
            laid_out = ax.get_in_layout()  # which a position that is set ends
            ax.set_position(np.round(ax.get_position(original=True).bounds, 6))
            ax.set_in_layout(laid_out)


def settings(style: Style) -> dict[Any, Any]:
    """For matplotlib. A font that is not installed here is left out."""
    fonts = [style.font, *STYLE["font.sans-serif"]] if style.font and not missing_font(style) else None
    return STYLE | ({"font.sans-serif": fonts} if fonts else {})


@contextmanager
def page(style: Style = USUAL) -> Iterator[Figure]:
    """An empty figure in the style of all figures, to be filled within the block."""
    chosen = settings(style)
    with sns.axes_style("ticks", chosen), matplotlib.rc_context(chosen):
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


def arms(looks: Mapping[str, Look], part: str = "") -> list[Line2D]:
    """The arms in a legend. ``looks``: by what is said of them there; ``part``: of the legend."""
    return [Line2D([], [], **look._asdict(), markersize=4.5, label=label, gid=part) for label, look in looks.items()]


def legend(evidence: Evidence) -> list[Line2D]:
    """The arms of a comparison in a legend, or the values of its keys, with their names."""
    found = []
    for part, looks in evidence.legend().items():
        named = part and not any("=" in value for value in looks)
        found += arms({f"{short(part)}:": Look("none", "", "")} if named else {}, part) + arms(looks, part)
    return found


def _columns(handles: Sequence[Artist], room: int) -> tuple[list[Artist], int]:
    """The entries of a legend in so many columns: in one row; each part in its own; or as many as have room."""

    def letters(handle: Artist) -> int:
        return max(map(len, str(handle.get_label()).split("\n"))) + 8

    parts = [list(part) for _, part in groupby(handles, key=lambda handle: handle.get_gid() or "")]
    most, blank = max(map(len, parts)), Line2D([], [], linestyle="", label=" ")
    rows = [[*part, *[blank] * (most - len(part))] for part in parts]
    if sum(map(letters, handles)) <= room:
        return list(handles), len(handles)
    if len(parts) > 1 and sum(max(map(letters, column)) for column in zip(*rows, strict=True)) <= room:
        return [row[i] for i in range(most) for row in rows], most
    return list(handles), max(1, room // max(map(letters, handles)))


def save(figure: Figure, stem: Path, text: str = "", style: Style = USUAL) -> None:
    """Write its formats, each in one step, the same bytes each time. ``text``, the caption, travels in them."""
    with matplotlib.rc_context(settings(style)):
        about = dict.fromkeys(("Date", "Creator", "Format", "Type")) | {"Description": text or None}
        formats: dict[str, dict[str, str | None]] = {
            "svg": about,
            "pdf": {"CreationDate": None, "Subject": text or None},
            "png": {"Software": None, "Description": text or None},
        }
        for ending in style.endings:
            with replacing(stem.with_name(f"{stem.name}.{ending}")) as beside:
                figure.savefig(beside, metadata=formats[ending])
            figure.set_layout_engine(None)  # it is laid out, once for all formats; nor is it drawn twice for each

"""Panels, and a page of them: every figure is made of these."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from inspect import cleandoc
from string import ascii_lowercase
from typing import Any, ClassVar

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.metrics import METRICS
from study.show.figures.data import Evidence
from study.show.figures.style import WIDTH, page
from study.wording import listed

FEW, SOME = 8, 40  # arms that lines, and that rows of dots, can show
Grid = list[list[int | str]]  # which panel stands where, as in ``Figure.subplot_mosaic``


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

"""What every kind of panel has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from study.metrics import METRICS
from study.show.figures.data import Evidence
from study.show.figures.style import sentence

FEW, SOME = 8, 40  # arms that lines, and that rows of dots, can show


class Panel(ABC):
    """One kind of panel. A class in a module of this folder is known: there is nothing to register.

    Its docstring is its caption, where {metric} stands for the names of the metrics, {Metric} for the same with a
    capital, and other words in braces for those of ``words``.
    """

    place: ClassVar[float] = 4  # kinds are asked, and their panels drawn, in this order; those alike by metric
    least: ClassVar[float] = 2.1  # inches of its height, at least
    wide: ClassVar[bool] = False  # panels below each other over the whole width, rather than beside the first one
    arms: ClassVar[bool] = False  # whether it needs the legend of arms

    @classmethod
    def kinds(cls) -> list[Self]:
        """All kinds that can be drawn, in the order of their places."""
        found = [kind for sub in cls.__subclasses__() for kind in (sub(), *sub.kinds())]
        return sorted(found, key=lambda kind: kind.place)

    @abstractmethod
    def suits(self, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        """The metrics to draw a panel of each. ``metrics``: those that no kind before this one shows."""

    @abstractmethod
    def draw(self, ax: Axes, evidence: Evidence, metric: str) -> None: ...

    def covers(self, evidence: Evidence, metric: str) -> set[str]:
        """The metrics that the panel of ``metric`` shows, so that no other has to."""
        return {metric}

    def height(self, evidence: Evidence) -> float:
        """Inches, where arms are rows."""
        return max(self.least, rows_height(evidence))

    def title(self, metric: str) -> str:
        """What the caption calls a metric."""
        return METRICS[metric].title

    def words(self, evidence: Evidence, metric: str) -> dict[str, str]:
        """What stands in the caption for words in braces."""
        return {}

    def handles(self, evidence: Evidence) -> list[Artist]:
        """Marks of its own that the legend explains."""
        return []

    def caption(self, evidence: Evidence, metrics: Sequence[str], named: str) -> str:
        """The docstring; ``named``: the titles of the metrics, as a list in words."""
        words = self.words(evidence, metrics[0])
        return sentence(type(self), metric=named, Metric=named[0].upper() + named[1:], **words)


def rows_height(evidence: Evidence) -> float:
    """Inches of a panel with a row for each arm."""
    return 0.34 * sum(1 + evidence.named(label).count("\n") * 0.4 for label in evidence.labels) + 0.75

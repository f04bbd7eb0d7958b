"""How arms look that are named without their datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from study.show.figures.data import COLOURS, DASHES, MARKERS

GREY = "0.78"
ALL, MOST = (
    len(COLOURS),
    len(COLOURS) - 1,
)  # arms with a colour of their own; where others are grey: but for the grey one


class Looks:
    """``arms``: all of them, in their order; ``coloured``: those of them that are not grey."""

    def __init__(self, arms: Sequence[str], coloured: Sequence[str]) -> None:
        self.arms, self.coloured = tuple(arms), tuple(coloured)

    def colour(self, arm: str) -> str:
        return COLOURS[self.coloured.index(arm)] if arm in self.coloured else GREY

    def marker(self, arm: str) -> str:
        return MARKERS[self.coloured.index(arm)] if arm in self.coloured else "."

    def dashes(self, arm: str) -> tuple[float, tuple[float, ...]] | Literal["-"]:
        """A line style for matplotlib."""
        dashes = DASHES[self.coloured.index(arm)] if arm in self.coloured else ""
        return (0, tuple(map(float, dashes))) if isinstance(dashes, tuple) else "-"

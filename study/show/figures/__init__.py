"""What is drawn of a study: a table of each comparison, and the figures that suit it.

Loads neither pandas nor matplotlib.
"""

from __future__ import annotations

from typing import NamedTuple

from study.plan.plan import Plan, PlannedComparison
from study.show.figures.figure import Figure

FIGURES: dict[str, Figure] = {kind.name: kind() for kind in Figure.__subclasses__()}
TABLE = "table"


class Drawing(NamedTuple):
    """A figure of this name, or the table, of a comparison."""

    name: str
    comparison: PlannedComparison

    @property
    def files(self) -> list[str]:
        """Its files in the folder of the study: first the one that Snakemake's report shows."""
        if self.name == TABLE:
            return [f"tables/{self.comparison.name}.{ending}" for ending in ("csv", "md", "tex")]
        return [f"figures/{self.name}/{self.comparison.name}.{ending}" for ending in ("svg", "png", "pdf")]


def drawings(plan: Plan) -> list[Drawing]:
    """All tables and figures of a study, in the order of the page."""
    return [
        Drawing(name, comparison)
        for comparison in plan.comparisons
        for name in [TABLE, *(kind.name for kind in FIGURES.values() if kind.suits(plan, comparison))]
    ]

"""What is drawn of a study: a table of each comparison, and the figures that suit it.

Loads neither pandas nor matplotlib.
"""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from study.plan.plan import Plan, PlannedComparison
from study.plan.style import Style
from study.show.figures.figure import Figure
from study.stats.exact import ordered_families

FIGURES: dict[str, Figure] = {kind.name: kind() for kind in Figure.__subclasses__()}
TABLE, CLAIMS = "table", "claims"
SHEET = 48  # lines of claims and headings that a page can show
NARROW = "-narrow"  # ends the name of a figure for a column, or a phone


class Drawing(NamedTuple):
    """A figure of this name, or the table, of a comparison; or the claims of a study from one of them up to another."""

    name: str
    comparison: PlannedComparison | None
    sheet: int = 0
    claims: slice = slice(None)
    endings: tuple[str, ...] = Style().endings  # of the files of a figure

    @property
    def of(self) -> str:
        """The name of the comparison, or the number of the sheet."""
        return self.comparison.name if self.comparison else str(self.sheet)

    @property
    def files(self) -> list[str]:
        """Its files in the folder of the study: first the one that Snakemake's report shows."""
        if self.name == TABLE:
            return [f"tables/{self.of}.{ending}" for ending in ("csv", "md", "tex")]
        widths = ("", NARROW) if self.name == CLAIMS else ("",)
        stems = [f"figures/{self.name}/{self.of}{width}" for width in widths]
        return [f"{stem}.{ending}" for stem in stems for ending in self.endings]

    @property
    def shelf(self) -> tuple[str, dict[str, str]]:
        """Where Snakemake's report shows it: under which heading, and as what."""
        if self.comparison is None:
            return "Claims", {"figure": "forest plot", "page": self.of}
        if self.name == TABLE:
            return "Tables", {"comparison": self.of}
        return "Figures", {"comparison": self.of, "figure": self.name}


def drawings(plan: Plan) -> list[Drawing]:
    """All tables and figures of a study, in the order of the page."""
    return sheets(plan) + [
        Drawing(name, comparison, endings=plan.style.endings)
        for comparison in plan.comparisons
        for name in [TABLE, *(kind.name for kind in FIGURES.values() if kind.suits(plan, comparison))]
    ]


def sheets(plan: Plan) -> list[Drawing]:
    """The figures of all claims, family by family: one, or as many as need a page; those of a comparison stay together
    where they can.
    """
    starts, used, at = [0], 0, 0
    claims = [(claim.family, comparison.name) for comparison in plan.comparisons for claim in comparison.claims]
    order = ordered_families(family for family, _ in claims)
    for _, same in groupby(sorted(claims, key=lambda claim: order.index(claim[0]))):
        lines = len(list(same)) + 1  # with its heading
        for i in range(lines - 1):
            if used and used + (1 if i else min(lines, SHEET)) > SHEET:
                starts.append(at)
                used = 0
            used += 1 if i else 2
            at += 1
    ends: list[int | None] = [*starts[1:], None]  # the last has those that were withdrawn, too
    pairs = enumerate(zip(starts, ends, strict=True), 1)
    return [Drawing(CLAIMS, None, sheet, slice(*both), plan.style.endings) for sheet, both in pairs] if at else []

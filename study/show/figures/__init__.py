"""Figures of a comparison: which there are, and which suit a study. Loads neither pandas nor matplotlib."""

from __future__ import annotations

from study.plan.plan import Plan
from study.show.figures.figure import Figure

FIGURES: dict[str, Figure] = {kind.name: kind() for kind in Figure.__subclasses__()}


def drawings(plan: Plan) -> list[tuple[str, str]]:
    """All figures of a study: the name of a figure and that of a comparison, in the order of the page."""
    return [(kind.name, c.name) for c in plan.comparisons for kind in FIGURES.values() if kind.suits(plan, c)]

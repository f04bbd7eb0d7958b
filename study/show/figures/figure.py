"""What every kind of figure has in common, and the kinds there are.

The Snakefile asks them what suits a study, so matplotlib is imported where a figure is drawn, and not before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from study.plan.plan import Plan, PlannedComparison
from study.show.datasets import across, has_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Canvas

    from study.show.figures.data import Evidence


class Figure(ABC):
    """One kind of figure of a comparison. A class in this module is known: there is nothing to register."""

    name: ClassVar[str]  # its folder under figures/
    title: ClassVar[str]  # what the page calls it

    @abstractmethod
    def suits(self, plan: Plan, comparison: PlannedComparison) -> bool:
        """Whether there is such a figure of a comparison; decided from the plan, before anything has run."""

    @abstractmethod
    def draw(self, plan: Plan, evidence: Evidence, summary: pd.DataFrame) -> tuple[Canvas, str]:
        """Draw it from what a study left; with its caption. ``summary``: that of summary.parquet."""


class Results(Figure):
    """All metrics of a comparison: learning curves, dots, heat maps, … as they suit it."""

    name, title = "results", "Figure"

    def suits(self, plan: Plan, comparison: PlannedComparison) -> bool:
        return True

    def draw(self, plan: Plan, evidence: Evidence, summary: pd.DataFrame) -> tuple[Canvas, str]:
        from study.show.figures import results_figure

        return results_figure.draw(evidence), results_figure.caption(evidence)


class Datasets(Figure):
    """Arms over several datasets: critical-difference diagrams and performance profiles."""

    name, title = "datasets", "Figure over datasets"

    def suits(self, plan: Plan, comparison: PlannedComparison) -> bool:
        return has_figure(across(plan, comparison), comparison.metrics)

    def draw(self, plan: Plan, evidence: Evidence, summary: pd.DataFrame) -> tuple[Canvas, str]:
        from study.show.figures import datasets_figure

        panels = datasets_figure.panels(plan, evidence.comparison, summary)
        return datasets_figure.draw(panels, plan.style), datasets_figure.caption(panels)


class Tuning(Figure):
    """What arms were chosen by, against each setting that was searched."""

    name, title = "tuning", "Figure of its tuning"

    def suits(self, plan: Plan, comparison: PlannedComparison) -> bool:
        return bool(comparison.selections)

    def draw(self, plan: Plan, evidence: Evidence, summary: pd.DataFrame) -> tuple[Canvas, str]:
        from study.show.figures import tuning_figure

        panels = tuning_figure.panels(evidence, plan)
        return tuning_figure.draw(panels), tuning_figure.caption(panels)

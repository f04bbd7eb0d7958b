"""The panels that a comparison's figure is made of: a module for each kind."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import NamedTuple

from study.show.figures.data import Evidence
from study.show.figures.panels.panel import Panel

for module in iter_modules(__path__, f"{__name__}."):
    import_module(module.name)
PANELS = Panel.kinds()


class Slot(NamedTuple):
    """A place in a figure: a kind of panel, and the metric that it shows there."""

    kind: Panel
    metric: str


def panels(evidence: Evidence) -> list[Slot]:
    """What is drawn for a comparison, in its order."""
    metrics = list(evidence.comparison.metrics)
    chosen: list[Slot] = []
    left = metrics
    for kind in PANELS:
        mine = kind.suits(evidence, left)
        chosen += [Slot(kind, metric) for metric in mine]
        covered = {other for metric in mine for other in kind.covers(evidence, metric)}
        left = [metric for metric in left if metric not in covered]
    order = {metric: i for i, metric in enumerate(metrics)}
    return sorted(chosen, key=lambda panel: (panel.kind.place, order.get(panel.metric, 0)))

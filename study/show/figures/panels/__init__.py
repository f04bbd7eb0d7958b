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


class Shown(NamedTuple):
    """A panel of a figure."""

    kind: Panel
    metric: str


def panels(evidence: Evidence) -> list[Shown]:
    """What is drawn for a comparison, in its order."""
    metrics = list(evidence.comparison.metrics)
    chosen: list[Shown] = []
    left = metrics
    for kind in PANELS:
        mine = kind.suits(evidence, left)
        chosen += [Shown(kind, metric) for metric in mine]
        covered = {other for metric in mine for other in kind.covers(evidence, metric)}
        left = [metric for metric in left if metric not in covered]
    order = {metric: i for i, metric in enumerate(metrics)}
    return sorted(chosen, key=lambda panel: (panel.kind.place, order.get(panel.metric, 0)))

"""The panels that a comparison's figure is made of."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from study.show.figures.data import Evidence
from study.show.figures.panel import MetricPanel

for module in iter_modules(__path__, f"{__name__}."):
    import_module(module.name)


def kinds(of: type[MetricPanel] = MetricPanel) -> list[type[MetricPanel]]:
    """All kinds that can be drawn, in the order of their places."""
    found = [kind for sub in of.__subclasses__() for kind in (sub, *kinds(sub))]
    return sorted(found, key=lambda kind: kind.place)


def panels(evidence: Evidence) -> list[MetricPanel]:
    """What is drawn for a comparison, in its order."""
    metrics = list(evidence.comparison.metrics)
    chosen: list[MetricPanel] = []
    left = metrics
    for kind in kinds():
        mine = [kind(evidence, metric) for metric in kind.suits(evidence, left)]
        chosen += mine
        covered = {metric for panel in mine for metric in panel.covers()}
        left = [metric for metric in left if metric not in covered]
    order = {metric: i for i, metric in enumerate(metrics)}
    return sorted(chosen, key=lambda panel: (panel.place, order.get(panel.metric, 0)))

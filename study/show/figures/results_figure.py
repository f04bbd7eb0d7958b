"""The figure of a comparison's results: the panels that suit its metrics, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from pkgutil import iter_modules

from matplotlib.figure import Figure

from study.metrics import METRICS
from study.plan.style import FEW
from study.show.figures import panel
from study.show.figures import panels as folder
from study.show.figures.data import Evidence
from study.show.figures.panel import NARROW, Grid, MetricPanel, alone, compose, grid
from study.show.tables.tuning import doubtful_arms
from study.wording import counted

TALL = 5.6  # inches of the panels beside the first one, above which they do not stand in one column

for module in iter_modules(folder.__path__, f"{folder.__name__}."):
    import_module(module.name)


def kinds(of: type[MetricPanel] = MetricPanel) -> list[type[MetricPanel]]:
    """All kinds that can be drawn, in the order of their places."""
    found = [kind for sub in of.__subclasses__() for kind in (sub, *kinds(sub))]
    return sorted(found, key=lambda kind: kind.place)


def panels(evidence: Evidence) -> list[MetricPanel]:
    """What is drawn for a comparison, in its order, or that of the panels that the study file chooses."""
    found = _ordered(evidence)
    for before, one in pairwise(found):
        one.below = type(one) is type(before)
    return found


def _ordered(evidence: Evidence) -> list[MetricPanel]:
    chosen = evidence.comparison.figure.panels if evidence.comparison.figure else ()
    if chosen and (made := _made(evidence, chosen)):
        names = {id(panel): {panel.named or panel.metric, *panel.covers()} for panel in made}
        return sorted(made, key=lambda panel: min(i for i, name in enumerate(chosen) if name in names[id(panel)]))
    order = {metric: i for i, metric in enumerate(evidence.comparison.metrics)}
    return sorted(_made(evidence, ()), key=lambda panel: (panel.place, order.get(panel.metric, 0)))


def _made(evidence: Evidence, chosen: Sequence[str]) -> list[MetricPanel]:
    """The panels that suit a comparison; ``chosen``: only these, by name."""
    metrics, made = evidence.comparison.metrics, list[MetricPanel]()
    left = [metric for metric in metrics if metric in chosen or not chosen]
    for kind in kinds():
        offered = left if not (chosen and kind.named) else metrics if kind.named in chosen else []
        mine = kind.made(evidence, offered) if offered or not chosen else []
        made += mine
        covered = {metric for panel in mine for metric in panel.covers()}
        left = [metric for metric in left if metric not in covered]
    return made


def draw(evidence: Evidence) -> Figure:
    """The figure. Its caption is ``caption(evidence)``."""
    chosen = panels(evidence)
    width = None if len(chosen) > 1 or chosen[0].wide else alone(evidence.style)
    return compose(chosen, _places(chosen, evidence), _behind(chosen, evidence), evidence.style, width)


def caption(evidence: Evidence) -> str:
    """What the figure shows, panel by panel, and how many runs stand behind it."""
    chosen = panels(evidence)
    broken = [f"{label}: {evidence.broken(label)}" for label in evidence.labels if evidence.broken(label)]
    if len(broken) > 6:
        broken = [f"{len(broken)} of {len(evidence.labels)} arms have runs that did not finish"]
    texts = (
        panel.caption(chosen),
        panel.directions(chosen),
        f"{'; '.join([_behind(chosen, evidence), *broken])}.",
        doubtful_arms(evidence.comparison, evidence.chosen),
    )
    return " ".join(text for text in texts if text)


def _behind(chosen: Sequence[MetricPanel], evidence: Evidence) -> str:
    """How many runs stand behind each arm; timing rounds where nothing else is shown."""
    rounds = [evidence.of(each.metric)["seed"].nunique() for each in chosen if METRICS[each.metric].per_round]
    if len(rounds) == len(chosen) and any(rounds):
        return f"n = {counted(max(rounds), 'timing round')} per arm"
    if not evidence.comparison.here:
        return f"n = {evidence.comparison.each} per arm"
    return f"n = {counted(evidence.comparison.seeds, 'seed')} per arm"


def _places(chosen: Sequence[MetricPanel], evidence: Evidence) -> Grid:
    """Panels below each other where they are wide; else the first left and the others beside it, where they are few."""
    if evidence.style.inches < NARROW:
        return grid(chosen, 1)
    wide = [i for i, each in enumerate(chosen) if each.wide]
    if wide and wide == [*range(len(wide))]:
        rest = grid(chosen[len(wide) :], 2) if len(chosen) > len(wide) else []
        others: Grid = [[place if place == "." else int(place) + len(wide) for place in row] for row in rest]
        over: Grid = [[i] * (len(others[0]) if others else 1) for i in wide]
        return over + others
    if wide:
        return grid(chosen, 1)
    facets = [each.metric for each in chosen if not each.covers()]
    tall = sum(each.height for each in chosen[1:]) > TALL
    if tall and len(chosen) == 3 and len(facets) == 1:
        return [[0, 0], [1, 2]]
    if len(evidence.labels) > FEW or len(facets) > 1 or tall or not 1 < len(chosen) < 5:
        return grid(chosen, 2)
    return [[0, i] for i in range(1, len(chosen))]

"""Which kinds of panel suit a comparison, from what varies in it and how many arms it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from matplotlib.axes import Axes

from study.metrics import METRICS
from study.show.figures import dots, heat_map, learning_curves, ranked, scaling, step_parts, to_target, train_test
from study.show.figures.data import Evidence

FEW, SOME = 8, 40  # arms that lines, and that rows of dots, can show


class Panel(NamedTuple):
    draw: Callable[[Axes, Evidence, str], None]
    metric: str

    @property
    def legend(self) -> bool:
        """Whether the panel needs the legend of arms."""
        return self.draw in (learning_curves.draw, to_target.draw)


def panels(evidence: Evidence) -> list[Panel]:
    """What is drawn for a comparison."""
    comparison = evidence.comparison
    shown, arms = list(comparison.metrics), len(comparison.arms)
    if heat_map.suits(comparison):
        return [*(Panel(heat_map.draw, m) for m in shown), Panel(ranked.draw, shown[0])]
    if arms > SOME:
        return [Panel(ranked.draw, metric) for metric in shown]
    chosen = [Panel(learning_curves.draw, _watched(evidence))] if arms <= FEW else []
    if evidence.scaling:  # several devices learn what one learns: no curves
        chosen, shown = _scaled(shown)
    both = train_test.pair(comparison.metrics)
    if both and arms <= FEW:
        chosen.append(Panel(train_test.draw, f"test_{both}"))
        shown = [metric for metric in shown if metric not in (f"train_{both}", f"test_{both}")]
    for metric in shown:
        if METRICS[metric].target and arms <= FEW:
            chosen.append(Panel(to_target.draw, metric))
        else:
            chosen.append(Panel(dots.suited(metric), metric))
    return chosen


def _scaled(shown: list[str]) -> tuple[list[Panel], list[str]]:
    """Panels of speedup and step time, and the metrics left: training time is so many times the step time."""
    if "step_seconds" not in shown:
        return [Panel(scaling.draw, "speedup")], [m for m in shown if m != "speedup"]
    left = [m for m in shown if m not in ("speedup", "step_seconds", "train_seconds")]
    return [Panel(scaling.draw, "speedup"), Panel(step_parts.draw, "step_seconds")], left


def _watched(evidence: Evidence) -> str:
    """The validation metric whose curves suit what the comparison shows."""
    comparison = evidence.comparison
    if comparison.target and any(METRICS[metric].target for metric in comparison.metrics):
        return comparison.target.metric
    if not evidence.classes or comparison.metrics[0].endswith("_loss"):
        return "val_loss"
    return "val_accuracy"

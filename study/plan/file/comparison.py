"""What a comparison shows: its metrics, the reference, the figures reported elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from study.errors import Mistakes, join, nearest, refuse, suggest
from study.metrics import METRICS
from study.plan.file.expand import Labelled
from study.plan.file.models import Comparison, Target

LISTED = 12  # labels shown to a person who gave another


def check_metrics(
    comparison: Comparison, path: str, arms: Sequence[Labelled], target: Target | None, mistakes: Mistakes
) -> None:
    """Notes metrics that are unknown, listed twice, or that these arms cannot have."""
    for i, name in enumerate(comparison.metrics):
        place = join(path, "metrics", i)
        if not isinstance(name, str) or name not in METRICS:
            mistakes.add(place, suggest(name, METRICS, "metric"))
            continue
        if name in comparison.metrics[:i]:
            mistakes.add(place, f"{name!r} is listed twice; keep one")
        elif words := unfit(name, arms, target):
            mistakes.add(place, words)


def unfit(metric: str, arms: Sequence[Labelled], target: Target | None) -> str | None:
    """Why these arms cannot have a metric; None where they can."""
    needs = METRICS[metric]
    regression = next((arm.label for arm in arms if arm.arm.dataset.known_task == "regression"), None)
    if regression is not None and needs.accuracy:
        return f"{metric!r} needs classes and the data of {regression!r} are for regression; use a loss"
    if regression is not None and needs.target and target and target.metric == "val_accuracy":
        return f"the target is an accuracy and the data of {regression!r} are for regression; target val_loss"
    return None


def check_target(comparison: Comparison, path: str, mistakes: Mistakes) -> None:
    """Notes a metric, shown or claimed, that needs a target, where there is none."""
    named = [(join(path, "metrics", i), name) for i, name in enumerate(comparison.metrics)]
    claimed = (claim.get("metric") if isinstance(claim, dict) else None for claim in comparison.claims)
    named += [(join(path, "claims", i, "metric"), name) for i, name in enumerate(claimed)]
    for place, name in named:
        if isinstance(name, str) and name in METRICS and METRICS[name].target:
            words = f"{name!r} needs a target; give the study target: {{metric: val_accuracy, value: 0.95}}"
            mistakes.add(place, words)


def check_label(
    label: str, path: str, known: Sequence[str] | None, doubtful: Collection[str], mistakes: Mistakes
) -> bool:
    """Whether an arm has this label; ``known`` is None where labels cannot be told.

    Labels of arms with a mistake are ``doubtful``: an unknown label may be what they should be.
    """
    if known is None or label in known:
        return True
    close = nearest(label, [other for other in known if other not in doubtful])
    if doubtful and (close is None or nearest(label, doubtful, cutoff=0.4)):
        return True
    hint = f"did you mean {close!r}? " if close else ""
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    listed = ", ".join(map(repr, known[:LISTED])) + more
    mistakes.add(path, f"{label!r} is not a label of this comparison; {hint}the labels are {listed}")
    return False


def read_reported(
    comparison: Comparison,
    broken: Collection[str],
    path: str,
    labels: Sequence[str] | None,
    doubtful: Collection[str],
    mistakes: Mistakes,
) -> tuple[str | None, dict[str, dict[str, str]]]:
    """The source of the figures printed elsewhere, and the figures by label and metric, as printed."""
    source: str | None = None
    given = list(map(str, comparison.metrics))
    certain = "metrics" not in broken and given and all(metric in METRICS for metric in given)
    hidden = set(METRICS).difference(given) if certain else set()
    found: dict[str, dict[str, str]] = {}
    for label, figures in comparison.reported.items():
        place = join(path, "reported", label)
        if label == "source":
            source = _printed(figures, place, mistakes)
        elif check_label(label, place, labels, doubtful, mistakes):
            found[label] = _figures(figures, place, hidden, mistakes)
    return source, found


def _figures(figures: Any, place: str, hidden: set[str], mistakes: Mistakes) -> dict[str, str]:
    """The figures of one arm. ``hidden``: metrics that the comparison does not show; each is noted once."""
    if not isinstance(figures, dict) or not figures:
        mistakes.add(place, refuse(figures or None, "{metric: figure as printed}, such as {test_accuracy: 92.3 %}"))
        return {}
    for metric in figures:
        if metric not in METRICS:
            mistakes.add(join(place, metric), suggest(metric, METRICS, "metric"))
        elif metric in hidden:
            hidden.remove(metric)
            mistakes.add(join(place, metric), f"{metric!r} is not shown by this comparison; add it to its metrics")
    known = {metric: figure for metric, figure in figures.items() if metric in METRICS}
    return {metric: _printed(figure, join(place, metric), mistakes) for metric, figure in known.items()}


def _printed(figure: Any, place: str, mistakes: Mistakes) -> str:
    if figure is None or isinstance(figure, bool | list | dict) or not str(figure).strip():
        mistakes.add(place, refuse(figure, "what is printed there, as text or a number"))
    return str(figure)

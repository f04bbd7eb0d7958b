"""On which scale two arms are compared in a metric, and how differences and margins read on it."""

from __future__ import annotations

import math

from study.metrics import DETERMINISTIC, METRICS

MEASURED_TIME = 0.10  # between processes the same step differs by 4 % and more
COUNTED = 0.01


def is_ratio(metric: str) -> bool:
    """Whether arms are compared by a factor; accuracies, gaps and shares are compared by a plain difference."""
    return not METRICS[metric].percent


def orientation(metric: str) -> int:
    """1 where higher is better, -1 where lower is."""
    return 1 if METRICS[metric].better == "higher" else -1


def default_margin(metric: str) -> float:
    """The margin of a claim that states none."""
    if metric in DETERMINISTIC:
        return COUNTED
    return MEASURED_TIME if METRICS[metric].timed else 0.0


def threshold(metric: str, margin: float) -> float:
    """A margin on the scale of the differences d: 0.1 is a tenth of a fraction, or the log of a factor of 1.1."""
    return math.log1p(margin) if is_ratio(metric) else margin


def restored(metric: str, d: float) -> float:
    """From the scale of d to the one that is stored: a difference, or a factor (above 1: better)."""
    return math.exp(d) if is_ratio(metric) else d


def margin_text(metric: str, margin: float) -> str:
    """``0.5 points``, or ``a factor of 1.1``."""
    return f"a factor of {1 + margin:g}" if is_ratio(metric) else f"{margin * 100:g} point{'s' * (margin != 0.01)}"


def effect(metric: str, value: float, low: float | None, high: float | None) -> tuple[str, str]:
    """A difference in points, or a factor, as text without its unit; and its interval, empty where there is none.

    The shorter half of the interval, or else the effect itself, shows two digits.
    """
    none, unit = (1.0, 1.0) if is_ratio(metric) else (0.0, 100.0)
    halves = [abs(value - end) for end in (low, high) if end is not None and end != value]
    spread = min(halves, default=abs(value - none)) * unit or 1.0
    places = max(0, min(6, 1 - math.floor(math.log10(spread))))
    if is_ratio(metric):
        places = 0 if value >= 100 else max(2, places)
    around = "" if low is None or high is None else f"{_fixed(low * unit, places)} to {_fixed(high * unit, places)}"
    return _fixed(value * unit, places), around


def _fixed(value: float, places: int) -> str:
    """With so many decimals, and no sign on a zero."""
    return f"{round(value, places) + 0.0:,.{places}f}".replace("-", "−")

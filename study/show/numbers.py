"""How figures are written for people: units, digits, intervals."""

from __future__ import annotations

import math

from study.plan.metrics import METRICS

PERCENT = ("%", "points")


def shown_unit(metric: str) -> str:
    return METRICS[metric].unit


def scaled(metric: str, value: float) -> float:
    """A stored value in the unit that is shown: fractions become percent."""
    return value * 100 if METRICS[metric].unit in PERCENT else value


def digits(value: float, spread: float | None) -> int:
    """Decimals such that an interval of half-width ``spread`` shows two of its digits, and a value three."""
    size = spread if spread else abs(value) / 20
    if not size or not math.isfinite(size):
        return 0
    return max(0, min(6, 1 - math.floor(math.log10(size))))


def number(value: float | None, decimals: int) -> str:
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "> budget"
    return f"{value:,.{decimals}f}"


def interval(metric: str, estimate: float | None, low: float | None, high: float | None) -> tuple[str, str]:
    """Estimate and interval as text, in the unit that is shown; the interval is empty where there is none."""
    if estimate is None or math.isnan(estimate):
        return "–", ""
    ends = [None if end is None or math.isnan(end) else scaled(metric, end) for end in (low, high)]
    value = scaled(metric, estimate)
    finite = [abs(end - value) for end in ends if end is not None and math.isfinite(end) and end != value]
    decimals = digits(value, max(finite) if finite else None)
    if ends[0] is None or ends[1] is None:
        return number(value, decimals), ""
    return number(value, decimals), f"{number(ends[0], decimals)} to {number(ends[1], decimals)}"

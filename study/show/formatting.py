"""How figures are written for people: units, digits, intervals."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from study.metrics import METRICS
from study.show.formats import isolated
from study.stats.estimates import Estimate
from study.stats.exact import MOST
from study.stats.outlook import Outlook
from study.wording import counted, plural

COUNTED = ("steps", "epochs")  # units of numbers that mostly are whole, which their titles name already
NONE = "–"
NUMBER = re.compile(r"(?P<number>(?:× ?)?−?[\d,]+(?P<decimals>\.\d+)?)(?![\de.])")
POINT_SPACE, FIGURE_SPACE = "\u2008", "\u2007"  # as wide as a point, and as a digit
SMALL = 1e-3  # numbers below are written with an exponent where they need more digits than their column


class Cell(NamedTuple):
    """What a cell of a table has: text in the unit that is shown, its interval, a remark on it; "" where none is."""

    value: str
    around: str = ""
    remark: str = ""

    def __str__(self) -> str:
        text = f"{self.value} [{self.around}]" if self.around else self.value
        return f"{text} ({self.remark})" if self.remark else text


def heading(metric: str, unit: str | None = None, device: str | None = None) -> str:
    """Title and unit of a metric, for a column or an axis.

    ``unit``: the stored one; what the title says is left out. The CPU is named where time was taken on one.
    """
    about = METRICS[metric]
    shown = about.shown if unit is None or unit == about.unit else unit
    parts = [shown] if shown not in COUNTED else []
    if device in ("CPU", "CPU workers") and about.timed and about.unit != "MiB":
        parts.append(device)
    text = ", ".join(filter(None, parts))
    return f"{about.title} ({text})" if text else about.title


def column(metric: str, estimates: Sequence[Estimate], remarks: Sequence[str] = ()) -> list[Cell]:
    """The estimates of one metric, with one number of decimals as far as each interval keeps a digit."""
    places = _alike([decimals(metric, estimate) for estimate in estimates])
    shown = [show(metric, *both) for both in zip(estimates, places, strict=True)]
    return [cell._replace(remark=remark) for cell, remark in zip(shown, remarks or [""] * len(shown), strict=True)]


def effects(metric: str, found: Sequence[Estimate]) -> list[Cell]:
    """The effects of one metric, likewise."""
    places = _alike([effect_places(metric, one) for one in found])
    return [effect(metric, *both) for both in zip(found, places, strict=True)]


def _alike(wanted: Sequence[int | None]) -> list[int]:
    """The fewest decimals that any wants, or one less than its own."""
    fewest = min((number for number in wanted if number is not None), default=0)
    return [max(fewest, (own or 0) - 1) for own in wanted]


def _numbers(metric: str, estimate: Estimate) -> list[float]:
    """An estimate and its ends in the unit that is shown, NaN where they do not exist."""
    return [math.nan if x is None else x * METRICS[metric].multiplier for x in estimate[:3]]


def decimals(metric: str, estimate: Estimate) -> int | None:
    """Decimals such that the half-width of the interval shows two digits, or a value without one three or four."""
    value, *ends = _numbers(metric, estimate)
    if math.isnan(value):
        return None
    if METRICS[metric].unit in COUNTED and all((2 * x).is_integer() for x in (value, *ends) if math.isfinite(x)):
        return 0  # also of the middle of two
    spread = max((abs(end - value) for end in ends if math.isfinite(end)), default=0.0) or abs(value) / 20
    return _places(spread) if spread and math.isfinite(spread) else 0


def _places(spread: float) -> int:
    """Decimals that show two digits of ``spread``."""
    return max(0, min(6, 1 - math.floor(math.log10(spread))))


def show(metric: str, estimate: Estimate, places: int | None = None) -> Cell:
    """One estimate with its interval as text."""
    places = decimals(metric, estimate) if places is None else places
    lost = "> budget" if METRICS[metric].target else "diverged"
    value, low, high = (lost if math.isinf(x) else rounded(x, places or 0) for x in _numbers(metric, estimate))
    return Cell(value, "" if NONE in (value, low, high) else f"{low} to {high}")


def rounded(value: float, places: int) -> str:
    if math.isnan(value):
        return NONE
    if value and abs(value) < 0.5 * 10**-places:  # what would be a zero keeps two digits
        text = f"{abs(value):.1e}" if abs(value) < SMALL else f"{abs(value):.{_places(abs(value))}f}"
        return f"−{text}" if value < 0 else text
    return f"{value:,.{places}f}".replace("-", "−")


def margin_text(metric: str, margin: float) -> str:
    """``0.5 points``, or ``a factor of 1.1``."""
    about = METRICS[metric]
    if about.ratio:
        return f"a factor of {1 + margin:g}"
    if not about.percent:
        return f"{margin:g} {about.unit}".rstrip()
    return f"{margin * 100:g} {plural(100 * margin, 'point')}"


def _ends(found: Estimate) -> list[float]:
    """Of its interval; empty where there is none."""
    return [] if found.low is None or found.high is None or math.isnan(found.low) else [found.low, found.high]


def effect_places(metric: str, found: Estimate) -> int | None:
    """Decimals such that half of the interval, or else the effect itself, shows two digits."""
    about, value, ends = METRICS[metric], found.estimate, _ends(found)
    nothing = float(about.ratio)
    if value is None or math.isnan(value):
        return None
    whole = ends[1] - ends[0] if ends else math.inf
    far = [abs(value - end) for end in ends if end != value and math.isfinite(end)]
    spread = whole / 2 if whole and math.isfinite(whole) else min(far, default=abs(value - nothing))
    places = _places(spread * about.multiplier or 1.0)
    return places if not about.ratio else 0 if value >= 100 else max(2, places)


def effect(metric: str, found: Estimate, places: int | None = None) -> Cell:
    """A difference (``0.2 points``) or a factor (``× 1.03``), and its interval where there is one."""
    if found.estimate is None or math.isnan(found.estimate):
        return Cell(NONE)
    about = METRICS[metric]
    if places is None:
        places = effect_places(metric, found) or 0
    # No sign on a zero.
    shown = (f"{round(x * about.multiplier, places) + 0.0:,.{places}f}" for x in (found.estimate, *_ends(found)))
    text, *around = (one.replace("-", "−").replace("inf", "∞") for one in shown)
    said = f"× {text}" if about.ratio else f"{text} {'points' if about.percent else about.unit}".rstrip()
    return Cell(said, " to ".join(around))


def turned(metric: str, found: Estimate) -> Estimate:
    """An effect as it is seen from the other arm."""
    if METRICS[metric].ratio:
        value, low, high = (None if x is None else 1 / x if x else math.inf for x in found[:3])
    else:
        value, low, high = (None if x is None else -x for x in found[:3])
    return Estimate(value, high, low, found.estimator)


def aligned(cells: Sequence[Cell]) -> list[Cell]:
    """With blanks as wide as the decimals that a number lacks, so that a column flush right has its points in line."""
    parts = [NUMBER.match(cell.value) for cell in cells]
    most = max((len(part["decimals"] or "") for part in parts if part), default=0)
    found = []
    for cell, part in zip(cells, parts, strict=True):
        lacks = most - len(part["decimals"] or "") if part else 0
        if part and lacks:
            blanks = (POINT_SPACE + FIGURE_SPACE * (lacks - 1)) if not part["decimals"] else FIGURE_SPACE * lacks
            cell = cell._replace(value=f"{part['number']}{blanks}{cell.value[part.end() :]}")
        found.append(cell)
    return found


def percent(level: float) -> str:
    """``95 %``, ``99.8 %``, ``99.95 %``: with as many decimals as tell a level from 100 %."""
    share = round(100 * level, 6)
    return f"{share:.{max(1, _places(100 - share) - 1)}f}".rstrip("0").rstrip(".") + " %"


def chance(outlook: Outlook, unit: str, each: str = "") -> str:
    """``a chance of 50 % that 36 seeds decide it, of 80 % with 189``; empty where the arms look equal."""
    if outlook.equal:
        return ""
    if outlook.even is None:
        return f"it would take more than {counted(MOST, unit)}{each} to decide it with a chance of 50 %"
    likely = f"with {outlook.likely}" if outlook.likely else f"with more than {MOST:,}"
    return f"a chance of 50 % that {outlook.even} {plural(outlook.even, unit)}{each} decide it, of 80 % {likely}"


def quoted(label: str) -> str:
    """A label within a sentence."""
    return isolated(f"“{label}”" if "," in label else label)

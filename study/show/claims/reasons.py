"""Why a verdict is what it is, in words. Their subject is the arm that is claimed to be better."""

from __future__ import annotations

from typing import NamedTuple

from study.metrics import METRICS, per_round
from study.show.formatting import listed
from study.stats.paired_test import UNTIMED, Evidence, Statement, worse_than_any
from study.stats.power import MOST
from study.stats.scale import effect, is_ratio, margin_text


class Open(NamedTuple):
    """Why a claim is undecided. ``undertuned``: arms that block it. ``needed``: seeds that would decide it, if known.

    ``hopeless``: the number of claims that count, where so few pairs cannot decide this one whatever came out; else 0.
    """

    undertuned: tuple[str, ...] = ()
    needed: int | None = None
    hopeless: int = 0


def because(claim: Statement, found: Evidence, clear: bool, undecided: Open | None) -> str:
    """One line, without the verdict's own word.

    ``clear``: whether one arm is better beyond doubt, by whatever. ``undecided``: None where the claim is decided.
    """
    if found.lacking:
        return f"{found.lacking}; {'run the study' if found.lacking == UNTIMED else 'run it again'}"
    if found.ties == found.pairs and found.test != "deterministic":
        return f"all {found.pairs} pairs tie: {_tied(claim, found)}"
    margin = margin_text(claim.metric, found.margin)
    if found.test == "sign":
        seen = _wins(claim, found, margin)
    elif undecided and not undecided.undertuned:
        seen = _shown(claim, found) + (f", margin {margin}" if found.margin else "")
    else:
        seen = _sizes(claim, found, margin, clear)
    if found.test == "deterministic":
        seen += " (deterministic)"
    return seen + (f"; {_open(claim, found, undecided)}" if undecided else "")


def _tied(claim: Statement, found: Evidence) -> str:
    """Why no pair tells the two arms apart."""
    about = METRICS[claim.metric]
    same = "both reach the target at the same evaluation" if about.target else f"both have the same {about.title}"
    lost = int((worse_than_any(claim.metric, claim.better) & worse_than_any(claim.metric, claim.than)).sum())
    told = {
        "neither reaches the target" if about.target else "both diverged": lost,
        "they differ by just the margin" if found.margin else same: found.pairs - lost,
    }
    if all(told.values()):
        return listed(f"{words} in {count}" for words, count in told.items())
    return next(words for words, count in told.items() if count)


def _sizes(claim: Statement, found: Evidence, margin: str, clear: bool) -> str:
    """What was decided, and by how much."""
    if claim.kind == "equal":
        return f"{'equal within' if found.favours else 'apart by more than'} {margin}: {_shown(claim, found)}"
    if found.mean == 0 and found.test == "deterministic":
        return "no difference"
    better, worse = METRICS[claim.metric].verdicts
    if found.favours:
        return f"{better} by {_amount(claim, found)}" + (f", margin {margin}" if found.margin else "")
    if found.margin and not clear:
        return f"not {better} by the margin of {margin}: {_shown(claim, found)}"
    if found.mean > 0:
        return f"{better} by less than the margin of {margin}: {_shown(claim, found)}"
    return f"{worse} by {_amount(claim, found)}"


def _shown(claim: Statement, found: Evidence) -> str:
    """``difference 0.2 points, interval −0.1 to 0.5``; ``factor 1.03 (above 1: fewer), interval 0.95 to 1.12``."""
    assert found.estimate is not None
    text, around = effect(claim.metric, found.estimate, found.low, found.high)
    what = (
        f"factor {text} (above 1: {METRICS[claim.metric].verdicts[0]})"
        if is_ratio(claim.metric)
        else f"difference {text} points"
    )
    return what + _around(found, around)


def _amount(claim: Statement, found: Evidence) -> str:
    """The size of a difference whose direction was said."""
    ends = found.estimate, found.low, found.high
    value, low, high = ends if found.mean > 0 else _turned(claim, *ends)
    assert value is not None
    text, around = effect(claim.metric, value, low, high)
    return (f"a factor of {text}" if is_ratio(claim.metric) else f"{text} points") + _around(found, around)


def _turned(claim: Statement, *ends: float | None) -> tuple[float | None, ...]:
    """Seen from the other arm."""
    value, high, low = (None if x is None else 1 / x if is_ratio(claim.metric) else -x for x in ends)
    return value, low, high


def _around(found: Evidence, interval: str) -> str:
    if interval:
        return f", {'' if found.level == 0.95 else f'{found.level * 100:g} % '}interval {interval}"
    return f" in each of {found.pairs} pairs" if found.test == "sign-flip" and found.pairs > 1 else ""


def _wins(claim: Statement, found: Evidence, margin: str) -> str:
    """``wins 9 of 12 pairs (3 of sgd diverged), 4 ties``."""
    decided = found.wins + found.losses
    if claim.kind == "equal":
        seen = f"within {margin} in {found.wins} of {decided} pairs"
    else:
        seen = f"wins {found.wins} of {decided} pairs" + (f" by more than {margin}" if found.margin else "")
    lost = {side.label: int(worse_than_any(claim.metric, side).sum()) for side in (claim.better, claim.than)}
    how = "did not reach the target" if METRICS[claim.metric].target else "diverged"
    counts = listed(f"{count} of {label}" for label, count in lost.items() if count)
    why = f"{counts} {how}" if counts else "a value of 0 has no factor"
    return f"{seen} ({why})" + (f", {_ties(found)}" if found.ties else "")


def _open(claim: Statement, found: Evidence, undecided: Open) -> str:
    """What would decide it."""
    arms = undecided.undertuned
    if arms:
        one = len(arms) == 1
        return (
            f"but {listed(arms)} {'is' if one else 'are'} undertuned, best at the edge of "
            f"{'its grid: extend it' if one else 'their grids: extend them'}"
        )
    unit = "round" if per_round(claim.metric) else "seed"
    observed = "wins come as often as observed" if found.test == "sign" else "the true difference is as observed"
    if undecided.needed:
        do = "decide" if found.favours is not False else "refute"
        more = f"about {undecided.needed} {unit}s would {do} it if {observed}"
    else:
        more = f"it would take more than {MOST:,} {unit}s if {observed}" if found.pairs > 1 else ""
    if not undecided.hopeless:
        return more
    so_few = f"{found.pairs} {unit}{'s' * (found.pairs > 1)}" + (f" with {_ties(found)}" if found.ties else "")
    among = f" among {undecided.hopeless} claims" if undecided.hopeless > 1 else ""
    return "; ".join(filter(None, (f"{so_few} cannot decide it{among}", more)))


def _ties(found: Evidence) -> str:
    return f"{found.ties} tie{'s' * (found.ties > 1)}"

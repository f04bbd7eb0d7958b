"""Why a verdict is what it is, in words. Their subject is the arm that is claimed to be better."""

from __future__ import annotations

from study.metrics import METRICS
from study.show.formatting import effect, effect_text, margin_text
from study.stats.paired_test import Evidence, Lack, Statement
from study.stats.power import MOST
from study.stats.verdict import Verdict
from study.wording import counted, listed

UNTIMED = "not timed yet"


def because(verdict: Verdict) -> str:
    """One line, without the verdict's own word."""
    claim, found = verdict.claim, verdict.evidence
    if found.lacking:
        lacking = _lacking(claim.metric, found.lacking)
        return f"{lacking}; {'run the study' if lacking == UNTIMED else 'run it again'}"
    if found.ties == found.pairs and found.test != "deterministic":
        return f"all {found.pairs} pairs tie: {_tied(claim, found)}"
    margin = margin_text(claim.metric, found.margin)
    if found.test == "sign":
        seen = _wins(claim, found, margin)
    elif verdict.word == "undecided" and not verdict.undertuned:
        seen = _size(claim, found) + (f", margin {margin}" if found.margin else "")
    else:
        seen = _decided(claim, found, margin, verdict.clear)
    if found.test == "deterministic":
        seen += " (deterministic)"
    return seen + (f"; {_open(verdict)}" if verdict.word == "undecided" else "")


def _lacking(metric: str, lacking: tuple[Lack, ...]) -> str:
    """Which runs, or timings, must be there before a claim can be judged."""
    timed = METRICS[metric].timed
    if not any(lack.of for lack in lacking):
        return UNTIMED if timed else "nothing has run"
    how = {"failed": "failed", "missing": "not run", "unknown": UNTIMED if timed else "without a value"}
    texts = {
        label: UNTIMED
        if timed and counts.get("unknown") == of
        else f"{listed(f'{count} {how[why]}' for why, count in counts.items())} of {of}"
        for label, counts, of in lacking
    }
    if list(texts.values()) == [UNTIMED, UNTIMED]:
        return UNTIMED
    return listed(f"{label}: {text}" for label, text in texts.items())


def _tied(claim: Statement, found: Evidence) -> str:
    """Why no pair tells the two arms apart."""
    about = METRICS[claim.metric]
    same = "both reach the target at the same evaluation" if about.target else f"both have the same {about.title}"
    counts = {
        "neither reaches the target" if about.target else "both diverged": found.both_lost,
        "they differ by just the margin" if found.margin else same: found.pairs - found.both_lost,
    }
    if all(counts.values()):
        return listed(f"{words} in {count}" for words, count in counts.items())
    return next(words for words, count in counts.items() if count)


def _decided(claim: Statement, found: Evidence, margin: str, clear: bool) -> str:
    """What was decided, and by how much."""
    if claim.kind == "equal":
        return f"{'equal within' if found.favours else 'apart by more than'} {margin}: {_size(claim, found)}"
    if found.mean == 0 and found.test == "deterministic":
        return "no difference"
    better, worse = METRICS[claim.metric].verdicts
    ahead = found.mean is not None and found.mean > 0
    if found.favours:
        return f"{better} by {_size(claim, found, named=False)}" + (f", margin {margin}" if found.margin else "")
    if found.margin and not clear:
        return f"not {better} by the margin of {margin}: {_size(claim, found)}"
    if ahead:
        return f"{better} by less than the margin of {margin}: {_size(claim, found)}"
    return f"{worse} by {_size(claim, found, named=False, turned=True)}"


def _size(claim: Statement, found: Evidence, named: bool = True, turned: bool = False) -> str:
    """``difference 0.2 points, interval −0.1 to 0.5``; ``factor 1.03 (above 1: fewer), interval 0.95 to 1.12``.

    ``named``: False where the direction was said: ``0.2 points``, ``a factor of 1.03``; ``turned``: seen from the arm
    that is claimed to be worse.
    """
    about = METRICS[claim.metric]
    value, low, high = found.estimate, found.low, found.high
    if turned:
        value, high, low = (None if x is None else 1 / x if about.ratio else -x for x in (value, low, high))
    assert value is not None
    text, around = effect(claim.metric, value, low, high)
    if about.ratio:
        what = f"factor {text} (above 1: {about.verdicts[0]})" if named else f"a factor of {text}"
    else:
        what = f"{'difference ' * named}{effect_text(claim.metric, text)}"
    if around:
        return f"{what}, {'' if found.level == 0.95 else f'{found.level * 100:g} % '}interval {around}"
    return what + f" in each of {found.pairs} pairs" * (found.test == "sign-flip" and found.pairs > 1)


def _wins(claim: Statement, found: Evidence, margin: str) -> str:
    """``wins 9 of 12 pairs (3 of sgd diverged), 4 ties``."""
    decided = found.wins + found.losses
    if claim.kind == "equal":
        seen = f"within {margin} in {found.wins} of {decided} pairs"
    else:
        seen = f"wins {found.wins} of {decided} pairs" + (f" by more than {margin}" if found.margin else "")
    lost = dict(zip((claim.better.label, claim.than.label), found.lost, strict=True))
    how = "did not reach the target" if METRICS[claim.metric].target else "diverged"
    counts = listed(f"{count} of {label}" for label, count in lost.items() if count)
    why = f"{counts} {how}" if counts else "a value of 0 has no factor"
    return f"{seen} ({why})" + (f", {counted(found.ties, 'tie')}" if found.ties else "")


def _open(verdict: Verdict) -> str:
    """What would decide it."""
    found, arms = verdict.evidence, verdict.undertuned
    if arms:
        one = len(arms) == 1
        return (
            f"but {listed(arms)} {'is' if one else 'are'} undertuned, best at the edge of "
            f"{'its grid: extend it' if one else 'their grids: extend them'}"
        )
    unit = "round" if METRICS[verdict.claim.metric].per_round else "seed"
    observed = "wins come as often as observed" if found.test == "sign" else "the true difference is as observed"
    if verdict.pairs_needed:
        do = "decide" if found.favours is not False else "refute"
        more = f"about {verdict.pairs_needed} {unit}s would {do} it if {observed}"
    else:
        more = f"it would take more than {MOST:,} {unit}s if {observed}" if found.pairs > 1 else ""
    if not verdict.hopeless:
        return more
    so_few = counted(found.pairs, unit) + (f" with {counted(found.ties, 'tie')}" if found.ties else "")
    among = f" among {verdict.hopeless} claims" if verdict.hopeless > 1 else ""
    return "; ".join(filter(None, (f"{so_few} cannot decide it{among}", more)))

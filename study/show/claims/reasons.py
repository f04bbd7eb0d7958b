"""Why a verdict is what it is, as people read it.

The subject of a reason is the arm that is claimed to be better.
"""

from __future__ import annotations

from study.metrics import METRICS
from study.show.formatting import chance, effect, margin_text
from study.show.formatting import turned as seen_from_the_other
from study.stats.estimates import Estimate
from study.stats.exact import PRIMARY
from study.stats.paired import Evidence, Lack, Statement
from study.stats.verdict import Verdict
from study.wording import counted, listed, plural

UNTIMED = "not timed yet"
UNSEARCHED = "how it was tuned is not known any more (its search is gone)"


def because(verdict: Verdict, rows: str = "") -> str:
    """One line, without the verdict's own word. ``rows``: why test rows are the limit, and seeds are not."""
    claim, found = verdict.claim, verdict.evidence
    if found.lacking:
        lacking = _lacking(claim.metric, found.lacking)
        gone = any(lack.unsearched and lack.of and not lack.counts for lack in found.lacking)
        return f"{lacking}; {'run the study' if lacking == UNTIMED or gone else 'run it again'}"
    if found.test == "not estimable":
        return f"not estimable: {_without_number(claim, found)}"
    if found.ties == found.pairs and claim.paired and found.test != "deterministic":
        return f"all {found.pairs} pairs tie: {_tied(claim, found)}"
    if not claim.paired and not found.wins + found.losses:
        same = "differ by just the margin" if found.margin else f"have the same {METRICS[claim.metric].title}"
        return f"all runs {'diverged' if all(found.lost) else same}"
    margin = margin_text(claim.metric, found.margin)
    if found.test in ("signed-rank", "rank-sum"):
        seen = _wins(claim, found, margin)
    elif not verdict.decided:
        seen = _size(verdict)
    else:
        seen = _decided(verdict, margin)
    if found.test == "deterministic":
        seen += " (deterministic)"
    return seen + (f"; {_open(verdict, rows)}" if verdict.word == "undecided" else "")


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
        if counts
        else UNSEARCHED
        for label, counts, of, _ in lacking
    }
    if list(texts.values()) == [UNTIMED, UNTIMED]:
        return UNTIMED
    return listed(f"{label}: {text}" for label, text in texts.items())


def _without_number(claim: Statement, found: Evidence) -> str:
    """In which seeds a mean over arms is none: ``a run of schedule=cosine diverged in 2 of 6 seeds``."""
    how = "did not reach the target" if METRICS[claim.metric].target else "diverged"
    if not any(found.lost):
        return "a run has a value of 0, which has no factor"
    if claim.of == "effects":
        return f"a run {how} in {found.lost[0]} of {found.pairs} seeds"
    sides = zip((claim.better.label, claim.than.label), found.lost, strict=True)
    return listed(f"a run of {label} {how} in {count} of {found.pairs} seeds" for label, count in sides if count)


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


def _decided(verdict: Verdict, margin: str) -> str:
    """What was decided, and by how much."""
    claim, found = verdict.claim, verdict.evidence
    if claim.kind == "equal":
        return f"{'equal within' if found.favours else 'apart by more than'} {margin}: {_size(verdict)}"
    if found.mean == 0 and found.test == "deterministic":
        return "no difference"
    better, worse = claim.verdicts
    ahead = found.mean is not None and found.mean > 0
    if found.favours:
        return f"{better} by {_size(verdict, named=False)}"
    if found.margin and not verdict.clear:
        return f"not {better} by the margin of {margin}: {_size(verdict)}"
    if ahead:
        return f"{better} by less than the margin of {margin}: {_size(verdict)}"
    return f"{worse} by {_size(verdict, named=False, turned=True)}"


def _size(verdict: Verdict, named: bool = True, turned: bool = False) -> str:
    """``difference 0.2 points``; ``factor 1.03 (above 1: fewer)``. Intervals stand beside it, in a column of their own.

    ``named``: False where the direction was said: ``0.2 points``, ``a factor of 1.03``; ``turned``: seen from the arm
    that is claimed to be worse.
    """
    found, metric = verdict.evidence, verdict.claim.metric
    about, cells = METRICS[metric], []
    for low, high in ((verdict.low_adjusted, verdict.high_adjusted), (found.low, found.high)):
        seen = Estimate(found.estimate, low, high)
        cells.append(effect(metric, seen_from_the_other(metric, seen) if turned else seen))
    known = [cell for cell in cells if cell.around]
    text = (known or cells)[0].value
    what = f"{'difference ' * named}{text}"
    if about.ratio:
        factor = text.removeprefix("× ")
        what = f"factor {factor} (above 1: {verdict.claim.verdicts[0]})" if named else f"a factor of {factor}"
    each = found.test == "sign-flip" and not found.sd and found.pairs > 1 and not known
    return what + f" in each of {found.pairs} pairs" * each


def _wins(claim: Statement, found: Evidence, margin: str) -> str:
    """``wins 9 of 12 pairs (3 of sgd diverged), 4 ties``."""
    decided = found.wins + found.losses
    pairs = "pairs" if claim.paired else "pairs of any two runs"
    if claim.kind == "equal":
        seen = f"within {margin} in {found.wins} of {decided} {pairs}"
    else:
        seen = f"wins {found.wins} of {decided} {pairs}" + (f" by more than {margin}" if found.margin else "")
    lost = dict(zip((claim.better.label, claim.than.label), found.lost, strict=True))
    how = "did not reach the target" if METRICS[claim.metric].target else "diverged"
    counts = listed(f"{count} of {label}" for label, count in lost.items() if count)
    why = f"{counts} {how}" if counts else "a value of 0 has no factor"
    return f"{seen} ({why})" + (f", {counted(found.ties, 'tie')}" if found.ties else "")


def _open(verdict: Verdict, rows: str) -> str:
    """What would decide it."""
    found, arms, tunes = verdict.evidence, verdict.undertuned, []
    if edge := verdict.at_edge:
        one = len(edge) == 1
        tunes.append(f"{listed(edge)} {plural(len(edge), 'is')} undertuned, best at the edge of ")
        tunes[-1] += "its grid: extend it" if one else "their grids: extend them"
    if misled := verdict.misled:
        does = plural(len(misled), "does")
        tunes.append(f"{listed(misled)} {does} better with other settings that were tried: choose by more tuning seeds")
    tune = "; ".join(tunes)
    if verdict.decided:
        return f"but {tune}"
    paired = verdict.claim.paired
    unit = "round" if METRICS[verdict.claim.metric].per_round else "seed" if paired else "run"
    each = "" if paired else " of each arm"
    more = chance(verdict.outlook, unit, each) if found.pairs > 1 else ""
    more = f"{'then ' * bool(arms)}{more}{f' (looks: {verdict.looks})' * (verdict.looks > 1)}" if more else ""
    if rows:
        more = rows
    elif verdict.outlook.equal and found.pairs > 1:
        more = f"too near to {'the margin' if found.margin else 'equal'} to say how many {unit}s{each} would decide it"
    if not verdict.hopeless:
        return "; ".join(filter(None, (tune, more)))
    ties = f" with {counted(found.ties, 'tie')}" if found.ties else ""
    so_few = counted(found.pairs, unit) + ties if paired else f"{found.runs[0]} against {counted(found.runs[1], 'run')}"
    family = verdict.claim.family
    among = f" among {verdict.hopeless} claims{f' of {family}' * (family != PRIMARY)}" if verdict.hopeless > 1 else ""
    return "; ".join(filter(None, (f"{so_few} cannot decide it{among}", tune, more)))

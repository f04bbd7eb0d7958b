"""From the evidence on every claim of a study to verdicts (Holm's correction)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from study.stats import paired, unpaired
from study.stats.exact import ALPHA, Word, smallest_p, smallest_unpaired_p
from study.stats.holm import Family
from study.stats.outlook import Outlook, outlook
from study.stats.paired import Evidence, Statement, lacks

FALSE_VERDICTS = {2: 0.086, 5: 0.146}  # with so many looks that were not declared, found by simulation


@dataclass(frozen=True)
class Verdict:
    """What a claim came to.

    ``p_adjusted``: None for deterministic metrics. ``decided``: whether the evidence suffices, whatever the tuning.
    ``undertuned``: labels of the arms that must be tuned further before the claim can be decided, if the true
    difference is as observed. ``outlook``: how many seeds in all (rounds, for timed metrics; runs of each arm, where
    they are not paired) decide it with what chance, with as many ``looks`` as are declared; empty where it is decided.
    ``hopeless``: how many claims of its family count, where so few pairs cannot decide this one whatever came out; else
    0. ``clear``: whether one arm is better beyond doubt, by whatever. ``low_adjusted high_adjusted``: the interval of
    ``level_adjusted``, that of the test which decided, or would have (1 - 0.05 / looks / Holm's divisor); None where so
    few pairs decide nothing at that level, or there is none.
    """

    claim: Statement
    evidence: Evidence
    p_adjusted: float | None
    word: Word
    decided: bool
    undertuned: tuple[str, ...]
    outlook: Outlook
    hopeless: int
    clear: bool
    looks: int
    low_adjusted: float | None = None
    high_adjusted: float | None = None
    level_adjusted: float | None = None

    @property
    def counts(self) -> bool:
        """Whether it is one of the claims that Holm's method corrects for."""
        return self.evidence.p is not None and not self.claim.derived

    @property
    def misled(self) -> tuple[str, ...]:
        """Those of the undertuned arms that did better with other settings that were tried."""
        return tuple(side.label for side in self.claim.sides if side.misled and side.label in self.undertuned)

    @property
    def at_edge(self) -> tuple[str, ...]:
        """Those whose best trial is on the edge."""
        return tuple(side.label for side in self.claim.sides if side.undertuned and side.label in self.undertuned)


def judge(
    claims: Sequence[Statement], looks: int = 1, withdrawn: Mapping[str, Sequence[float]] = MappingProxyType({})
) -> list[Verdict]:
    """Verdicts on all claims of a study, in their order. They must be judged together: each counts for the others of
    its family.

    ``looks``: how often the study is looked at as its seeds grow, as declared; each look tests at 0.05 / looks.
    ``withdrawn``: by family the last p of claims that were judged and are stated no more, which count on.
    """
    weighed = [(claim, weigh(claim)) for claim in claims]
    raw: dict[str, list[float]] = {claim.family: [*withdrawn.get(claim.family, ())] for claim in claims}
    for claim, found in weighed:
        if found.p is not None and not claim.derived:
            raw[claim.family].append(found.p)
    families = {name: Family(own) for name, own in raw.items()}
    return [_verdict(claim, found, families[claim.family], looks) for claim, found in weighed]


def weigh(claim: Statement) -> Evidence:
    """Test one claim. ``p`` is not yet adjusted for the other claims."""
    if lacking := lacks(claim):
        return Evidence(claim.least, "none", 1.0, None, lacking=lacking)
    return (paired.weigh if claim.paired else unpaired.weigh)(claim)


def _verdict(claim: Statement, found: Evidence, family: Family, looks: int) -> Verdict:
    alpha = ALPHA / looks
    p = None if found.p is None else family.adjusted(found.p)
    decided = found.favours is not None and (p is None or p <= alpha) and not found.lacking
    undertuned = () if found.favours is None or found.lacking else _undertuned(claim, found)
    ahead, hopeless = Outlook(), 0
    share = alpha / family.divisor(1.0 if found.p is None else found.p, alpha)
    if not decided and not found.lacking:
        sides = 1 if claim.kind == "equal" else 2
        floor = smallest_p(found.pairs, found.ties, sides) if claim.paired else smallest_unpaired_p(*found.runs, sides)
        ahead = outlook(claim.metric, claim.kind, found, share, claim.paired)
        hopeless = 0 if family.adjusted(floor) <= alpha else family.size
    # Of which arm is better a margin says nothing: that needs a test of its own, with Bonferroni's correction.
    clear = found.p_ahead is None or found.p_ahead * family.size <= alpha
    word = _word(claim, found, clear) if decided and not undertuned else "undecided"
    level: float | None = None
    ends: tuple[float | None, float | None] = (None, None)
    if found.p is not None and not found.lacking:
        # Two one-sided tests that the arms are equal are an interval of twice that within the margin.
        level = 1 - share * (2 if claim.kind == "equal" and found.favours else 1)
        ends = (paired.interval if claim.paired else unpaired.interval)(claim, level)
    return Verdict(claim, found, p, word, decided, undertuned, ahead, hopeless, clear, looks, *ends, level)


def _word(claim: Statement, found: Evidence, clear: bool) -> Word:
    """Of a claim that is decided. What is not better by its margin is refuted only where it is no better at all: not
    where it came out ahead, nor where the arms differ by less than the margin and neither is ``clear``ly ahead.
    """
    if found.favours:
        return "supported"
    if claim.kind == "equal" or not found.margin:
        return "refuted"
    near = found.mean is not None and found.mean > -claim.threshold
    return "within the margin" if found.ahead == claim.better.label or (near and not clear) else "refuted"


def _undertuned(claim: Statement, found: Evidence) -> tuple[str, ...]:
    """The arms on the edge of their grids, or misled, that stand to change a verdict if tuned further.

    That is the losing side: the arm claimed to be worse, of a supported claim, and the one claimed to be better, of a
    refuted one. Two arms said to be equal may both come out of it; of two that differ, only the one behind can.
    """
    better, than = claim.better, claim.than
    if claim.kind == "equal":
        at_stake = [better, than] if found.favours else [side for side in (better, than) if side.label != found.ahead]
    else:
        at_stake = [than if found.favours else better]
    return tuple(side.label for side in at_stake if side.undertuned or side.misled)

"""Which claims a study can decide at all, told before anything is trained: the floor of p against Holm's limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from study.errors import Mistakes, join, join_each
from study.metrics import METRICS
from study.plan.file.models import Comparison
from study.plan.plan import Plan, PlannedComparison, rounds_of
from study.stats.exact import (
    ALPHA,
    POWER,
    PRIMARY,
    chances,
    detectable,
    fewest_runs,
    fewest_seeds,
    ordered_families,
    smallest_p,
    smallest_unpaired_p,
)
from study.wording import counted

TIES = range(4)  # tied pairs, as the floor is shown for


class Tested(NamedTuple):
    """A claim that counts for Holm, and the pairs that it is tested over."""

    path: str  # of its comparison
    place: int  # among the claims there
    pairs: int
    unit: str  # of a pair: seed, round
    sides: int  # of its test
    exploratory: bool
    family: str
    given: bool = False  # whether its runs were trained elsewhere
    runs: tuple[int, int] | None = None  # of its two arms, where nothing pairs them

    def floor(self, ties: int = 0) -> float:
        """The smallest p that it can have."""
        return smallest_unpaired_p(*self.runs, self.sides) if self.runs else smallest_p(self.pairs, ties, self.sides)

    @property
    def over(self) -> str:
        """``10 seeds``, ``10 against 8 runs``."""
        return f"{self.runs[0]} against {counted(self.runs[1], 'run')}" if self.runs else counted(self.pairs, self.unit)


def tested(comparisons: Mapping[str, Comparison | PlannedComparison], seeds: int) -> list[Tested]:
    """The claims that Holm's method corrects for: neither derived, nor about a number that is counted, not measured.

    ``seeds``: of comparisons that give none.
    """
    rounds = rounds_of(comparisons.values(), seeds)
    found = []
    for name, part in comparisons.items():
        for i, claim in enumerate(part.claims):
            metric, sides = METRICS[claim.metric], 1 if claim.kind == "equal" else 2
            over = (rounds, "round") if metric.per_round else (part.seeds or seeds, "seed")
            given, runs = isinstance(part, PlannedComparison) and not part.here, None
            if isinstance(part, PlannedComparison) and not part.paired:
                planned, over = part.claims[i], (part.seeds, "run")
                runs = part.wanted[planned.better_arm], part.wanted[planned.than_arm]
            if not claim.derived and not metric.counted:
                found.append(
                    Tested(join("comparisons", name), i, *over, sides, claim.exploratory, claim.family, given, runs)
                )
    return found


def refuse_hopeless(claims: Sequence[Tested], looks: int, mistakes: Mistakes) -> None:
    """Note the claims that no outcome can decide, though no pair ties; an exploratory one may be so."""
    alike: dict[str, list[Tested]] = {}
    families = by_family(claims)
    for claim, chance in [pair for own in families.values() for pair in by_chance(own, looks).items()]:
        if chance or claim.exploratory:
            continue
        counting = len(families[claim.family])
        enough = fewest_seeds(counting, looks, claim.sides)
        also = ", of which there are then as many rounds" * (claim.unit == "round")
        give = f"give seeds: {enough}{also}"
        if claim.given:
            enough = fewest_runs(counting, looks) if claim.runs else enough
            give = f"it takes {counted(enough, claim.unit)} of each arm"
        words = (
            f"no outcome of {claim.over} can decide it: the smallest p is {claim.floor():.2g}, "
            f"above {limit_text(counting, looks, claim.family)}; {give}, or exploratory: true"
        )
        alike.setdefault(words, []).append(claim)
    for words, same in alike.items():
        by_path = groupby(same, key=lambda claim: claim.path)
        places = [join_each(path, "claims", [claim.place for claim in those]) for path, those in by_path]
        mistakes.add(", ".join(places), words.replace("decide it", "decide any of them") if len(same) > 1 else words)


def by_family(claims: Sequence[Tested]) -> dict[str, list[Tested]]:
    """Claims by the family in which Holm's method corrects for them, the primary one first."""
    names = ordered_families(claim.family for claim in claims)
    return {name: [claim for claim in claims if claim.family == name] for name in names}


def by_chance(claims: Sequence[Tested], looks: int, withdrawn: Sequence[float] = ()) -> dict[Tested, bool]:
    """The claims of a family, and whether any outcome decides them. ``withdrawn``: p of others that count with them."""
    floor = [claim.floor() for claim in claims]
    return dict(zip(claims, chances([*floor, *withdrawn], looks), strict=False))


def limit_text(claims: int, looks: int, family: str = PRIMARY) -> str:
    """``0.05``, ``0.05/31 claims``, ``0.05/3 claims of speed``, ``0.05/31 claims/2 looks``."""
    of = f" of {family}" * (family != PRIMARY)
    return "0.05" + f"/{claims} claims{of}" * (claims > 1) + f"/{looks} looks" * (looks > 1)


def at_stake(families: int) -> str:
    """What so many families of claims cost, in words."""
    return f"each holds 5 % of its own, so some verdict may be false in up to {min(5 * families, 100)} % of studies"


def floors(plan: Plan, withdrawn: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """A table of the smallest p with 0 to 3 tied pairs, and what it means, for each family; nothing without claims.

    ``withdrawn``: by family the last p of claims that are stated no more and count on.
    """
    stated = [claim for comparison in plan.comparisons for claim in comparison.claims]
    if not stated:
        return
    claims = tested({comparison.name: comparison for comparison in plan.comparisons}, 0)
    derived = sum(claim.derived for claim in stated)
    exact = len(stated) - len(claims) - derived
    rest = [f"{derived} derived"] * (derived > 0) + [f"{exact} on memory, which is counted"] * (exact > 0)
    families = by_family(claims)
    gone = sum(map(len, withdrawn.values()))
    more = f" beside {gone} withdrawn" * bool(gone)
    yield f"{counted(len(stated), 'claim')}, {len(claims)} to test{more}" + f" ({', '.join(rest)})" * bool(rest)
    if unit := " or in one ".join(dict.fromkeys(claim.unit for claim in claims if not claim.runs)):
        yield f"  in a tied pair both arms have the same value with one {unit}: it speaks for neither"
    if len(families) > 1:
        yield f"  in {len(families)} families ({', '.join(families)}): {at_stake(len(families))}"
    for family, own in families.items():
        named = f"{family}: " * ([*families] != [PRIMARY])
        yield from _floors_of(named, own, withdrawn.get(family, ()), plan.looks)


def _floors_of(named: str, claims: Sequence[Tested], withdrawn: Sequence[float], looks: int) -> Iterator[str]:
    size = len(claims) + len(withdrawn)
    limit, text = ALPHA / looks / size, limit_text(size, looks)
    value = f" = {limit:.2g}" if text != f"{limit:.2g}" else ""
    groups: dict[str, Tested] = {}
    for claim in claims:
        groups.setdefault(claim.over + ", kind: equal" * (claim.sides == 1), claim)
    smallest = {
        name: [claim.floor(ties) for ties in TIES[: 1 if claim.runs else None]] for name, claim in groups.items()
    }
    brackets = " (too large: in brackets)" * any(p > limit for numbers in smallest.values() for p in numbers)
    yield f"  {named}the smallest p must be at most {text}{value}{brackets}"
    chance = by_chance(claims, looks, withdrawn)
    width = max(len("tied pairs"), *map(len, groups))
    if not all(claim.runs for claim in claims):  # where runs are not paired nothing ties
        yield f"  {'tied pairs':{width}}  " + "".join(f"{ties:<11}" for ties in TIES).rstrip()
    for name, claim in groups.items():
        cells = "".join(f"{f'{p:.2g}' if p <= limit else f'({p:.2g})':<11}" for p in smallest[name])
        yield f"  {name:{width}}  {cells:{11 * len(TIES)}}{_meaning(claim, limit, chance[claim])}"
    for claim in groups.values():
        if claim.sides == 2 and not claim.runs and (apart := detectable(claim.pairs, limit)):
            differ = f"whose arms differ by {apart:.2g} standard deviations of a paired difference"
            yield f"  {claim.over} decide about {100 * POWER:.0f} % of claims {differ}"


def _meaning(claim: Tested, limit: float, chance: bool) -> str:
    if claim.runs and claim.floor() <= limit:
        return "a claim can be decided"
    room = sum(claim.floor(ties) <= limit for ties in range(claim.pairs)) - 1
    if room > 0:
        return f"with {counted(room, 'tied pair')} a claim can still be decided"
    if room == 0:
        return "a claim can be decided if no pair ties"
    return "a claim can be decided only after others" if chance else "no claim can be decided"

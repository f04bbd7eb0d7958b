"""Claims and verdicts as people read them: the first table of the report, and the words around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from study.metrics import METRICS
from study.plan.check.decidability import at_stake
from study.plan.plan import Plan, PlannedComparison
from study.show.claims.beside import improvement_text, remarks
from study.show.formatting import NONE, Cell, effect, margin_text, percent
from study.show.templates import paragraphs
from study.stats.estimates import Estimate
from study.stats.exact import ALPHA, PRIMARY, ordered_families
from study.stats.verdict import FALSE_VERDICTS
from study.wording import counted, listed, plural

Best = Mapping[str, str]  # metric → the label of the arm that supported claims put above every other arm
WITHDRAWN = "withdrawn"
MARKS = {"supported": "✓", "refuted": "✗", "within the margin": "≈", "undecided": "?", WITHDRAWN: "–"}


class Line(NamedTuple):
    """One claim, as text."""

    comparison: str
    claim: str
    estimate: Cell  # a difference in points, a factor, or wins; with its intervals and their levels
    adjusted: str  # p; – where nothing was tested
    alone: str  # p before the adjustment; empty where nothing was tested
    level: str  # that the adjusted p must not exceed
    verdict: str
    mark: str
    reason: str
    remark: str  # derived, exploratory
    against: bool  # whether a factor's interval lies where the other arm is better, which is easily misread
    family: str  # where there is another than the primary one
    beside: list[str]
    improvement: str  # how often one run beats the other; empty where that is not known


def lines(claims: pd.DataFrame) -> list[Line]:
    """The rows of claims.parquet as text, in their order."""
    named = families(claims) != [PRIMARY]
    return [_line(row, row["family"] * named) for _, row in claims.iterrows()]


def families(claims: pd.DataFrame) -> list[str]:
    """Their names: the primary one first, then as they come."""
    return ordered_families(claims["family"])


def primary_first(claims: pd.DataFrame) -> pd.DataFrame:
    """The rows of claims.parquet family by family, else in their order."""
    return claims.sort_values("family", key=lambda names: names.map(families(claims).index), kind="stable")


def part(claims: pd.DataFrame, stated: slice) -> pd.DataFrame:
    """Some of the claims that are stated, counted family by family, each with the withdrawn ones that follow it."""
    ordered = primary_first(claims)
    number = ((ordered["verdict"] != WITHDRAWN).cumsum() - 1).clip(lower=0)
    return ordered[number.isin(range(len(claims))[stated])]


def _line(row: pd.Series, family: str) -> Line:
    estimate = Cell(NONE)
    by = row["estimator"]
    if row["test"] in ("signed-rank", "rank-sum") and (by != "median" or pd.isna(row["estimate"])):
        estimate = Cell(f"wins {row['wins']} of {row['wins'] + row['losses']}")
    elif pd.notna(row["estimate"]):
        estimate = _estimate(row)
        estimate = estimate._replace(value=f"{'median ' * (by == 'median')}{estimate.value}")
    adjusted, alone, level = NONE, "", f"{ALPHA / row['looks_declared']:.3g}"
    if pd.notna(row["p_adjusted"]) and row["test"] not in ("none", "not estimable"):
        # With as many digits, three at least, as tell it from the level that it is held against.
        digits = (f"{row['p_adjusted']:.{places}f}" for places in range(3, 9))
        adjusted = (
            "< 0.001" if row["p_adjusted"] < 0.001 else next((p for p in digits if float(p) != float(level)), level)
        )
        alone = f"{row['p']:.2g}"
    remark = ", ".join(name for name in ("derived", "exploratory") if row[name])
    claim = sentence(row["metric"], row["better"], row["than"], row["kind"], row["margin"])
    verdict = row["verdict"]
    against = METRICS[row["metric"]].ratio and row["kind"] == "better" and bool(row["high_adjusted"] < 1)
    judged = (adjusted, alone, level, verdict, MARKS[verdict], row["reason"], remark, against, family)
    return Line(row["comparison"], claim, estimate, *judged, remarks(row), improvement_text(row))


def _estimate(row: pd.Series) -> Cell:
    """An effect with the interval of the level that decided, and that of 95 %."""
    shown: dict[str, Cell] = {}
    for of in ("_adjusted", ""):
        cell = effect(row["metric"], Estimate(row["estimate"], row[f"low{of}"], row[f"high{of}"]))
        if cell.around:
            shown.setdefault(percent(row[f"level{of}"]), cell)
    intervals = [f"{level}: {cell.around}" for level, cell in shown.items()]
    value = next(iter(shown.values()), cell).value
    return Cell(value, "".join(intervals[:1]), ", ".join(intervals[1:]))


def sentence(metric: str, better: str, than: str, kind: str, margin: float) -> str:
    """``l1: more small weights than l2, by any amount``, or ``by more than 1 point``."""
    by = f"by more than {margin_text(metric, margin)}" if margin else "by any amount"
    if kind == "equal":
        return f"equal {METRICS[metric].title} within {margin_text(metric, margin)}: {better} and {than}"
    return f"{pair(metric, better, than, kind)}, {by}"


def pair(metric: str, better: str, than: str, kind: str) -> str:
    """The same without the margin: ``l1: more small weights than l2``."""
    if kind == "equal":
        return f"{better} and {than}: equal {METRICS[metric].title}"
    if kind == "effect":
        return f"{better}: larger effect on {METRICS[metric].title} than {than}"
    return f"{better}: {METRICS[metric].comparative} than {than}"


def tally(claims: pd.DataFrame) -> str:
    """``33 claims: 14 supported, 9 refuted, 1 within the margin, 9 undecided``; where there are several, by family:
    ``primary: 2 supported and 1 undecided; speed: 1 supported``.
    """
    if len(names := families(claims)) > 1:
        own = {name: claims["verdict"][claims["family"] == name].value_counts() for name in names}
        counts = {name: [f"{n[word]} {word}" for word in MARKS if word in n] for name, n in own.items()}
        return "; ".join(f"{name}: {listed(words)}" for name, words in counts.items())
    verdicts = claims["verdict"].value_counts()
    words = [word for word in MARKS if word in ("supported", "refuted", "undecided") or word in verdicts]
    return f"{counted(len(claims), 'claim')}: " + listed(f"{verdicts.get(word, 0)} {word}" for word in words)


def notes(plan: Plan, claims: pd.DataFrame) -> list[str]:
    """How the verdicts were come to."""
    stated = [comparison for comparison in plan.comparisons if comparison.claims] or plan.comparisons
    declared = int(stated_rows(claims)["looks_declared"].max()) if len(stated_rows(claims)) else plan.looks
    return paragraphs(
        "claim_notes",
        counting={name: int(claims["counts"][claims["family"] == name].sum()) for name in families(claims)},
        at_stake=at_stake(len(families(claims))),
        here=any(c.here for c in stated),
        given="".join(sorted({"paired" if c.paired else "unpaired" for c in stated if not c.here})),
        paired=any(c.paired for c in stated),
        unpaired=not all(c.paired for c in stated),
        looks=declared,
        scripts=all(arm.outline.trainer.free for arm in plan.arms.values()),
        derived=claims["derived"].any(),
        within=(claims["verdict"] == "within the margin").any(),
        withdrawn=(claims["verdict"] == WITHDRAWN).any(),
        effects=any(claim.effects for c in stated for claim in c.claims),
        levels=any(claim.better_arms and not claim.effects for c in stated for claim in c.claims),
        on_looks=note_on_looks(int(claims["looks"].max()), declared),
    )


def note_on_looks(taken: int, declared: int, what: str = "This") -> str:
    """What to print beside verdicts that were looked at more often than the study file says; empty where not."""
    if taken <= declared:
        return ""
    seen = ", ".join(f"{100 * share:.1f} % with {looks}" for looks, share in FALSE_VERDICTS.items())
    return (
        f"{what} is look {taken} at more or other data; {declared} {plural(declared, 'was')} declared. Each "
        f"further look makes a false verdict likelier than 5 % (by simulation {seen}). Only looks that were "
        f"declared before the first verdict count: `looks: {taken}` would have tested each at {5 / taken:.2g} %."
    )


def stated_rows(claims: pd.DataFrame) -> pd.DataFrame:
    """The rows of claims that the study states, in its order: without those that were withdrawn."""
    return claims[claims["verdict"] != WITHDRAWN]


def differs(plan: Plan, claims: pd.DataFrame) -> bool:
    """Whether the study file states other claims than these verdicts are on, or on other seeds, targets or timing."""
    return set(stated_rows(claims)["stated"]) != ({plan.stated} if any(c.claims for c in plan.comparisons) else set())


def covered(claims: pd.DataFrame, met: pd.Series, verdict: str) -> str:
    """What is required of which claims, and of how many it holds: ``Required: supported, of all 5 claims …: 4 are.``"""
    stated = stated_rows(claims)
    named = families(stated)
    of = f" of the {plural(len(named), 'family')} {listed(named)}" * (named != [PRIMARY])
    holds = int(met[stated.index].sum())
    return f"Required: {verdict}, of all {counted(len(stated), 'claim')}{of}: {holds} {plural(holds, 'is')}."


def meets(claims: pd.DataFrame, verdict: str) -> pd.Series:
    """Which claims have this verdict, or are stated no more. One that was decided at a look that nobody declared does
    not count as such: to look until something is decided makes a false verdict likelier than 5 %.
    """
    declared = (claims["looks"] <= claims["looks_declared"]) | (verdict == "undecided")
    return ((claims["verdict"] == verdict) & declared) | (claims["verdict"] == WITHDRAWN)


def best_of(comparison: PlannedComparison, claims: pd.DataFrame) -> Best:
    """The best by each metric: supported claims, or chains of them, put it above all others.

    ``claims``: the rows of claims.parquet. Supported are claims about two arms, at a look that was declared.
    """
    of = (claims["comparison"] == comparison.name) & (claims["kind"] == "better") & (claims["verdict"] == "supported")
    above: dict[str, dict[str, set[str]]] = {}  # metric → label → labels that it is better than
    for row in claims[of & meets(claims, "supported")].to_dict("records"):
        arms = comparison.arms_for(row["metric"])
        if arms.get(row["better"]) == row["better_arm"] and arms.get(row["than"]) == row["than_arm"]:
            above.setdefault(row["metric"], {}).setdefault(row["better"], set()).add(row["than"])
    found = {}
    for metric, pairs in above.items():
        for label in pairs:
            below, new = set[str](), [label]
            while new:
                further = pairs.get(new.pop(), set()) - below
                below |= further
                new += further
            if below | {label} == {arm.label for arm in comparison.arms} and label not in below:
                found[metric] = label
    return found

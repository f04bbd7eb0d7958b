"""Studies of equal arms, made by the benchmark: false verdicts stay rare, and true claims are found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks import article, claims
from benchmarks.verdicts import coverage
from study.metrics import METRICS
from study.plan.file.claim import PlannedClaim
from study.plan.history import History
from study.plan.plan import Plan
from study.show.claims.reasons import because
from study.show.claims.verdicts import judge as judge_study
from study.stats.paired import Side, Statement
from study.stats.verdict import judge

MISTAKES = 0.001  # how unlikely a count must be before it speaks against a rate of 5 %


def too_many(wrong: int, studies: int) -> bool:
    return bool(stats.binomtest(wrong, studies, 0.05, alternative="greater").pvalue < MISTAKES)


@pytest.mark.parametrize(("families", "studies"), [(1, 100), (2, 60)])
def test_few_studies_of_equal_arms_hold_a_false_verdict_in_a_family(families: int, studies: int) -> None:
    design = claims.Design("every kind, twice", claims.MIXED, 12, 9, families)
    wrong = [design.study(number).families for number in range(studies)]
    for family in ("primary", "1")[:families]:
        assert not too_many(sum(family in found for found in wrong), studies)


@pytest.mark.parametrize("kind", ["accuracies", "skewed losses", "accuracies, 40 % of runs diverged"])
def test_a_claim_alone_has_a_false_verdict_no_more_often(kind: str) -> None:
    design = claims.Design(kind, (claims.EQUAL[kind],), 1, 8)
    assert not too_many(sum(design.study(number).wrong for number in range(300)), 300)


def test_true_claims_are_found() -> None:
    design = claims.Design("true", (claims.differing,), 3, 9)
    outcomes = [design.study(number) for number in range(30)]
    assert not any(outcome.wrong for outcome in outcomes)
    assert sum(outcome.found for outcome in outcomes) / 30 > 0.7


@pytest.mark.parametrize("ahead", ["equal", "at_the_margin", "some_true"])
def test_arms_of_the_article_differ_by_what_they_should(ahead: str) -> None:
    plan, wanted = article.planned(12), getattr(article, ahead)
    found = article.levels(plan, wanted)
    stated = [claim for comparison in plan.comparisons for claim in comparison.claims if not claim.derived]
    gaps = {}
    for place, claim in enumerate(stated):
        level = found.get(article.scale_of(claim), dict.fromkeys(plan.arms, 0.0))
        gaps[place] = level[claim.better_arm] - level[claim.than_arm]
        assert gaps[place] == pytest.approx(wanted(place, claim), abs=1e-12)
    assert len(gaps) == 31
    assert sum(gap > 0.001 for gap in gaps.values()) == {"equal": 0, "at_the_margin": 7, "some_true": 10}[ahead]


def test_few_studies_like_the_article_hold_a_false_verdict() -> None:
    design = article.Article("from records", article.at_the_margin, 12)
    outcomes = [design.study(number) for number in range(10)]
    assert not too_many(sum(outcome.wrong for outcome in outcomes), 10)


def test_true_claims_of_the_article_are_found() -> None:
    design = article.Article("from records", article.some_true, 12)
    outcomes = [design.study(number) for number in range(5)]
    assert not any(outcome.wrong for outcome in outcomes)
    assert np.mean([outcome.found for outcome in outcomes]) > 0.3


@pytest.mark.parametrize("number", [0, 1, 3, 8])  # among them censored, diverged, diverged later or at once
def test_records_come_to_the_verdicts_of_what_was_drawn(number: int) -> None:
    """Paired by hand: no table is read, grouped or joined."""
    plan = article.planned(8)
    drawn = article.draw(plan, article.levels(plan, article.some_true), np.random.default_rng(number))
    observations = article.observations(plan, drawn)
    found = [verdict for _, _, verdict in judge_study(plan, observations, History(claims={}, looks={}, drawn={}))]
    stated = [claim for comparison in plan.comparisons for claim in comparison.claims]
    by_hand = judge([statement(plan, claim, drawn) for claim in stated])
    assert [verdict.evidence for verdict in found] == [verdict.evidence for verdict in by_hand]
    assert [(v.word, v.counts, v.p_adjusted, because(v)) for v in found] == [
        (v.word, v.counts, v.p_adjusted, because(v)) for v in by_hand
    ]


def statement(plan: Plan, claim: PlannedClaim, drawn: dict[str, Any]) -> Statement:
    sides = []
    for label, arm in ((claim.better, claim.better_arm), (claim.than, claim.than_arm)):
        found, steps = drawn[arm], article.batches(plan, arm)
        lost = np.isfinite(found.stopped)
        if METRICS[claim.metric].target:
            epochs = np.where(
                found.reached <= np.minimum(found.stopped, plan.arms[arm].outline.epochs), found.reached, np.inf
            )
            values = epochs * (1 if claim.metric == "epochs_to_target" else steps)
            if claim.metric == "seconds_to_target":
                values *= found.step_seconds  # seed i by round i
        elif claim.metric in found.ends:
            values = np.where(lost, np.nan, found.ends[claim.metric])
        else:
            lost = np.zeros(plan.timing.rounds, dtype=bool)
            reference = drawn[next(c for c in plan.comparisons if claim in c.claims).arms[0].arm].step_seconds
            of_round = {
                "memory_mib": np.ones(len(lost)),
                "train_seconds": steps * plan.arms[arm].outline.epochs * found.step_seconds,
                "speedup": reference / found.step_seconds,
            }
            values = of_round[claim.metric]
        sides.append(Side(label, values, np.where(lost, "diverged", "finished")))
    return Statement(claim.metric, *sides, claim.margin, claim.kind, claim.derived)


def test_intervals_of_normal_differences_cover_95_percent() -> None:
    held = coverage("normal", 10, samples=1_000)
    assert stats.binomtest(round(1_000 * held), 1_000, 0.95).pvalue > MISTAKES

"""Intervals and verdicts: neither says what the other denies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from study.metrics import METRICS
from study.stats.paired import Statement, interval
from study.stats.symmetry import flip_interval
from study.stats.verdict import Verdict, judge
from tests.stats.sides import claim, inverted, side

TINY = 1e-9
KINDS = ("accuracies", "seconds", "equal", "losses", "other samples")


def drawn(kind: str, rng: np.random.Generator) -> Statement:
    """A claim that is near to being decided."""
    n = int(rng.integers(5, 13))
    if kind in ("accuracies", "equal"):  # counted rows, which tie, at margins that they hit
        rows, equal = (900, 10) if kind == "equal" else (90, 1)
        a, b = rng.binomial(rows, rng.uniform(0.9, 0.93, (2, 1)), (2, n)) / rows
        margin = equal * float(rng.choice([1, 2, 3])) / rows
        return claim("test_accuracy", a, b, margin=margin, kind="equal" if kind == "equal" else "better")
    level = rng.uniform(0, 0.4)
    if kind == "other samples":
        a, b = rng.normal(0.9, 0.01, n) + 0.15 * level, rng.normal(0.9, 0.02, n + 2)
        return Statement("test_accuracy", side("a", a), side("b", b), margin=0.002, paired=False)
    a, b = np.exp(0.2 * rng.exponential(1, (2, n)))
    return claim("train_seconds" if kind == "seconds" else "test_loss", a, b * np.exp(level))


def agrees(found: Verdict) -> bool:
    """Whether the interval lies where the verdict says; undecided: over an end of the margin."""
    about, low, high = METRICS[found.claim.metric], found.low_adjusted, found.high_adjusted
    edge = about.restored(about.threshold(found.evidence.margin))
    if low is None or high is None:
        return not found.decided or found.evidence.sd == 0
    if found.claim.kind == "equal":
        if found.word == "supported":
            return -edge < low <= high < edge
        return high < -edge or low > edge if found.word == "refuted" else low <= -edge + TINY or high >= edge - TINY
    if found.word == "undecided":
        return low - TINY <= edge <= high + TINY
    return low > edge if found.word == "supported" else high < edge


@pytest.mark.parametrize("kind", KINDS)
def test_no_interval_contradicts_its_verdict(kind: str) -> None:
    words = set()
    for number in range(12):
        rng = np.random.default_rng((number, len(kind)))
        found = judge([drawn(kind, rng) for _ in range(6)], looks=1 + number % 2)
        assert all(map(agrees, found)), (kind, number)
        words |= {verdict.word for verdict in found}
    assert "undecided" in words
    assert len(words) > 1


def test_the_interval_is_what_the_test_does_not_reject() -> None:
    d = np.random.default_rng(1).exponential(1, 8) - 0.3
    for level in (0.9, 0.95, 0.98):
        low, high = flip_interval(d, level)
        assert (low, high) == pytest.approx(inverted(d, level))
        assert low is not None
        assert high is not None
        for m, rejected in ((low - TINY, True), (low + TINY, False), (high - TINY, False), (high + TINY, True)):
            exact = stats.permutation_test((d - m,), np.sum, permutation_type="samples", n_resamples=np.inf)
            assert (exact.pvalue <= 1 - level) == rejected


def test_where_signs_are_drawn_the_interval_is_near_to_that_of_a_t_test() -> None:
    d = np.random.default_rng(2).normal(0.4, 1, 24)
    expected = stats.ttest_1samp(d, 0).confidence_interval(0.95)
    assert flip_interval(d, 0.95) == pytest.approx((expected.low, expected.high), rel=0.2)


def test_too_few_pairs_and_equal_ones_have_no_interval() -> None:
    rng = np.random.default_rng(3)
    assert flip_interval(rng.normal(size=5), 0.95) == (None, None)
    assert flip_interval(np.full(9, 0.1), 0.95) == flip_interval(np.array([0.1]), 0.95) == (None, None)
    d = rng.normal(size=6)
    assert flip_interval(d, 0.95) == pytest.approx((d.min(), d.max()))


def test_the_level_is_that_of_holm() -> None:
    """Six claims, of which two are decided: the rest share its divisor."""
    signs = [np.ones(10), np.ones(10), *[np.array([1] * 9 + [-1])] * 2, *[np.array([1] * 8 + [-1] * 2)] * 2]
    size = np.arange(1, 11) / 400
    claims = [claim("test_accuracy", 0.5 + size * sign, np.full(10, 0.5)) for sign in signs]
    found = judge(claims)
    p = np.array([verdict.evidence.p for verdict in found])
    for verdict, own in zip(found, p, strict=True):
        still_open = (p >= own).sum() if verdict.decided else sum(not each.decided for each in found)
        assert verdict.level_adjusted == pytest.approx(1 - 0.05 / still_open)
        assert (verdict.low_adjusted, verdict.high_adjusted) == interval(verdict.claim, 1 - 0.05 / still_open)
    assert {verdict.decided for verdict in found} == {True, False}

"""Intervals and verdicts: neither says what the other denies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from study.metrics import METRICS
from study.stats.paired import Statement, interval
from study.stats.symmetry import beyond, flip_interval, rank_flip, rank_interval
from study.stats.verdict import Verdict, judge
from tests.stats.sides import INF, NAN, claim, inverted, side

TINY = 1e-9
KINDS = ("accuracies", "seconds", "equal", "losses", "other samples", "lost", "lost, equal")


def drawn(kind: str, rng: np.random.Generator) -> Statement:
    """A claim that is near to being decided."""
    n = int(rng.integers(5, 9 if kind == "other samples" else 13))
    if kind not in ("seconds", "losses", "other samples"):  # counted rows, which tie, at margins that they hit
        equal = kind.endswith("equal")
        rows = 900 if equal else 90
        a, b = rng.binomial(rows, rng.uniform(0.9, 0.93, (2, 1)), (2, n)) / rows
        if kind.startswith("lost"):
            a[:1], b[rng.random(n) < 0.2] = NAN, NAN
        margin = (10 if equal else 1) * float(rng.choice([1, 2, 3])) / rows
        return claim("test_accuracy", a, b, margin=margin, kind="equal" if equal else "better")
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
    # Pairs that tie at the margin say nothing there, and against it next to it: an end may be the margin itself.
    open_end = TINY * (found.evidence.test == "signed-rank")
    return low > edge - open_end if found.word == "supported" else high < edge + open_end


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


@pytest.mark.parametrize("lost", [[], [INF], [INF, -INF, NAN], [INF, INF, INF]])
def test_the_interval_of_ranks_is_what_their_test_does_not_reject(lost: list[float]) -> None:
    """Against every mean of two pairs, and all between them; with pairs that tie."""
    d = np.array([*np.random.default_rng(len(lost)).integers(-4, 9, 8), *lost], dtype=float)
    every = np.arange(-6, 11, 0.25)  # means of two are whole or halves
    for level in (0.9, 0.95, 0.98):
        low, high = (None if end is None else float(end) for end in rank_interval(d, level))
        kept = [m for m in every if rank_flip(beyond(d, m)) > 1 - level]
        low, high = max(every[0], -INF if low is None else low), min(every[-1], INF if high is None else high)
        assert kept == [m for m in every if low + (low not in kept) / 9 <= m <= high - (high not in kept) / 9]
        assert rank_flip(beyond(d, low - 0.25)) <= 1 - level or low == every[0]
        assert rank_flip(beyond(d, low + 0.25)) > 1 - level


def test_without_lost_runs_and_ties_the_interval_of_ranks_is_the_known_one() -> None:
    """Hollander and Wolfe (1973): of ten pairs the means of two in order, without the first and last 8, at 95.1 %."""
    d = np.random.default_rng(5).normal(0.4, 1, 10)
    means = np.sort([(a + b) / 2 for i, a in enumerate(d) for b in d[i:]])
    assert rank_interval(d, 0.95) == pytest.approx((means[8], means[-9]))


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

"""Verdicts on whole studies: which claims count, which way they go, what blocks them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from study.show.claims.reasons import because
from study.stats.outlook import Outlook
from study.stats.paired import Statement
from study.stats.verdict import judge
from tests.stats.sides import INF, NAN, claim, inverted, side

RNG = np.random.default_rng(7)
BASE = RNG.binomial(360, 0.93, 10) / 360
BETTER = BASE + np.arange(4, 14) / 360
NOISE = [BASE + RNG.integers(-6, 7, 10) / 360 for _ in range(5)]


def word(statement: Statement) -> str:
    return judge([statement])[0].word


def test_a_claim_alone_is_judged_by_its_own_p() -> None:
    [found] = judge([claim("test_accuracy", BETTER, BASE)])
    assert (found.word, found.p_adjusted, found.counts) == ("supported", 2 / 2**10, True)
    assert found.evidence.estimate == pytest.approx(np.mean(np.arange(4, 14)) / 360)
    assert (found.evidence.low, found.evidence.high) == pytest.approx(inverted(BETTER - BASE))
    assert (found.low_adjusted, found.high_adjusted) == (found.evidence.low, found.evidence.high)
    assert word(claim("test_accuracy", BASE, BETTER)) == "refuted"
    assert word(claim("test_accuracy", BASE, BASE)) == "undecided"


def test_a_factor_comes_with_its_interval() -> None:
    [found] = judge([claim("test_loss", np.exp(-BETTER), np.exp(-BASE))])
    shown = (found.evidence.estimate, found.evidence.low, found.evidence.high)
    assert shown == pytest.approx(tuple(np.exp([np.mean(BETTER - BASE), *inverted(BETTER - BASE)])))


def test_holm_covers_the_claims_that_count() -> None:
    claims = [claim("test_accuracy", noise, BASE) for noise in NOISE]
    claims += [claim("test_accuracy", BETTER, BASE), claim("test_accuracy", [NAN] * 10, BASE)]
    missing = Statement("test_accuracy", side("a", BASE), side("b", BASE, "missing"))
    memory = claim("memory_mib", [2.0] * 10, [1.0] * 10)
    verdicts = judge([*claims, missing, memory])
    raw = [v.evidence.p for v in verdicts[:-1]]
    assert raw[-1] == 1.0
    assert [v.p_adjusted for v in verdicts[:-1]] == pytest.approx(multipletests(raw, method="holm")[1])
    assert [v.counts for v in verdicts] == [True] * 8 + [False]
    assert verdicts[-1].p_adjusted is None
    assert verdicts[-2].word == "undecided"


def test_claims_that_were_withdrawn_count_on() -> None:
    claims = [claim("test_accuracy", noise, BASE) for noise in (BETTER, *NOISE)]
    raw = [found.evidence.p for found in judge(claims)]
    for gone in ([0.5], [0.0001, 0.02, 1.0]):
        expected = multipletests([*raw, *gone], method="holm")[1][: len(raw)]
        assert [found.p_adjusted for found in judge(claims, withdrawn={"primary": gone})] == pytest.approx(expected)
    assert [v.word for v in judge(claims[:1], withdrawn={"primary": [1.0] * 60})] == [
        "undecided"
    ]  # 61 · 2/2^10 is above 0.05
    assert judge([], withdrawn={"primary": [0.5]}) == []


def test_families_are_judged_as_if_each_were_alone() -> None:
    claims = [claim("test_accuracy", noise, BASE) for noise in (BETTER, *NOISE)]
    second = [replace(one, family="second") for one in claims[:3]]
    gone = {"primary": [0.001], "second": [0.02, 0.5]}
    found = judge([*second, *claims], withdrawn=gone)
    assert found == judge(second, withdrawn=gone) + judge(claims, withdrawn=gone)
    assert found[0].p_adjusted == pytest.approx(
        multipletests([v.evidence.p for v in found[:3]] + gone["second"], method="holm")[1][0]
    )


def test_a_derived_claim_is_judged_like_the_one_it_follows_from_and_costs_nothing() -> None:
    seconds = np.exp(-0.02 * np.arange(10))
    claims = [claim("train_seconds", seconds / 2, seconds), *(claim("test_accuracy", n, BASE) for n in NOISE)]
    speedup = claim("speedup", 2 / seconds, 1 / seconds, derived=True)
    without, [*others, derived] = judge(claims), judge([*claims, speedup])
    assert [v.p_adjusted for v in without] == [v.p_adjusted for v in others]
    assert derived.p_adjusted == others[0].p_adjusted == pytest.approx(6 * 2 / 2**10)
    assert (derived.counts, derived.word) == (False, "supported")
    assert judge([speedup])[0].p_adjusted == 2 / 2**10


def test_a_derived_claim_of_any_p_gets_what_a_member_with_it_would_get() -> None:
    raw = sorted(v.evidence.p or 0 for v in judge([claim("test_accuracy", n, BASE) for n in NOISE]))
    for own in (NOISE[0] + 1 / 360, BETTER, NOISE[3] - 2 / 360):
        claims = [claim("test_accuracy", n, BASE) for n in NOISE]
        *_, derived = judge([*claims, claim("test_accuracy", own, BASE, derived=True)])
        p = derived.evidence.p or 0
        at = np.searchsorted(raw, p)
        replaced = [*raw[:at], p, *raw[at + 1 :]]  # in the place of the next larger one
        assert derived.p_adjusted == pytest.approx(multipletests(replaced, method="holm")[1][at] if at < 5 else 1.0)


@pytest.mark.parametrize(
    ("shift", "margin", "expected"),
    [(6, 4 / 360, "supported"), (4, 6 / 360, "within the margin"), (5, 5 / 360, "undecided"), (-3, 0.005, "refuted")],
)
def test_a_claim_must_be_better_by_its_margin(shift: int, margin: float, expected: str) -> None:
    assert word(claim("test_accuracy", BASE + shift / 360, BASE, margin=margin)) == expected


def test_measured_time_has_a_margin_of_ten_percent_unless_stated() -> None:
    seconds = np.exp(np.linspace(0, 0.1, 10))
    for metric in ("train_seconds", "seconds_to_target", "step_seconds"):
        assert word(claim(metric, seconds, 1.09 * seconds)) == "within the margin"
        assert word(claim(metric, seconds, 1.11 * seconds)) == "supported"
        assert word(claim(metric, seconds, 1.09 * seconds, margin=0.0)) == "supported"
    assert word(claim("epochs_to_target", seconds, 1.02 * seconds)) == "supported"


@pytest.mark.parametrize(
    ("ours", "theirs", "more", "expected"),
    [
        (100.0, 102.0, {}, "supported"),
        (100.0, 100.5, {}, "within the margin"),
        (100.0, 90.0, {}, "refuted"),
        (100.0, 104.0, {"margin": 0.05}, "within the margin"),
        (100.0, 104.0, {"margin": 0.05, "kind": "equal"}, "supported"),
        (100.0, 106.0, {"margin": 0.05, "kind": "equal"}, "refuted"),
    ],
)
def test_memory_that_every_round_agrees_on_needs_no_test(
    ours: float, theirs: float, more: dict[str, float], expected: str
) -> None:
    [found] = judge([claim("memory_mib", [ours] * 6, [theirs] * 6, **more)])
    assert (found.word, found.p_adjusted, found.evidence.test) == (expected, None, "deterministic")
    assert "deterministic" in because(found)


def test_memory_that_varies_is_tested() -> None:
    [found] = judge([claim("memory_mib", [100.0 + i for i in range(8)], [200.0] * 8)])
    assert (found.evidence.test, found.evidence.p, found.word) == ("sign-flip", 2 / 2**8, "supported")


def test_a_diverged_run_loses_and_survivors_are_not_averaged() -> None:
    worse = np.where(np.arange(10) < 8, NAN, 1.0)  # the two that finished are perfect
    [found] = judge([claim("test_accuracy", worse, BASE)])
    assert found.evidence.test == "signed-rank"
    assert (found.evidence.wins, found.evidence.losses) == (2, 8)
    ranks = [1.5] * 8 + [1.0, 2.0]  # two are known, and eight have the rank in the middle
    sums = [sum(s * r for s, r in zip(signs, ranks, strict=True)) for signs in product((1, -1), repeat=10)]
    assert found.p_adjusted == pytest.approx(2 * np.mean([total <= -8 * 1.5 + 3 for total in sums]))
    assert found.evidence.favours is False
    assert (found.evidence.estimate, found.evidence.estimator) == (None, "median")  # lost in most pairs
    assert word(claim("test_accuracy", BASE, [NAN] * 10)) == "supported"
    assert word(claim("test_accuracy", [NAN] * 10, BASE)) == "refuted"
    assert word(claim("test_accuracy", [NAN] * 10, [NAN] * 10)) == "undecided"


def test_two_diverged_runs_tie_whatever_the_margin() -> None:
    values = np.array([NAN] * 3 + [0.9] * 7)
    [found] = judge([claim("test_accuracy", values, values - 0.05, margin=0.01)])
    assert (found.evidence.wins, found.evidence.losses, found.evidence.ties) == (7, 0, 3)
    assert found.p_adjusted == pytest.approx(2 / 2**7)


def test_of_a_time_to_target_the_value_counts_not_how_the_run_ended() -> None:
    quick, slow = np.full(10, 3.0), np.array([5.0] * 6 + [INF] * 4)
    reached = Statement("epochs_to_target", side("a", quick, "diverged"), side("b", slow))
    [found] = judge([reached])
    assert (found.word, found.evidence.test, found.evidence.wins) == ("supported", "signed-rank", 10)
    [all_reached] = judge([Statement("epochs_to_target", side("a", quick, "diverged"), side("b", quick + 1))])
    assert all_reached.evidence.test == "sign-flip"
    assert word(claim("epochs_to_target", [INF] * 10, [INF] * 10)) == "undecided"


@pytest.mark.parametrize("status", ["failed", "missing", "finished"])
def test_a_run_that_says_nothing_leaves_the_claim_open(status: str) -> None:
    values, how = BETTER.copy(), ["finished"] * 9 + [status]
    values[9] = NAN
    [found] = judge([Statement("test_accuracy", side("adam", values, how), side("sgd", BASE))])
    assert (found.word, found.p_adjusted, found.outlook) == ("undecided", 1.0, Outlook())
    assert "adam: 1" in because(found)
    assert because(found).endswith("run it again")


def test_an_undertuned_arm_cannot_lose() -> None:
    good, bad = side("good", BETTER), side("bad", BASE)
    narrow_good, narrow_bad = side("good", BETTER, undertuned=True), side("bad", BASE, undertuned=True)
    lost = judge([Statement("test_accuracy", good, narrow_bad)])[0]
    assert (lost.word, lost.undertuned) == ("undecided", ("bad",))
    assert lost.p_adjusted == 2 / 2**10
    assert word(Statement("test_accuracy", narrow_bad, good)) == "undecided"
    assert word(Statement("test_accuracy", narrow_good, bad)) == "supported"
    assert word(Statement("test_accuracy", bad, narrow_good)) == "refuted"
    ahead_but_too_little = Statement("test_accuracy", narrow_good, bad, margin=0.2)
    assert word(ahead_but_too_little) == "undecided"
    assert word(Statement("test_accuracy", good, narrow_bad, margin=0.2)) == "within the margin"


def test_arms_said_to_be_equal_may_both_be_undertuned() -> None:
    near = side("near", BASE + 1 / 360 * (np.arange(10) % 2), undertuned=True)
    equal = Statement("test_accuracy", near, side("b", BASE), margin=0.02, kind="equal")
    assert judge([equal])[0].undertuned == ("near",)
    apart = Statement("test_accuracy", side("a", BETTER, undertuned=True), side("b", BASE), margin=0.005, kind="equal")
    assert word(apart) == "refuted"
    assert word(Statement("test_accuracy", apart.than, apart.better, margin=0.005, kind="equal")) == "refuted"


def test_equal_arms_are_equal_within_a_margin() -> None:
    alike = BASE + np.array([1, -1, 0, 0, 1, -1, 1, 0, 0, -1]) / 360
    [found] = judge([claim("test_accuracy", alike, BASE, margin=0.01, kind="equal")])
    assert (found.word, found.evidence.level) == ("supported", 0.9)
    assert word(claim("test_accuracy", BETTER, BASE, margin=0.01, kind="equal")) == "refuted"
    spread = BASE + np.array([9, -9, 8, -8, 7, -7, 6, -6, 5, -5]) / 360
    assert word(claim("test_accuracy", spread, BASE, margin=0.01, kind="equal")) == "undecided"
    with pytest.raises(ValueError, match="margin"):
        judge([claim("test_accuracy", alike, BASE, kind="equal")])


def test_each_look_has_its_share_of_the_level() -> None:
    x = BASE + np.array([5, 4, 6, -1, 5, 3, -2, 4, 5, 6]) / 360
    [once], [twice] = judge([claim("test_accuracy", x, BASE)]), judge([claim("test_accuracy", x, BASE)], looks=8)
    assert once.p_adjusted == twice.p_adjusted
    assert 0.05 / 8 < (once.p_adjusted or 0) < 0.05
    assert (once.word, twice.word) == ("supported", "undecided")


def test_arms_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="not paired"):
        judge([claim("test_accuracy", BASE, BASE[:9])])


def test_no_claims_no_verdicts() -> None:
    assert judge([]) == []
    assert word(claim("step_seconds", [], [])) == "undecided"

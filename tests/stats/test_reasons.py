"""What verdicts say."""

from __future__ import annotations

import numpy as np
import pytest

from study.show.claims.reasons import because
from study.stats.paired import Statement
from study.stats.verdict import Verdict, judge
from tests.stats.sides import INF, NAN, claim, side

BASE = np.arange(300, 310) / 400
STEP = np.array([1, 2, 1, 2, 1, 2, 1, 2, 1, 2]) / 400  # mean 0.375 points; sets of pairs have means of 0.25 and of 0.5
WIDE = np.array([9, -8, 7, -6, 5, -4, 3, -2, 1, 1]) / 400
SECONDS = np.linspace(1, 2, 10)

SENTENCES = [
    (claim("test_accuracy", BASE + STEP, BASE), "supported: better by 0.38 points"),
    (claim("test_accuracy", BASE, BASE + STEP), "refuted: worse by 0.38 points"),
    (
        claim("test_accuracy", BASE + STEP, BASE, margin=0.002),
        "supported: better by 0.38 points",
    ),
    (
        claim("test_accuracy", BASE + STEP, BASE, margin=0.01),
        "within the margin: better by less than the margin of 1 point: difference 0.38 points",
    ),
    (
        claim("test_accuracy", BASE - WIDE / 10, BASE, margin=0.01),
        "within the margin: not better by the margin of 1 point: difference −0.01 points",
    ),
    (claim("test_accuracy", BASE + 1 / 400, BASE), "supported: better by 0.25 points in each of 10 pairs"),
    (claim("test_accuracy", BASE, BASE), "undecided: all 10 pairs tie: both have the same test accuracy"),
    (
        claim("test_accuracy", BASE, BASE, margin=0.01, kind="equal"),
        "supported: equal within 1 point: difference 0.0 points in each of 10 pairs",
    ),
    (
        claim("train_seconds", SECONDS, 2 * SECONDS),
        "supported: shorter by a factor of 2.00 in each of 10 pairs",
    ),
    (claim("train_loss", 2 * SECONDS, SECONDS), "refuted: higher by a factor of 2.00 in each of 10 pairs"),
    (
        claim("train_seconds", SECONDS, 1.05 * SECONDS),
        "within the margin: shorter by less than the margin of a factor of 1.1: "
        "factor 1.050 (above 1: shorter) in each of 10 pairs",
    ),
    (
        claim("memory_mib", [20.0] * 6, [25.0] * 6),
        "supported: less by a factor of 1.25 (deterministic)",
    ),
    (claim("small_weights", BASE, BASE + STEP), "refuted: fewer by 0.38 points"),
    (claim("generalization_gap", BASE, BASE + 1 / 400), "supported: smaller by 0.25 points in each of 10 pairs"),
    (claim("memory_mib", [20.0] * 6, [20.0] * 6), "refuted: no difference (deterministic)"),
    (
        claim("epochs_to_target", [3.0] * 10, [4.0] * 7 + [INF] * 3),
        "supported: wins 10 of 10 pairs (3 of b did not reach the target)",
    ),
    (claim("seconds_to_target", [INF] * 10, [INF] * 10), "undecided: all 10 pairs tie: neither reaches the target"),
    (claim("val_loss", [NAN] * 10, [NAN] * 10), "undecided: all 10 pairs tie: both diverged"),
    (
        claim("steps_to_target", [INF, INF, *SECONDS[2:]], [INF, INF, *SECONDS[2:]]),
        "undecided: all 10 pairs tie: neither reaches the target in 2 and both reach the target at the same evaluation "
        "in 8",
    ),
    (
        claim("test_accuracy", BASE + 0.01, BASE, margin=0.01),
        "undecided: all 10 pairs tie: they differ by just the margin",
    ),
    (
        claim("test_accuracy", [NAN, NAN, *BASE[2:]], [NAN, *(BASE[1:] - 0.1)]),
        "undecided: wins 8 of 9 pairs (2 of a and 1 of b diverged), 1 tie; "
        "a chance of 50 % that 23 seeds decide it, of 80 % with 79",
    ),
]


def told(verdict: Verdict) -> str:
    return f"{verdict.word}: {because(verdict)}"


@pytest.mark.parametrize(("statement", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_a_verdict_reads(statement: Statement, sentence: str) -> None:
    family = [claim("test_accuracy", BASE, BASE)] * 2 if "8 of 9" in sentence else []
    assert told(judge([statement, *family])[0]) == sentence


def test_an_open_claim_says_how_many_seeds_would_decide_it() -> None:
    [found] = judge([claim("test_accuracy", BASE + WIDE + 2 / 400, BASE)])
    even, likely, _ = found.outlook
    assert even is not None
    assert likely is not None
    assert 10 < even < likely
    assert because(found).startswith("difference 0.7 points; ")
    assert because(found).endswith(f"; a chance of 50 % that {even} seeds decide it, of 80 % with {likely}")


def test_rounds_are_called_rounds() -> None:
    seconds = np.exp(WIDE * 10)
    [found] = judge([claim("train_seconds", seconds, np.full(10, 1.2))])
    assert f"that {found.outlook.even} rounds decide it" in because(found)


def test_too_few_seeds_are_called_too_few() -> None:
    claims = [claim("test_accuracy", (BASE + STEP)[:6], BASE[:6])] * 2
    found = judge(claims)[0]
    assert "; 6 seeds cannot decide it among 2 claims; a chance of 50 % that 7 seeds decide it" in because(found)
    tied = judge([claim("test_accuracy", BASE + np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]) / 400, BASE)])[0]
    assert "10 seeds with 5 ties cannot decide it" in because(tied)
    [one] = judge([claim("test_accuracy", [0.9], [0.8])])
    assert told(one) == "undecided: difference 10 points; 1 seed cannot decide it"


def test_what_is_lacking_is_counted_by_arm() -> None:
    how = ["missing", "failed", "failed", *["finished"] * 7]
    values = np.where(np.array(how) == "finished", BASE, NAN)
    [found] = judge([Statement("test_accuracy", side("adam", values, how), side("sgd", values, how))])
    lacking = "1 not run and 2 failed of 10"
    assert told(found) == f"undecided: adam: {lacking} and sgd: {lacking}; run it again"


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("better", [True, False])
def test_a_search_that_is_gone_leaves_a_claim_undecided(paired: bool, better: bool) -> None:
    values = [0.9, 0.1]
    sides = [
        side(label, np.linspace(v, v + 0.01, 10), unsearched=mine is better)
        for label, v, mine in zip("ab", values, (True, False), strict=True)
    ]
    [found] = judge([Statement("test_accuracy", *sides, paired=paired)])
    lacking = "how it was tuned is not known any more (its search is gone)"
    assert told(found) == f"undecided: {'a' if better else 'b'}: {lacking}; run the study"


def test_what_is_not_timed_is_said_to_be_so() -> None:
    nothing = np.full(10, NAN)
    for metric, one, other, words in (
        ("seconds_to_target", side("a", nothing, "finished"), side("b", nothing, "finished"), "not timed yet"),
        ("train_seconds", side("a", []), side("b", []), "not timed yet"),
        ("seconds_to_target", side("a", SECONDS), side("b", nothing, "finished"), "b: not timed yet"),
        ("test_accuracy", side("a", []), side("b", []), "nothing has run"),
    ):
        [found] = judge([Statement(metric, one, other)])
        again = "run the study" if words == "not timed yet" else "run it again"
        assert told(found) == f"undecided: {words}; {again}"


def test_an_undertuned_arm_is_named() -> None:
    [found] = judge([Statement("test_accuracy", side("relu", BASE + STEP), side("sigmoid", BASE, undertuned=True))])
    assert told(found) == (
        "undecided: better by 0.38 points; but sigmoid is undertuned, best at the edge of its grid: extend it"
    )


def test_an_open_claim_is_to_be_tuned_before_it_gets_more_seeds() -> None:
    ahead, behind = BASE + WIDE + 2 / 400, side("sigmoid", BASE, undertuned=True)
    [found] = judge([Statement("test_accuracy", side("relu", ahead), behind)], looks=2)
    assert (found.word, found.undertuned) == ("undecided", ("sigmoid",))
    assert told(found) == (
        "undecided: difference 0.7 points; "
        "sigmoid is undertuned, best at the edge of its grid: extend it; "
        f"then a chance of 50 % that {found.outlook.even} seeds decide it, "
        f"of 80 % with {found.outlook.likely} (looks: 2)"
    )
    [ahead_only] = judge([Statement("test_accuracy", side("relu", ahead, undertuned=True), side("sigmoid", BASE))])
    assert ahead_only.undertuned == ()


def test_worse_is_said_only_of_what_is_so_among_all_claims() -> None:
    """A margin refutes what is about equal. That it is worse needs a test of its own."""
    slower = 1 + np.array([4, 3, 5, 4, -1, 3, 4, -1, 5, 4, 3, 5]) / 100
    close = claim("train_seconds", slower, np.ones(12))
    others = [claim("train_loss", SECONDS, 2 * SECONDS)] * 27
    alone, among = judge([close])[0], judge([close, *others])[0]
    assert (alone.word, among.word) == ("refuted", "within the margin")
    assert because(alone).startswith("longer by a factor of 1.03")
    assert because(among).startswith("not shorter by the margin of a factor of 1.1: factor 0.9")


def test_better_is_said_only_of_what_is_so_among_all_claims() -> None:
    about_equal = claim("train_seconds", [1.0, 1.02, 0.98, 1.01, 0.97, 1.0, 1.02, 0.99, 0.98, 1.01], np.ones(10))
    [verdict] = judge([about_equal])
    assert verdict.word == "within the margin"
    assert because(verdict).startswith("not shorter by the margin of a factor of 1.1: factor 1.002 (above 1: shorter)")
    centred = claim("test_accuracy", BASE + np.tile([0.02, -0.02], 5), BASE, margin=0.05)
    assert because(judge([centred])[0]).startswith("not better by the margin of 5 points: difference 0.0 points")

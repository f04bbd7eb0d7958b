"""What the page says in words: only what was measured is ranked."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from study.metrics import METRICS
from study.plan.plan import Plan
from study.show.observations import observe
from study.show.page.finding import finding
from study.show.records import Records
from tests.show.records import Outcome, records, summary_table

ARMS = "{optimizer: [sgd, {name: adam, lr: 0.01}]}"


def said(planned: Callable[..., Plan], metric: str, outcome: Outcome | None, timed: bool = True) -> str:
    plan = planned(f"o: {{vary: {ARMS}, metrics: [{metric}]}}")
    found = records(plan, outcome, timed=timed)
    return " ".join(words(plan, found))


def words(plan: Plan, found: Records, claims: pd.DataFrame | None = None) -> list[str]:
    summary = summary_table(plan, found).to_pandas()
    return finding(plan.comparisons[0], summary, observe(plan, found), found.chosen, claims)


@pytest.mark.parametrize("metric", ["seconds_to_target", "step_seconds", "train_seconds", "memory_mib"])
def test_times_that_were_not_taken_are_not_ranked(planned: Callable[..., Plan], metric: str) -> None:
    text = said(planned, metric, None, timed=False)
    assert text == f"No arm has an estimate of {METRICS[metric].title} (not timed yet)."


@pytest.mark.parametrize("ahead", ["sgd", "adam"])
@pytest.mark.parametrize("spread", [0.0, 0.1])
def test_the_best_is_held_against_the_reference_pair_by_pair(
    planned: Callable[..., Plan], ahead: str, spread: float
) -> None:
    """Whatever the arms' own intervals: runs of a seed go up and down together, far more than arms differ."""
    noise = [0.02, 0.021, 0.019, 0.022, 0.018, 0.02, 0.023, 0.017]  # by seed
    turned = [1, -1, 1, -1, 1, -1, 1, 1]

    def level(label: str, seed: int) -> dict[str, float]:
        own = noise[seed] + spread * turned[seed] if label == ahead else 0.0
        return {"level": 0.5 + 0.05 * seed + own, "pace": 0.1}

    plan = planned(f"o: {{vary: {ARMS}, metrics: [test_accuracy]}}")
    (text,) = words(plan, records(plan, level))
    other = "adam" if ahead == "sgd" else "sgd"
    mean = 100 * (sum(noise) + spread * sum(turned)) / 8
    assert text.startswith(f"{ahead} has the highest test accuracy, ")
    if spread:
        assert f"; no clear difference from {other} ({mean:.1f} points [95 %: " in text
    else:
        assert f": better than {other} by {mean:.2f} points [95 %: " in text
        assert "no clear difference" not in text


def test_the_headline_agrees_with_a_claim_on_the_two(planned: Callable[..., Plan]) -> None:
    """Whose interval is wider than 95 %: what is undecided is not told apart."""
    plan = planned(f"o: {{vary: {ARMS}, metrics: [train_loss]}}")
    found = records(plan, lambda label, seed: {"level": 0.7 + 0.1 * (label == "adam"), "pace": 1})
    about = {"comparison": "o", "metric": "train_loss", "kind": "better", "better": "sgd", "than": "adam"}
    claim = about | {"verdict": "undecided", "estimate": 0.8, "low_adjusted": 0.5, "high_adjusted": 1.25}
    claim |= {"level_adjusted": 1 - 0.05 / 3}
    (text,) = words(plan, found, pd.DataFrame([claim]))
    assert text.startswith("adam has the lowest training loss, ")
    assert text.endswith("; no clear difference from sgd (× 1.25 [98.3 %: 0.80 to 2.00]).")


def test_a_lead_that_no_claim_tests_is_a_hint(planned: Callable[..., Plan]) -> None:
    """Unless claims that are supported put the best above all, one after the other."""
    arms = "{optimizer: [sgd, {name: adam, lr: 0.01}, {name: lion, lr: 0.01}]}"
    plan = planned(f"o: {{vary: {arms}, metrics: [test_accuracy]}}")
    found = records(plan, lambda label, _: {"level": {"sgd": 0.90, "adam": 0.92, "lion": 0.94}[label], "pace": 1})
    of = {arm.label: arm.arm for arm in plan.comparisons[0].arms}
    chain = [
        {"comparison": "o", "metric": "test_accuracy", "kind": "better", "verdict": "supported", "estimate": 0.02,
         "low_adjusted": 0.01, "high_adjusted": 0.03, "level_adjusted": 0.95, "looks": 1, "looks_declared": 1,
         "better": better, "than": than, "better_arm": of[better], "than_arm": of[than]}
        for better, than in (("lion", "adam"), ("adam", "sgd"))
    ]  # fmt: skip
    (tested,) = words(plan, found, pd.DataFrame(chain))
    (untested,) = words(plan, found, pd.DataFrame(chain[:1]))
    (nothing_claimed,) = words(plan, found)
    assert tested == nothing_claimed
    assert tested.startswith("lion has the highest test accuracy, ")
    assert tested.endswith(": better than sgd by 4.0 points.")
    assert untested == tested.removesuffix(".") + ", a hint only: no claim tests the two."


FOUR = "{optimizer: [sgd, {name: adam, lr: 0.01}, {name: lion, lr: 0.01}, {name: nadam, lr: 0.01}]}"
PACES = {  # epochs until half of the level of 0.96; the target of 0.9 is reached after four times as many
    "at both ends": (
        (1, 1, 1.5, 1.5),
        "sgd and adam share the fewest epochs to target, 4.",
    ),
    "in the middle": (
        (1, 1.25, 1.25, 1.5),
        "sgd has the fewest epochs to target, 4: fewer than adam by a factor of 1.25",
    ),
    "all": ((1, 1, 1, 1), "All arms have the same epochs to target, 4."),
}


@pytest.mark.parametrize("case", PACES)
def test_arms_that_tie_for_the_best_are_told_together(case: str, planned: Callable[..., Plan]) -> None:
    paces, start = PACES[case]
    plan = planned(f"o: {{vary: {FOUR}, metrics: [epochs_to_target]}}")
    by_label = dict(zip(("sgd", "adam", "lion", "nadam"), paces, strict=True))
    found = records(plan, lambda label, seed: {"level": 0.96, "pace": by_label[label]})
    (text,) = words(plan, found)
    assert text.startswith(start)

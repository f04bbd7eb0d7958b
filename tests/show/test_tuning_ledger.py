"""What the page says of the trials that every arm got: as they were made, never as they are assumed to be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from study.plan.plan import Plan
from study.plan.search import Candidate
from study.show.page import protocol
from study.show.tables import ledger
from tests.show.records import records

PENALTIES = """
o:
  vary: {regularizer: [none, l2]}
  metrics: [test_accuracy]
  tune: {optimizer.lr: {values: [0.01, 0.1, 1]}, regularizer.strength: {values: [0.001, 0.1]}, by_seed: false}
"""
RATES = """
o:
  vary: {regularizer: [none, l2]}
  metrics: [test_accuracy]
  tune: {optimizer.lr: {log: [0.01, 1], points: 3}, extend: 2}
"""


def flat(label: str, settings: Candidate, seed: int) -> float | None:
    return 0.5 + 0.1 * float(settings["optimizer.lr"])  # type: ignore[arg-type]


@pytest.mark.parametrize("tuned", [True, False])
def test_unequal_trials_are_said_to_be_so(tuned: bool, planned: Callable[..., Plan]) -> None:
    plan = planned(PENALTIES)
    found = records(plan, quality=flat if tuned else None)
    text = dict(protocol.facts(plan, found))["Tuning"]
    assert text.startswith(  # type: ignore[union-attr]
        "Not all arms of a comparison get as many trials: O (6 for l2; 3 for none). There are 3 to 6 an arm, each"
    )


def test_trials_are_those_that_were_made(planned: Callable[..., Plan]) -> None:
    plan = planned(RATES)
    found = records(plan, quality=flat)
    assert "Every arm of a comparison gets as many trials, 5, each" in dict(protocol.facts(plan, found))["Tuning"]
    arm = plan.comparisons[0].arms_for("test_accuracy")["l2"]
    stopped = found._replace(tuning=found.tuning[(found.tuning["arm"] != arm) | (found.tuning["candidate"] < 4)])
    assert "get as many trials: O (5 for none; 4 for l2). " in dict(protocol.facts(plan, stopped))["Tuning"]
    about = {lines[0].arm: group[1] for group, lines in ledger.ledger(plan, stopped).groups.items()}
    assert about["none"].endswith("; 3 and 2 further trials of 3 seeds")
    assert about["l2"].endswith("; 3 and 1 further trials of 3 seeds")


TWICE = """
a: {vary: {regularizer: [none, l2]}, metrics: [test_accuracy], tune: {optimizer.lr: {log: [0.01, 1], points: 3}}}
b: {vary: {dropout: [0, 0.1]}, metrics: [test_accuracy], tune: {optimizer.lr: {log: [0.01, 1], points: 3}}}
"""


def test_an_arm_of_two_comparisons_is_told_in_both_and_counts_once(planned: Callable[..., Plan]) -> None:
    plan = planned(TWICE)
    found = records(plan, quality=flat)
    told = ledger.ledger(plan, found)
    assert [[line.arm for line in lines] for lines in told.groups.values()] == [
        ["none", "l2"],
        ["dropout=0", "dropout=0.1"],
    ]
    first, _, same, _ = told.lines
    assert first._replace(arm=same.arm) == same
    assert told.tuning.runs == sum(line.tuning.runs for line in told.lines) - same.tuning.runs == len(found.tuning)

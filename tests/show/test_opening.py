"""What the opening of the page says would change a verdict, of claims that are decided and of those that are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

import numpy as np
import pandas as pd
import pytest

from study.plan.plan import Plan
from study.show.page.opening import worth
from tests.show.records import Outcome, records

Claimed = Callable[..., tuple[Plan, pd.DataFrame]]
CLAIMS = """
optimizer:
  vary: {optimizer: [sgd, {name: adam, lr: 0.01}, {name: lion, lr: 0.01}]}
  metrics: [test_accuracy]
  claims:
    - {metric: test_accuracy, better: adam, than: sgd}
    - {metric: test_accuracy, better: sgd, than: lion}
    - {metric: memory_mib, better: sgd, than: adam}
"""
SEEDS = 12
UNTESTED = "Not tested: other splits, data, networks, budgets and ranges of tuning."


def asked(claimed: Claimed, outcome: Outcome) -> str:
    plan, claims = claimed(CLAIMS, SEEDS, outcome)
    return dict(worth(plan, records(plan, outcome), claims))["What would change it"]


@pytest.mark.parametrize(("close", "found"), [("adam", "supported"), ("lion", "refuted")])
def test_the_decided_claim_that_other_seeds_would_soonest_undo_is_named(
    close: str, found: str, claimed: Claimed
) -> None:
    """Of two arms that are better than sgd, one in every seed, one in all but three: it has the larger p."""
    better = np.where(np.arange(SEEDS) < 3, -0.01, 0.02)

    def outcome(label: str, seed: int) -> Mapping[str, object]:
        ahead = 0.0 if label == "sgd" else better[seed] if label == close else 0.02 + seed / 1000
        return {"level": 0.9 + ahead, "pace": 1.0}

    sums = np.array(list(product([-1, 1], repeat=SEEDS))) @ better
    p = np.mean(abs(sums) >= abs(better.sum()) - 1e-9)  # the last of Holm's steps multiplies by one
    claim = {"adam": "adam: higher test accuracy than sgd", "lion": "sgd: higher test accuracy than lion"}[close]
    first = f"Weakest verdict: “{claim}” ({found}, adjusted p {p:.3f} against 0.05)."
    assert asked(claimed, outcome) == f"{first} {UNTESTED} No claim is undecided."


def test_no_verdict_is_the_weakest_where_no_test_decided(claimed: Claimed) -> None:
    """Two claims are undecided; that on memory, which never differs between rounds, needs no test."""

    def outcome(label: str, seed: int) -> Mapping[str, object]:
        return {"level": 0.9 + (0.01 if seed % 2 else -0.01) * (label != "sgd"), "pace": 1.0}

    claims = "“adam: higher test accuracy than sgd” and “sgd: higher test accuracy than lion”"
    close = "2 are too near to equal, or to their margin, to say how many seeds would decide them."
    assert asked(claimed, outcome) == f"{UNTESTED} Undecided: 2 of 3, {claims}. {close}"

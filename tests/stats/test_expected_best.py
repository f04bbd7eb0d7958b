"""What fewer trials would have found."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from study.stats.estimates import expected_best
from tests.stats.sides import NAN


@pytest.mark.parametrize("metric", ["val_accuracy", "val_loss"])
def test_the_expected_best_is_the_mean_over_all_choices_of_trials(metric: str) -> None:
    scores = [0.6, 0.91, 0.3, 0.91, 0.75, 0.2]
    best = max if metric == "val_accuracy" else min
    for k, found in enumerate(expected_best(metric, scores), 1):
        assert found == pytest.approx(np.mean([best(some) for some in combinations(scores, k)]))


def test_there_is_no_expected_best_where_all_trials_may_have_diverged() -> None:
    assert expected_best("val_accuracy", [0.5, NAN, 0.7, NAN]) == [None, None, pytest.approx(0.65), pytest.approx(0.7)]
    assert expected_best("val_accuracy", [NAN]) == [None]
    assert expected_best("val_accuracy", []) == []

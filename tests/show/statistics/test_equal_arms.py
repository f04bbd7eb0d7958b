"""Studies of equal arms, made by the benchmark: false verdicts stay rare."""

from __future__ import annotations

import gc
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from scipy import stats

SOURCE = Path(__file__).parents[3] / "benchmarks" / "verdicts.py"
STUDIES = 150


@pytest.fixture(scope="module")
def verdicts() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("verdicts_benchmark", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses and tuples look for their annotations
    spec.loader.exec_module(module)
    gc.freeze()  # statsmodels collects garbage in every Holm correction
    yield module
    gc.unfreeze()
    del sys.modules[spec.name]


def test_few_studies_of_equal_arms_hold_a_false_verdict(verdicts: ModuleType) -> None:
    design = verdicts.Design("every kind, twice", verdicts.MIXED, 12, 9)
    wrong = sum(verdicts.study(design, number).wrong for number in range(STUDIES))
    assert stats.binomtest(wrong, STUDIES, 0.05, alternative="greater").pvalue > 0.001


@pytest.mark.parametrize("kind", ["accuracies", "skewed losses", "accuracies, 40 % of runs diverged"])
def test_a_claim_alone_has_a_false_verdict_no_more_often(verdicts: ModuleType, kind: str) -> None:
    design = verdicts.Design(kind, (verdicts.EQUAL[kind],), 1, 8)
    wrong = sum(verdicts.study(design, number).wrong for number in range(2 * STUDIES))
    assert stats.binomtest(wrong, 2 * STUDIES, 0.05, alternative="greater").pvalue > 0.001


def test_true_claims_are_found(verdicts: ModuleType) -> None:
    design = verdicts.Design("true", (verdicts.differing,), 3, 9)
    outcomes = [verdicts.study(design, number) for number in range(30)]
    assert not any(outcome.wrong for outcome in outcomes)
    assert sum(outcome.found for outcome in outcomes) / 30 > 0.7


def test_intervals_of_normal_differences_cover_95_percent(verdicts: ModuleType) -> None:
    held = verdicts.coverage("normal", 10, samples=1_000)
    assert stats.binomtest(round(1_000 * held), 1_000, 0.95).pvalue > 0.001

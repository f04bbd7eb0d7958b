"""Datasets of a person's own are read when a study is planned with them: all that depends on them is checked then."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from study.engine.inputs.prepare import prepare as prepare_data
from study.plan.plan import Plan

Check = Callable[[Any], tuple[int, str, list[str]]]
CODE = """
import numpy as np
draw = np.random.default_rng(0)
X = draw.normal(size=(50, 3))
two = np.array(["a", "b"] * 25)
def values(): return X, X[:, 0]
def classes(): return X, two
def holes(): return np.where(np.arange(50)[:, None] == 3, np.nan, X), two
def rare(): return X, np.array(["a"] * 48 + ["c"] * 2)
def texts(): return X.astype(str), two
def ragged(): return [[1, 2], [3]] * 25, two
def mixed(): return X, np.array(["a", 1] * 25, dtype=object)
def gap(): return X, np.array(["a", None] * 25, dtype=object)
def broken():
    return X[0] + two
def leaves(): raise SystemExit("no data")
def short(): return X, two[5:]
def alone(): return X
def three(): return X, two, two
def unseeded(): return np.random.default_rng().normal(size=(50, 3)), two
"""
PLACE = "s.yaml: baseline.dataset.factory: owndata:"
TOLD = {
    "holes": f"{PLACE}holes: features are not finite (row 4, column 1); correct it, or take it out",
    "rare": f"{PLACE}rare: class 'c' has 2 rows, too few to be split; give each class 3 at least",
    "short": f"{PLACE}short: gave 2 arrays of 50 and 45 rows; give features and target, as many rows of both",
    "alone": f"{PLACE}alone: gave ndarray; give features and target, as many rows of both",
    "three": f"{PLACE}three: gave 3 arrays; give features and target, as many rows of both",
    "texts": f"{PLACE}texts: its features are of type <U32; give numbers",
    "ragged": f"{PLACE}ragged: rows of its features, or its target, differ in length; give one shape",
    "mixed": f"{PLACE}mixed: its target is of objects (int, str); give numbers, or texts",
    "gap": f"{PLACE}gap: row 2 of its target is missing; leave it out",
    "leaves": f"{PLACE}leaves: SystemExit: no data (owndata.py, line 16); correct it",
}


@pytest.fixture(autouse=True)
def own_module(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "owndata.py").write_text(CODE)
    yield
    sys.modules.pop("owndata", None)
    sys.path[:] = [place for place in sys.path if place != str(tmp_path)]


def of(study: dict[str, Any], factory: str) -> dict[str, Any]:
    dataset = {"name": "custom", "factory": f"owndata:{factory}"}
    return study | {"baseline": study["baseline"] | {"dataset": dataset, "batch_size": 30}}


def test_accuracies_of_values_are_refused_before_anything_is_trained(study: dict[str, Any], check: Check) -> None:
    line = "s.yaml: comparisons.a.metrics[0]: 'test_accuracy' needs classes and 'custom' is for regression; use a loss"
    assert check(of(study, "values")) == (2, "", [line])


def test_its_steps_are_counted(study: dict[str, Any], check: Check) -> None:
    code, out, _ = check(of(study, "classes"))
    assert code == 0
    assert "In all: 6 runs, 12 steps" in out  # 30 training rows are one batch; 2 epochs


@pytest.mark.parametrize("factory", TOLD)
def test_data_that_cannot_be_used_are_told_in_one_line(factory: str, study: dict[str, Any], check: Check) -> None:
    assert check(of(study, factory)) == (2, "", [TOLD[factory]])


def test_code_that_raises_is_told_with_its_line(study: dict[str, Any], check: Check) -> None:
    code, _, [line] = check(of(study, "broken"))
    assert code == 2
    assert line.startswith(f"{PLACE}broken: ")
    assert line.endswith("(owndata.py, line 15); correct it")


def test_data_that_are_others_each_time_are_refused_with_both_sums(
    study: dict[str, Any], plan: Callable[[Any], Plan], tmp_path: Path
) -> None:
    [dataset] = plan(of(study, "unseeded")).datasets.values()
    with pytest.raises(ValueError, match=r"gives other data than when it was planned \(SHA-256 .{64}, then .{64}\)"):
        prepare_data(dataset, tmp_path / "p.npz")
    [dataset] = plan(of(study, "classes")).datasets.values()
    assert prepare_data(dataset, tmp_path / "p.npz").about["task"] == "classification"

"""Margins: the scale that a metric is compared on, as docs/study_files.md promises it."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from study.metrics import METRICS

PAGE = (Path(__file__).parents[2] / "docs" / "study_files.md").read_text(encoding="utf-8")
ROWS = [row.strip("| ").split(" | ") for row in PAGE.split("### Margins")[1].split("\n\n")[1].splitlines()[2:]]
FOUND = {
    metric: [row for row in ROWS if any(fnmatch(metric, name) for name in re.findall("`(.*?)`", row[0]))]
    for metric in METRICS
}
DOCUMENTED = [metric for metric, rows in FOUND.items() if rows]


def test_all_but_those_of_ones_own_are_documented() -> None:
    assert len(DOCUMENTED) >= 16
    assert list(METRICS)[: len(DOCUMENTED)] == DOCUMENTED  # one's own stand behind them


@pytest.mark.parametrize("metric", DOCUMENTED)
def test_the_margin_of_a_metric_is_as_documented(metric: str) -> None:
    [(_, unit, _, default)] = FOUND[metric]
    assert METRICS[metric].ratio == {"a factor, less one": True, "a difference, as a fraction": False}[unit]
    assert METRICS[metric].margin == float(default)

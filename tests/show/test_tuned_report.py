"""The report of a tuned study."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from study.plan.plan import Plan
from study.show.page.report import render
from study.store.layout import Store
from tests.show.test_report import Elements, drawn
from tests.show.tunings import bump

TUNED = """
o:
  title: Optimizers
  vary: {optimizer: [sgd, adam]}
  metrics: [test_accuracy, epochs_to_target]
  tune: {optimizer.lr: {log: [0.001, 0.1], points: 3}, seeds: 3, extend: 0, by_seed: false}
"""


def test_a_tuned_page_has_the_ledger_the_tuning_figure_and_marks_of_undertuned_arms(
    planned: Callable[..., Plan], tmp_path: Path
) -> None:
    plan = planned(TUNED)
    page = drawn(plan, tmp_path / "results", quality=bump(100, 2))
    elements = Elements(page.read_text())
    assert elements.tags.count("svg") == 2
    assert len(elements.ids) == len(set(elements.ids))
    assert {"ledger", "the-tuning"} <= set(elements.ids)
    text = " ".join(re.sub(r"<[^>]*>", " ", page.read_text()).split())
    assert "undertuned: best at the edge (lr=0.1); try 1, 10" in text
    assert "Undertuned, so it may do better than shown: sgd (by validation accuracy), best at the edge (lr=0.1)" in text
    assert "Tuning took 18 runs, 4,896 steps of training" in text  # of which each arm is chosen from by two metrics
    assert "and once in the sum" in text
    assert "(tuned: lr)" in text
    (page.parent / "figures" / "tuning" / "o.svg").unlink()
    assert "The figure of its tuning could not be drawn." in render(plan, Store(page.parents[2]))

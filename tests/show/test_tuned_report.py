"""The report of a tuned study."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from study.plan.plan import Plan
from study.show.page.report import render
from study.show.results import Results
from study.store.layout import Store
from tests.show.records import records, stored
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
    assert "2 arms may do better if tuned further" in text  # each by two metrics
    (page.parent / "figures" / "tuning" / "o.svg").unlink()
    assert "The figure of its tuning could not be drawn." in render(Results(plan, Store(page.parents[2])))


@pytest.mark.parametrize("by_seed", ["false", "true"])
def test_what_one_search_chose_is_what_its_verdicts_are_about(
    by_seed: str, planned: Callable[..., Plan], tmp_path: Path
) -> None:
    claim = "  claims: [{metric: test_accuracy, better: adam, than: sgd}]\n"
    plan = planned(TUNED.replace("by_seed: false", f"by_seed: {by_seed}") + claim, seeds=8)
    path, _ = stored(plan, records(plan, quality=bump(0.03, 2)), tmp_path)
    text = " ".join(re.sub(r"<[^>]*>", " ", render(Results(plan, Store(path.parents[2])))).split())
    luck = text[
        text.index("The chance that this verdict is false is at most 5 %.") : text.index("No choice saw test rows")
    ]
    assert ("That is for the settings named in the tables" in luck) == (by_seed == "false")

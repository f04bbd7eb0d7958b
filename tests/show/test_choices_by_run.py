"""What runs that are tuned each for themselves chose, in the figure of tuning and in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from study.plan.plan import Plan
from study.show.figures import tuning_figure
from study.show.page.opening import worth
from study.show.records import choices
from study.show.tables.tuning import chosen_cell, doubts
from tests.show.records import figure_data, records
from tests.show.tunings import bump

TEXT = """
o:
  vary: {optimizer: [sgd, adam]}
  metrics: [test_accuracy]
  tune: {optimizer.lr: {log: [0.001, 10], points: 5}, seeds: 4, by_seed: false}
"""
CHOSEN = ["optimizer.lr"] * 4, [0.1, 0.1, 1.0, 0.01]


def by_run(tuning: pd.DataFrame, chosen: Sequence[float] = CHOSEN[1]) -> pd.DataFrame:
    """As if each tuning seed was that of a run, which chose so."""
    run = tuning.groupby("arm")["seed"].rank(method="dense").astype(int) - 1
    own = run.map(lambda seed: f'{{"optimizer.lr": {chosen[seed]}}}')
    return tuning.assign(run_seed=run, chosen_here=tuning["settings"].eq(own))


@pytest.fixture
def panel(planned: Callable[..., Plan]) -> tuning_figure.Candidates:
    plan = planned(TEXT)
    made = records(plan, quality=bump(0.1))
    tuning = by_run(made.tuning)
    lost = (tuning["settings"] == '{"optimizer.lr": 1.0}') & (tuning["run_seed"] == 0)
    tuning.loc[lost, ["status", "val_accuracy"]] = ["diverged", np.nan]
    [only] = tuning_figure.panels(figure_data(plan, made._replace(tuning=tuning)), plan)
    return only


def test_the_choice_of_every_run_is_drawn_also_where_another_seed_was_lost(panel: tuning_figure.Candidates) -> None:
    ax = tuning_figure.draw([panel]).axes[0]
    marked = sorted(
        (float(np.ravel(line.get_xdata())[0]), line.get_markersize())
        for line in ax.lines
        if line.get_markeredgewidth() == 0.9 and len(np.ravel(line.get_xdata())) == 1
    )
    one, two = 3 + 6 * 0.25**0.5, 3 + 6 * 0.5**0.5
    assert marked == [(0.01, one)] * 2 + [(0.1, two)] * 2 + [(1.0, one)] * 2
    edged = [c for c in ax.collections if len(c.get_edgecolors()) and np.allclose(c.get_edgecolors()[0][:3], 0.1)]
    assert sum(len(each.get_offsets()) for each in edged) == 8  # four runs of two arms
    assert "every run's own trial" in tuning_figure.caption([panel])


def test_the_share_of_runs_at_the_edge_is_said_where_the_best_over_all_seeds_lies_elsewhere(
    planned: Callable[..., Plan],
) -> None:
    plan = planned(TEXT)
    tuning = by_run(records(plan, quality=bump(0.1)).tuning, [10.0, 10.0, 0.1, 1.0])
    tuning = tuning.assign(chosen=tuning["settings"] == '{"optimizer.lr": 0.1}')
    at = tuning.assign(edge='{"optimizer.lr": "high"}', next='[{"optimizer.lr": 100.0}]')
    arm = plan.comparisons[0].arms_for("test_accuracy")["sgd"]
    one = choices(at.assign(undertuned=True))[arm]
    assert one
    assert doubts(one) == {"undertuned": "best at the edge (lr=10) in 2 of 4 runs; try 100"}
    level = chosen_cell(choices(at.assign(undertuned=False)), arm)
    assert level.remark == (
        "in 2 of 4 runs; 0.1 to 10; at the edge in 2 of 4 runs, but not beyond doubt better than inside it"
    )
    marked = tuning_figure.panels(figure_data(plan, records(plan)._replace(tuning=at.assign(undertuned=True))), plan)
    [panel] = [one for one in marked if one.metric == "val_accuracy"]
    arrows = [text.xy for text in tuning_figure.draw([panel]).axes[0].texts if text.arrow_patch]
    assert {x for x, _ in arrows} == {10.0}


@pytest.mark.parametrize(("edge", "undertuned"), [(None, False), ("high", False), ("high", True)])
def test_the_opening_names_arms_at_an_edge_that_are_not_marked(
    edge: str | None, undertuned: bool, planned: Callable[..., Plan]
) -> None:
    plan = planned(TEXT)
    made = records(plan, quality=bump(0.1))
    arm = plan.comparisons[0].arms_for("test_accuracy")["sgd"]
    tuning = by_run(made.tuning, [10.0, 10.0, 0.1, 1.0])
    at = (tuning["arm"] == arm) & bool(edge)
    tuning = tuning.assign(edge=np.where(at, f'{{"optimizer.lr": "{edge}"}}', None), next=None)
    tuning["undertuned"] = at & undertuned
    nothing = pd.DataFrame({"verdict": [], "family": []})
    said = dict(worth(plan, made._replace(tuning=tuning), nothing))["Tuning"]
    inside = "Of every arm the best settings lie inside its search, and none that were tried"
    assert (inside in said) == (edge is None)
    at_edge = "At the edge of the search lie the best settings of sgd (in 2 of 4 runs), not clearly better"
    assert (at_edge in said) == (edge is not None and not undertuned)
    assert ("1 arm may do better if tuned further" in said) == undertuned

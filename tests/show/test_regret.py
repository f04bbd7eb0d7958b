"""What final runs come to beside their trials: chosen on a cliff, better when tuned otherwise, and what that blocks."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from study.__main__ import main
from study.plan.plan import Plan
from study.plan.search import Candidate
from study.show.page.report import render
from study.show.records import Records, choices
from study.show.regret import with_regret
from study.show.results import Results
from study.show.tables import ledger
from study.show.tables.results_files import FORMATS
from study.show.tables.tuning import doubts
from study.store.layout import Store
from tests.show.records import records, stored, summary_table
from tests.show.tunings import bump, trials

STUDY = """
o:
  vary: {optimizer: [adam, sgd]}
  metrics: [test_accuracy, test_loss]
  tune: {optimizer.lr: {log: [0.001, 10], points: 5}, seeds: 3, BY}
  claims: [{metric: test_accuracy, better: adam, than: sgd}]
"""
ONE = STUDY.replace("BY", "by_seed: false")


def fallen(label: str, seed: int) -> dict[str, object]:
    """The runs of sgd end below what several of its candidates came to."""
    level = 0.96 - 0.002 * seed if label == "adam" else 0.93 - 0.07 * (seed % 3)
    return {"level": level, "pace": 0.5}


def quality(label: str, settings: Candidate, seed: int) -> float | None:
    """All rates but the highest do well."""
    return None if settings["optimizer.lr"] == 10 else bump(0.1, 8)(label, settings, seed)


def judged(planned: Callable[..., Plan], text: str = ONE) -> tuple[Plan, Records]:
    plan = planned(text, seeds=10)
    return plan, with_regret(plan, records(plan, fallen, quality=quality))


def test_what_runs_come_to_stands_beside_their_trials(planned: Callable[..., Plan]) -> None:
    plan, made = judged(planned)
    rows = made.tuning[made.tuning["chosen"]].drop_duplicates("arm").set_index("arm")
    for name, arm in plan.arms.items():
        assert arm.selection
        own = made.runs.loc[made.runs["arm"] == name, arm.selection.metric]
        assert rows.loc[name, "final_score"] == pytest.approx(own.mean())
    others = made.tuning[~made.tuning["chosen"]]
    assert others[["final_score", "better", "better_by"]].isna().all(axis=None)
    (sgd,) = (line for line in ledger.ledger(plan, made).lines if line.arm == "sgd" and "%" in line.scores)
    assert sgd.scores.startswith("95.8 → 86.")


def test_a_cliff_is_marked_wherever_the_choice_stands(planned: Callable[..., Plan]) -> None:
    plan, made = judged(planned)
    chosen = made.chosen
    marks = {arm: list(doubts(one)) for arm, one in chosen.items() if one}
    arms = plan.comparisons[0].arms_for("test_accuracy")
    assert marks[arms["sgd"]] == ["chosen on a cliff"]
    assert marks[arms["adam"]] == []
    summary = summary_table(plan, made).to_pandas()
    text = FORMATS["md"](plan.comparisons[0], summary, None, {})
    assert "chosen on a cliff: 95.8 → 86." in text
    assert "does better" in text
    rows = pd.read_csv(io.StringIO(FORMATS["csv"](plan.comparisons[0], summary, None, {}))).set_index("label")
    own = made.runs.loc[made.runs["arm"] == arms["sgd"], "val_accuracy"]
    assert rows.loc["sgd", "final_score_by_val_accuracy"] == pytest.approx(own.mean())
    assert rows.loc["sgd", "score_by_val_accuracy"] == pytest.approx(0.958, abs=5e-4)
    assert rows["better_by_val_accuracy"].notna().to_dict() == {"sgd": True, "adam": False}


def test_it_blocks_a_defeat_and_suggest_names_the_remedy(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, made = judged(planned)
    store = Store(tmp_path / "results")
    for tried in trials(plan, quality).values():
        tried.write(store)
    path, _ = stored(plan, made, store.root)
    claims = pd.read_parquet(path.with_name("claims.parquet"))
    assert claims["verdict"].tolist() == ["undecided"]
    assert [list(claims[name][0]) for name in ("undertuned", "misled")] == [["sgd"], ["sgd"]]
    assert "but sgd does better with other settings that were tried: choose by more tuning seeds" in claims["reason"][0]
    assert main(["suggest", str(tmp_path / "small.yaml"), "--results", str(store.root)]) == 0
    said = capsys.readouterr().out
    assert "edit: comparisons.o.tune.seeds: 8 (now 3), or by_seed: true" in said
    assert "More tuning seeds may decide it" in render(Results(plan, store))
    plain = stored(plan, made._replace(tuning=records(plan, fallen, quality=quality).tuning), tmp_path / "plain")[0]
    assert pd.read_parquet(plain.with_name("claims.parquet"))["verdict"].tolist() == ["supported"]


def test_a_sibling_that_does_better_is_named(planned: Callable[..., Plan]) -> None:
    plan = planned(ONE, seeds=10)
    made = records(plan, quality=quality)
    by_loss = plan.comparisons[0].arms_for("test_loss")["adam"]
    by_accuracy = plan.comparisons[0].arms_for("test_accuracy")["adam"]
    runs = made.runs.copy()
    seeds = np.arange(10) / 1000
    runs.loc[runs["arm"] == by_accuracy, "val_accuracy"] = 0.950 + seeds
    runs.loc[runs["arm"] == by_loss, "val_accuracy"] = 0.955 + seeds
    runs["val_loss"] = 0.2
    chosen = with_regret(plan, made._replace(runs=runs)).chosen
    assert (chosen[by_accuracy].better_by, chosen[by_loss].better_by) == ("val_loss", None)  # type: ignore[union-attr]
    marks = doubts(chosen[by_accuracy])  # type: ignore[arg-type]
    assert marks["better when tuned otherwise"] == "higher validation accuracy where tuned by validation loss"


def test_records_of_an_older_version_say_nothing(planned: Callable[..., Plan], tmp_path: Path) -> None:
    plan, made = judged(planned)
    old = made.tuning.drop(columns=["final_score", "better", "better_by"])
    one = choices(old)[plan.comparisons[0].arms_for("test_accuracy")["sgd"]]
    assert one
    assert (one.final, one.better, one.better_by, one.misled) == (None, None, None, False)

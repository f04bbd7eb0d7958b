"""What tuning chose, in tables, tuning.parquet, recipes and ledger: the value used, never a stand-in."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from study.__main__ import main
from study.plan.plan import Plan
from study.plan.search import Candidate
from study.show.page import protocol
from study.show.records import Records
from study.show.tables import ledger
from study.show.tables.results_files import FORMATS
from study.show.tables.results_table import table
from study.store.layout import Store
from study.store.schemas import TUNING
from tests.show.records import records, summary_table
from tests.show.tunings import Quality, bump, trials

WIDE = """
o:
  vary: {optimizer: [sgd, adam]}
  metrics: [test_accuracy, seconds_to_target]
  tune: {optimizer.lr: {log: [0.001, 10], points: 9}, seeds: 3, by_seed: false}
"""
NARROW = """
o:
  vary: {optimizer: [sgd, {name: adam, betas: [0.8, 0.9]}]}
  metrics: [test_accuracy]
  tune: {optimizer.lr: {log: [0.001, 0.1], points: 3}, seeds: 3, extend: 0, by_seed: false}
"""


def edgy(label: str, settings: Candidate, seed: int) -> float | None:
    """sgd wants more than any trial had; adam is at its best in the middle."""
    return bump(100 if label == "sgd" else 0.01, 2)(label, settings, seed)


def hopeless(label: str, settings: Candidate, seed: int) -> float | None:
    return None if label == "sgd" else bump(0.01)(label, settings, seed)


def lost(label: str, seed: int) -> dict[str, object]:
    return {"status": "diverged", "reason": "tuning"} if label == "sgd" else {}


def of(planned: Callable[..., Plan], quality: Quality, text: str = NARROW) -> tuple[Plan, Records]:
    plan = planned(text)
    return plan, records(plan, lost if quality is hopeless else None, quality=quality)


@pytest.mark.parametrize("ending", ["md", "tex"])
def test_an_undertuned_arm_and_what_to_try_stand_in_the_table(planned: Callable[..., Plan], ending: str) -> None:
    plan, found = of(planned, edgy)
    text = FORMATS[ending](plan.comparisons[0], summary_table(plan, found).to_pandas(), None, {})
    (sgd,) = (line for line in text.splitlines() if "lr=0.1" in line and "sgd" in line)
    if ending == "tex":
        [letter] = set(re.findall(r"\\tnote\{(\w)\}", sgd))
        (sgd,) = (line for line in text.splitlines() if line.startswith(rf"\item[{letter}]"))
    assert "undertuned: best at the edge (lr=0.1); try 1, 10" in sgd
    (adam,) = (line for line in text.splitlines() if "lr=0.01" in line)
    assert "undertuned" not in adam
    assert ending == "tex" or "tuned by validation accuracy" in text  # there it is folded


def test_csv_has_what_was_chosen_and_what_to_try_for_machines(planned: Callable[..., Plan]) -> None:
    plan, found = of(planned, edgy)
    text = FORMATS["csv"](plan.comparisons[0], summary_table(plan, found).to_pandas(), None, {})
    sgd, adam = pd.read_csv(io.StringIO(text)).to_dict("records")
    assert json.loads(sgd["chosen_by_val_accuracy"]) == {"optimizer.lr": 0.1}
    assert json.loads(sgd["next_by_val_accuracy"]) == [{"optimizer.lr": 1.0}, {"optimizer.lr": 10.0}]
    assert (sgd["undertuned_by_val_accuracy"], adam["undertuned_by_val_accuracy"]) == (True, False)


def test_the_summary_says_what_each_metric_was_read_from(planned: Callable[..., Plan]) -> None:
    plan, found = of(planned, bump(0.1), WIDE)
    summary = summary_table(plan, found).to_pandas()
    assert summary["select"].tolist() == ["val_accuracy", "steps_to_target"] * 2
    assert [plan.arms[arm].selection.metric for arm in summary["arm"]] == summary["select"].tolist()  # type: ignore[union-attr]
    assert summary["undertuned"].tolist() == [False] * 4


def test_untuned_comparisons_look_as_before(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {dropout: [0, 0.3]}, metrics: [test_accuracy]}")
    summary = summary_table(plan, records(plan)).to_pandas()
    assert summary[["select", "chosen", "undertuned", "edge", "next"]].isna().all(axis=None)
    assert table(plan.comparisons[0], summary).headings == ["arm", "test accuracy (%)", "runs"]
    assert ledger.ledger(plan, records(plan)).groups == {}


def test_an_arm_whose_candidates_all_diverged_is_said_to_be_so_everywhere(planned: Callable[..., Plan]) -> None:
    plan, found = of(planned, hopeless)
    *_, tuned, runs = table(plan.comparisons[0], summary_table(plan, found).to_pandas()).rows[0]
    assert (str(tuned), str(runs)) == ("– (every candidate diverged)", "0/8 finished, 8 diverged")
    assert [*protocol.coverage(plan, found)[0].values()][2:] == [8, 8, 0, 0]
    reason = "every candidate of its tuning diverged, so it was not trained"
    assert protocol.reasons(plan, found) == [("O: sgd", "diverged", 8, reason)]
    assert [line.chosen.remark for line in ledger.ledger(plan, found).lines] == ["every candidate diverged", ""]


def test_an_arm_that_is_not_tuned_yet_is_said_to_be_so(planned: Callable[..., Plan]) -> None:
    plan = planned(NARROW)
    found = records(plan, lambda label, seed: {"status": "missing"})
    [tuned] = [
        c for c in table(plan.comparisons[0], summary_table(plan, found).to_pandas()).columns if c.name == "tuned"
    ]
    assert tuned.heading == "tuned by validation accuracy"
    assert set(map(str, tuned.cells)) == {"– (not tuned yet)"}
    assert {row["tuned to"] for row in protocol.recipes(plan, found)} == {"– (not tuned yet), by validation accuracy"}


def test_stand_ins_are_never_shown(planned: Callable[..., Plan]) -> None:
    plan, found = of(planned, edgy)
    assert protocol.asked(plan, plan.comparisons[0]) == (
        "2 arms vary optimizer: sgd (tuned: lr) and adam (betas=[0.8, 0.9], eps=1e-08; tuned: lr). 8 seeds per arm. "
        "Tuned in every arm: lr, by validation accuracy."
    )
    rows = protocol.recipes(plan, found)
    assert [row["optimizer"] for row in rows] == ["sgd (tuned: lr)", "adam (betas=[0.8, 0.9], eps=1e-08; tuned: lr)"]
    assert rows[1]["tuned to"] == "lr=0.01, by validation accuracy"
    other = planned("o: {vary: {activation: [relu, tanh]}, metrics: [test_loss], "
                    "tune: {dropout: {linear: [0, 0.4], points: 3}, batch_size: {values: [16, 32]}}}")  # fmt: skip
    fixed = dict(protocol.fixed(other, other.comparisons[0]))
    assert (fixed["dropout"], fixed["batch_size"], fixed["optimizer"]) == ("tuned", "tuned", "sgd (lr=0.1)")


def test_what_all_arms_agree_on_is_said_once(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {activation: [relu, tanh]}, metrics: [test_loss]}\n"
                   "d: {vary: {dropout: [0, 0.1]}, metrics: [test_loss]}")  # fmt: skip
    rows = protocol.recipes(plan, records(plan))
    assert {*rows[0]} - {"arm", "compared as", "id"} == {"activation", "dropout"}
    chosen, usual = map(dict, protocol.agreed(plan))
    assert chosen["optimizer"] == "sgd (lr=0.1)"
    assert (usual["grad_clip"], usual["schedule"]) == ("0", "constant")
    assert not {"activation", "dropout"} & {*chosen, *usual}
    assert "grad_clip" not in dict(protocol.fixed(plan, plan.comparisons[0]))


def test_arms_of_several_selections_are_told_apart(planned: Callable[..., Plan]) -> None:
    plan, found = of(planned, bump(0.1), WIDE)
    text = protocol.asked(plan, plan.comparisons[0])
    assert text.startswith("2 arms, each tuned for two metrics, vary optimizer: ")
    assert "by validation accuracy (for test accuracy) and steps to target (for time to target)" in text
    ours = table(plan.comparisons[0], summary_table(plan, found).to_pandas())
    assert [title for _, title, kind, _ in ours.columns if kind == "chosen"] == [
        "tuned by validation accuracy", "tuned by steps to target"
    ]  # fmt: skip
    assert [c["planned"] for c in protocol.coverage(plan, found)] == [32, 32]


def test_the_ledger_counts_all_runs_and_steps(planned: Callable[..., Plan]) -> None:
    plan, found = of(planned, edgy)
    book = ledger.ledger(plan, found)
    assert [line.arm for line in book.lines] == ["sgd", "adam"]
    assert book.tuning[:2] == (len(found.tuning), found.tuning["steps"].sum())
    assert book.final[:2] == (16, found.runs["steps"].sum())
    assert book.lines[0].tuning.runs == 9
    ((_, about, counts),) = book.groups
    assert about == "by validation accuracy; lr: 3 points from 0.001 to 0.1 (log); 3 trials of 3 seeds"
    assert counts == "best of 1, 2, 3 (%)"


def test_the_best_to_expect_is_that_of_all_draws_from_the_grid_alone(planned: Callable[..., Plan]) -> None:
    plan, found = of(planned, bump(0.1), WIDE)
    (arm, *_) = [
        arm for arm, recipe in plan.arms.items() if recipe.selection and recipe.selection.metric == "val_accuracy"
    ]
    rows = found.tuning[(found.tuning["arm"] == arm) & (found.tuning["phase"] == "grid")]
    assert len(rows) < (found.tuning["arm"] == arm).sum()
    scores = rows.groupby("candidate")["val_accuracy"].mean()
    assert len(scores) == 9
    wanted = [np.mean([max(draw) for draw in combinations(scores.fillna(0), k)]) for k in (1, 2, 4, 8, 9)]
    line = next(line for line in ledger.ledger(plan, found).lines if line.arm == plan.comparisons[0].labels[arm])
    assert line.expected == " · ".join(f"{value * 100:.1f}" for value in wanted)


def test_collect_gathers_the_searches_of_all_arms_in_one_table(planned: Callable[..., Plan], tmp_path: Path) -> None:
    plan, store = planned(NARROW), Store(tmp_path / "results")
    found = records(plan, quality=edgy).tuning
    plan.write(store, {})
    path = store.study(plan.study) / "plan.json"
    assert main(["collect", str(path)]) == 0
    empty = pq.read_table(path.with_name("tuning.parquet"))
    assert (len(empty), empty.schema) == (0, TUNING)
    for made in trials(plan, edgy).values():
        made.write(store)
    assert main(["collect", str(path)]) == 0
    gathered = path.with_name("tuning.parquet")
    first = gathered.read_bytes()
    pd.testing.assert_frame_equal(pd.read_parquet(gathered), found, check_dtype=False)
    assert main(["collect", str(path)]) == 0
    assert gathered.read_bytes() == first

"""What stands beside verdicts: a difference that five test rows carry, and runs that did not learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from study.__main__ import main
from study.plan.plan import Plan
from study.show.claims.beside import limit, remarks
from study.stats.crossed import crossed
from study.store.files import write_parquet
from study.store.layout import Block, Store
from study.store.schemas import ARM_RUNS, CURVES
from tests.show.records import judged, records

TWO = """
a:
  vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}
  metrics: [test_accuracy]
  claims: [{metric: test_accuracy, better: adam, than: sgd}]
"""
FOUR = """
a:
  vary: {optimizer: [sgd, {name: adam, lr: 0.01}], dropout: [0, 0.1]}
  metrics: [test_accuracy]
  claims: [{metric: test_accuracy, better: {optimizer: adam}, than: {optimizer: sgd}}]
"""
SEEDS, ROWS = 16, 360


def right(label: str, few: int, share: float) -> np.ndarray:
    """[seeds, rows] bool: sgd gets a ``few`` rows wrong in most runs, adam half as many; else there is chance."""
    easy = np.random.default_rng(1).random(ROWS) < 0.95
    draw = np.random.default_rng(len(label))
    found: np.ndarray = easy ^ (draw.random((SEEDS, ROWS)) < 0.002)
    for rows, best in ((slice(few), "adam"), (slice(few, few + few // 2), "sgd")):
        found[:, rows] = draw.random((SEEDS, ROWS))[:, rows] < (share if best in label else 1 - share)
    return found


def stored_rows(plan: Plan, store: Store, few: int, share: float = 0.95) -> None:
    """Records of all arms, with the rows that each run got right."""
    bits = {label: right(label, few, share) for label in plan.comparisons[0].labels.values()}
    found = records(plan, lambda label, seed: {"level": bits[label][seed].mean() + 0.01, "pace": 0.1})
    labels, block = plan.comparisons[0].labels, Block(0, int(found.runs["seed"].max()))
    for arm in plan.arms:
        runs = found.runs[found.runs["arm"] == arm].to_dict("records")
        rows: list[dict[str, Any]] = [
            {name: run.get(name) for name in ARM_RUNS.names if pd.notna(run.get(name))}
            | {"test_right": np.packbits(bits[labels[arm]][run["seed"]]).tobytes()}
            for run in runs
        ]
        write_parquet(pa.Table.from_pylist(rows, ARM_RUNS), store.runs(arm, block))
        curves = found.curves.loc[found.curves["arm"] == arm].reindex(columns=CURVES.names)
        table = pa.Table.from_pandas(curves, CURVES, preserve_index=False)
        write_parquet(table, store.curves(arm, block))
    plan.write(store, {})
    assert main(["collect", str(store.study("small") / "plan.json")]) == 0


def claim_of(store: Store) -> pd.Series:
    return pd.read_parquet(store.study("small") / "claims.parquet").iloc[0]


def test_of_levels_rows_are_of_the_means_over_arms(planned: Callable[..., Plan], tmp_path: Path) -> None:
    plan, store = planned(FOUR, seeds=SEEDS), Store(tmp_path / "results")
    stored_rows(plan, store, few=5)
    row = claim_of(store)
    by_dropout = [right(f"adam{rest}", 5, 0.95) * 1.0 - right(f"sgd{rest}", 5, 0.95)
                  for rest in (", dropout=0", ", dropout=0.1")]  # fmt: skip
    by_hand = crossed(np.mean(by_dropout, axis=0))
    assert by_hand
    assert row["estimate"] == pytest.approx(by_hand.mean)
    assert (row["rows_low"], row["rows_high"]) == pytest.approx(by_hand.interval(0.95))
    assert remarks(row) == [remarks(row)[0]]
    assert remarks(row)[0].startswith("over seeds and test rows: 95 % interval ")
    assert row[["improvement", "rows_half"]].isna().all()


def test_five_rows_decide_nothing_about_new_data(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, store = planned(TWO, seeds=SEEDS), Store(tmp_path / "results")
    stored_rows(plan, store, few=5)
    row = claim_of(store)
    assert (row["verdict"], row["rows"]) == ("supported", ROWS)
    assert row["reason"].endswith("; supported on these test rows, undecided about new data")
    by_hand = crossed(right("adam", 5, 0.95) * 1.0 - right("sgd", 5, 0.95))
    assert by_hand
    assert (row["rows_low"], row["rows_high"]) == pytest.approx(by_hand.interval(0.95))  # one claim: Holm's is 95 %
    assert row["rows_low"] < 0 < row["low"]
    assert row["rows_half"] <= 3
    assert row["improvement"] == 1
    capsys.readouterr()
    assert main(["claims", str(tmp_path / "small.yaml"), "--results", str(store.root)]) == 0
    said = capsys.readouterr().out
    assert "undecided about new data" in said
    assert "over seeds and test rows: 95 % interval −0." in said
    assert "of 360 test rows carry half of the difference" in said
    assert main(["report", str(store.study("small") / "plan.json")]) == 0
    page = (store.study("small") / "report.html").read_text(encoding="utf-8")
    assert "undecided about new data" in page
    assert "over seeds and test rows" in page
    assert "100 % (79 to 100 %)" in page


def test_many_rows_do(planned: Callable[..., Plan], tmp_path: Path) -> None:
    plan, store = planned(TWO, seeds=SEEDS), Store(tmp_path / "results")
    stored_rows(plan, store, few=120, share=0.6)
    row = claim_of(store)
    assert row["verdict"] == "supported"
    assert row["rows_low"] > 0
    assert "new data" not in row["reason"]
    assert row["rows_half"] > 5
    assert row["rows_low"] <= row["low_adjusted"] < row["high_adjusted"] <= row["rows_high"]


def test_where_rows_add_nothing_the_interval_is_that_of_the_test(planned: Callable[..., Plan], tmp_path: Path) -> None:
    """Rows differ alike, and with six pairs the interval of the exact test is nearly their range: wider than t's."""
    plan, store = planned(TWO, seeds=6), Store(tmp_path / "results")
    stored_rows(plan, store, few=ROWS, share=0.52)
    row = claim_of(store)
    over = crossed(right("adam", ROWS, 0.52)[:6] * 1.0 - right("sgd", ROWS, 0.52)[:6])
    assert over
    low, high = over.interval(row["level_adjusted"])
    assert row["low_adjusted"] < low
    assert high < row["high_adjusted"]
    assert (row["rows_low"], row["rows_high"]) == (row["low_adjusted"], row["high_adjusted"])


def test_seeds_are_not_asked_for_where_rows_are_the_limit(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, store = planned(TWO.replace("sgd}]", "sgd, margin: 0.01}]"), seeds=SEEDS), Store(tmp_path / "results")
    stored_rows(plan, store, few=5)
    row = claim_of(store)
    assert row["verdict"] == "undecided"
    assert row["pairs_even"] > SEEDS  # so many seeds may decide it on these rows
    assert "360 test rows are the limit, not seeds" in limit(row)
    for verb in ("claims", "suggest"):
        capsys.readouterr()
        assert main([verb, str(tmp_path / "small.yaml"), "--results", str(store.root)]) == 0
        said = capsys.readouterr().out
        assert said.count(limit(row)) == 1
        assert "a chance of 50 % that" not in said
    assert "edit: comparisons.a.seeds" not in said
    assert "  edit: split: by_seed, in the dataset of comparisons.a: digits (1,797 rows)\n" in said
    assert "over splits and seeds of these rows only" in said
    assert f"all its arms are trained anew: {2 * SEEDS} runs" in said
    row["pairs_even"] = None  # the arms look equal: neither rows nor seeds are worth naming
    assert not limit(row)


def test_arms_of_which_some_runs_did_not_learn(planned: Callable[..., Plan], tmp_path: Path) -> None:
    def outcome(label: str, seed: int) -> Mapping[str, object]:
        return {"level": 0.95 + seed / 1000, "learned": label == "sgd" or seed > 3}

    plan = planned(TWO, seeds=SEEDS)
    row = judged(plan, Store(tmp_path / "results"), records(plan, outcome)).iloc[0]
    assert (row["ends"], row["better_ends"], row["than_ends"]) == ("learned", 12, 16)
    assert row["ends_p"] == 2 / 2**4
    assert remarks(row) == ["training loss fell: 12 runs of adam, 16 of sgd (McNemar, p = 0.12, not adjusted)"]
    assert pd.isna(row["rows"])  # records without rows
    every = judged(plan, Store(tmp_path / "other"), records(plan)).iloc[0]
    assert remarks(every) == []

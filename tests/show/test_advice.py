"""What ``suggest`` says would decide the claims that are undecided."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from study.__main__ import main
from study.plan.history import History
from study.plan.plan import Plan
from study.show.claims.verdicts import evidence_of
from study.stats.outlook import outlook
from study.store.files import write_parquet
from study.store.layout import Block, Store
from study.store.schemas import CURVES, RUNS
from tests.show.records import Outcome, records, stored
from tests.show.undecided import BETTER, ONE, Suggest, noisy


@pytest.fixture
def suggest(planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Suggest:
    """Lines that are printed on records made by hand."""

    def run(text: str = ONE, seeds: int = 10, outcome: Outcome = noisy) -> list[str]:
        plan = planned(text, seeds=seeds)
        stored(plan, records(plan, outcome), tmp_path / "results")
        capsys.readouterr()
        assert main(["suggest", str(tmp_path / "small.yaml"), "--results", str(tmp_path / "results")]) == 0
        return capsys.readouterr().out.splitlines()

    return run


def claims(root: Path) -> pd.DataFrame:
    return pd.read_parquet(root / "results" / "studies" / "small" / "claims.parquet")


def test_how_many_seeds_for_which_arms_and_at_what_cost(suggest: Suggest, tmp_path: Path) -> None:
    lines = suggest()
    (row,) = claims(tmp_path).to_dict("records")
    assert row["verdict"] == "undecided"
    assert lines[0].startswith("1 of 1 claim is undecided.")
    assert lines[2:4] == ["", "a"]
    words = r"^    a chance of 50 % that \d+ seeds in all decide it, of 80 % with (\d+) \(10 now\)$"
    found = re.search(words, "\n".join(lines), re.M)
    assert found
    needed = int(found[1])
    assert needed == row["pairs_needed"] > 10
    assert f"of 50 % that {row['pairs_even']} seeds decide it, of 80 % with {row['pairs_needed']}" in row["reason"]
    assert f"  edit: comparisons.a.seeds: {needed}" in lines
    more = 3 * (needed - 10)  # all arms of the comparison have as many seeds
    steps = more * 8 * 34
    assert f"    more seeds for 3 arms: {more:,} runs, {steps:,} steps" in lines
    assert lines[-1].startswith("Judging again is look 2 at more or other data; 1 was declared.")
    assert "8.6 % with 2" in lines[-1]


@pytest.mark.parametrize("seed", range(4))
def test_the_number_is_that_of_the_verdict_whatever_the_looks(
    seed: int, planned: Callable[..., Plan], tmp_path: Path
) -> None:
    def outcome(label: str, i: int) -> Mapping[str, object]:
        ended = dict(noisy(label, i + 100 * seed))
        return ended | ({"status": "diverged"} if seed == 3 and label == "sgd" and i % 4 == 0 else {})

    tables = {}
    for looks in (1, 3):
        plan = planned(BETTER, seeds=10).model_copy(update={"looks": looks})
        stored(plan, records(plan, outcome), tmp_path / str(looks) / "results")
        tables[looks] = claims(tmp_path / str(looks))
    stated = plan.comparisons[0].claims
    compared = 0
    for claim, (_, one), (_, three) in zip(stated, tables[1].iterrows(), tables[3].iterrows(), strict=True):
        for looks, row in ((1, one), (3, three)):
            if row["verdict"] == "undecided" and row["test"] != "none":
                wanted = None if pd.isna(row["pairs_needed"]) else row["pairs_needed"]
                rows = tables[looks]
                divisor = int((rows["counts"] & (rows["p_adjusted"] > 0.05 / looks)).sum())
                found = outlook(claim.metric, claim.kind, evidence_of(one), 0.05 / looks / divisor)
                assert found.likely == wanted
                compared += 1
    assert compared > 2


def test_a_declared_look_takes_nothing_more(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "small.yaml"
    plan = planned(ONE, seeds=10).model_copy(update={"looks": 2})
    path.write_text(path.read_text().replace("seeds: 10", "seeds: 10\nlooks: 2"))
    stored(plan, records(plan, noisy), tmp_path / "results")
    assert main(["suggest", str(path), "--results", str(tmp_path / "results")]) == 0
    out = capsys.readouterr().out
    assert " (10 now)" in out
    assert out.splitlines()[-1] == "Judging again is within the 2 looks that the study file declared."


def test_no_advice_on_verdicts_by_another_margin(
    suggest: Suggest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suggest(ONE.replace("than: sgd}", "than: sgd, margin: 0.002}"))
    path = tmp_path / "small.yaml"
    path.write_text(path.read_text().replace("margin: 0.002", "margin: 0.05"))
    assert main(["suggest", str(path), "--results", str(tmp_path / "results")]) == 2  # these records hold no runs
    told = capsys.readouterr()
    assert "decide it" not in told.out
    assert "none of its arms is trained yet" in told.err


@pytest.mark.parametrize(("declared", "taken"), [(1, 1), (1, 2), (2, 1), (3, 2)])
def test_what_was_declared_first_is_what_judging_again_is_held_to(
    declared: int, taken: int, planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "small.yaml"

    def judged(seeds: int, looks: int) -> pd.Series:
        plan = planned(ONE, seeds=seeds).model_copy(update={"looks": looks})
        path.write_text(path.read_text().replace(f"seeds: {seeds}", f"seeds: {seeds}\nlooks: {looks}"))
        stored(plan, records(plan, noisy), tmp_path / "results")
        return claims(tmp_path).iloc[0]

    if taken == 2:
        judged(9, declared)
    row = judged(10, declared + 4 * (taken - 1))  # too late, after a verdict
    assert (row["looks"], row["looks_declared"]) == (taken, declared)
    assert main(["suggest", str(path), "--results", str(tmp_path / "results")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"  edit: comparisons.a.seeds: {int(row['pairs_needed'])}" in lines
    assert not any("looks: " in line for line in lines[:-1])
    more = taken >= declared
    last = f"is look {taken + 1} at more or other data" if more else f"within the {declared} looks"
    assert last in lines[-1]


def test_no_number_of_seeds_helps_where_nothing_differs(suggest: Suggest) -> None:
    lines = suggest(outcome=lambda label, seed: {"level": 0.9 + seed / 200, "pace": 0.5})
    assert "    all 10 pairs tie: both have the same test accuracy" in lines

    def balanced(label: str, seed: int) -> Mapping[str, object]:
        return {"level": 0.9 + (0.01 * (-1) ** seed + 1e-5 if label == "adam" else 0), "pace": 0.5}

    lines = suggest(outcome=balanced)
    assert "    the arms look equal, or as far apart as the margin: no number of seeds is worth naming" in lines
    assert not any("edit:" in line or "Judging again" in line for line in lines)


def test_failed_runs_are_to_be_run_again(suggest: Suggest) -> None:
    lines = suggest(outcome=lambda label, seed: {"status": "failed"} if label == "adam" and seed == 2 else {})
    assert "    adam: 1 failed of 10; run it again (the command that ran the study does only what is missing)" in lines


@pytest.mark.parametrize("metric", ["step_seconds", "seconds_to_target", "memory_mib"])
def test_what_was_not_timed_waits_for_it(
    metric: str, planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = planned(ONE.replace("test_accuracy", metric), seeds=6)
    stored(plan, records(plan, noisy, timed=False), tmp_path / "results")
    assert main(["suggest", str(tmp_path / "small.yaml"), "--results", str(tmp_path / "results")]) == 0
    out = capsys.readouterr().out
    assert "    not timed yet; run the study (the command that ran the study does only what is missing)\n" in out


def test_timed_metrics_ask_for_rounds_and_another_timing(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = planned(ONE.replace("metric: test_accuracy", "metric: step_seconds"), seeds=6)
    found = records(plan, noisy)
    factors = {plan.comparisons[0].arms_for("step_seconds")["adam"]: [1.2, 1.5, 1.0, 1.3, 1.1, 1.4]}
    steps = [
        0.001 / factors.get(arm, [1.0] * 6)[i]
        for arm, i in zip(found.timing["arm"], found.timing["round"], strict=True)
    ]
    stored(plan, found._replace(timing=found.timing.assign(step_seconds=steps)), tmp_path / "results")
    assert main(["suggest", str(tmp_path / "small.yaml"), "--results", str(tmp_path / "results")]) == 0
    out = capsys.readouterr().out
    [needed] = re.findall(r"rounds in all decide it, of 80 % with (\d+) \(6 now\)", out)
    assert int(needed) == claims(tmp_path)["pairs_needed"].iloc[0]
    assert f"edit: comparisons.a.seeds: {needed}\n" in out
    assert f"steps, and all timing again, in {needed} rounds\n" in out


def test_nothing_to_suggest(suggest: Suggest) -> None:
    lines = suggest(outcome=lambda label, seed: {"level": {"adam": 0.95}.get(label, 0.9) + seed / 1000, "pace": 0.5})
    assert lines == ["None of 1 claim is undecided; there is nothing to add."]
    assert suggest(ONE.split("  claims")[0]) == ["The study claims nothing."]


def test_before_anything_is_trained(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planned(ONE)
    assert main(["suggest", str(tmp_path / "small.yaml"), "--results", str(tmp_path / "results")]) == 2
    assert "none of its arms is trained yet; run it: " in capsys.readouterr().err


def test_to_ask_is_no_look_and_writes_nothing(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where there are no verdicts yet, or verdicts on records that were replaced since."""
    plan, store = planned(ONE, seeds=10), Store(tmp_path / "results")
    trained(plan, store)
    plan.write(store, {})
    asked = ["suggest", str(tmp_path / "small.yaml"), "--results", str(store.root)]

    def told() -> str:
        before = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}
        assert main(asked) == 0
        assert {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()} == before
        return capsys.readouterr().out

    first = told()
    assert "1 of 1 claim is undecided." in first
    assert main(["collect", str(store.study("small") / "plan.json")]) == 0
    assert told() == first
    trained(plan, store, gap=0.03)  # other records under the same names
    assert main(["claims", *asked[1:]]) == 2
    assert "these verdicts are on other records" in capsys.readouterr().err
    assert told() == "None of 1 claim is undecided; there is nothing to add.\n"
    assert [len(looks) for looks in History.read(plan, store).looks.values()] == [1]


def trained(plan: Plan, store: Store, gap: float = 0.0) -> None:
    """Leave records of every arm in the store; adam is better by ``gap``, but for noise."""
    better = lambda label, seed: {"level": 0.9 + gap * (label == "adam") + seed / 1000}  # noqa: E731
    found = records(plan, better if gap else noisy)
    for arm, seeds in plan.seeds.items():
        block = Block(0, seeds - 1)
        for name, schema, path in (
            ("runs", RUNS, store.runs(arm, block)),
            ("curves", CURVES, store.curves(arm, block)),
        ):
            frame = getattr(found, name)
            mine = frame.loc[frame["arm"] == arm, list(schema.names)]
            write_parquet(pa.Table.from_pandas(mine, schema, preserve_index=False), path)

"""Comparisons of runs that are there already: what is planned, and what a person is told of a mistake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.errors import Refused
from study.metrics import METRICS
from study.plan.plan import Plan, PlannedComparison
from tests.plan.conftest import schema_errors
from tests.plan.mistakes_of_runs import MISTAKES, R
from tests.plan.sweeps import ARMS, HEADER, csv, rows, study
from tests.plan.test_mistakes import change

Check = Callable[[Any], tuple[int, str, list[str]]]


@pytest.fixture
def planned(plan: Callable[[Any], Plan], tmp_path: Path) -> Callable[..., PlannedComparison]:
    """The comparison of a study on a sweep, given as CSV."""

    def run(text: str = csv(), content: dict[str, Any] | None = None, **runs: Any) -> PlannedComparison:
        (tmp_path / "sweep.csv").write_text(text, encoding="utf-8")
        [comparison] = plan(content or study(**runs)).comparisons
        return comparison

    return run


def seeds_of(comparison: PlannedComparison) -> dict[str, tuple[int, ...]]:
    assert comparison.runs
    return {comparison.labels[arm]: seeds for arm, seeds in comparison.runs.seeds.items()}


def test_a_study_of_runs_that_are_there_needs_no_baseline(check: Check) -> None:
    Path("sweep.csv").write_text(csv())
    code, out, err = check(study(paired=True))
    assert (code, err) == (0, [])
    assert "3 arms (adam; sgd; momentum) × 10 runs of sweep.csv, seeds 0 to 9, paired by seed, 1 claim" in out
    assert "Nothing is trained here." in out


def test_one_that_trains_needs_one(check: Check, study: dict[str, Any]) -> None:
    del study["baseline"]
    study["comparisons"]["b"] = {"runs": {"path": "sweep.csv", "label": "optimizer"}, "metrics": ["test_loss"]}
    code, _, lines = check(study)
    assert (code, len(lines)) == (2, 1)
    assert lines[0].startswith("s.yaml: baseline: is missing; give a choice on every axis")
    assert schema_errors(study)


def test_a_study_may_mix_both_kinds(plan: Callable[[Any], Plan], study: dict[str, Any], tmp_path: Path) -> None:
    alone = plan(study)
    (tmp_path / "sweep.csv").write_text(csv())
    study["comparisons"]["b"] = {"runs": {"path": "sweep.csv", "label": "optimizer"}, "metrics": ["best_acc"]}
    study["comparisons"]["b"]["runs"]["metrics"] = {"best_acc": {"column": "best_acc", "better": "higher"}}
    mixed = plan(study)
    assert mixed.arms == alone.arms  # what is trained here is what was trained here
    assert mixed.comparisons[0] == alone.comparisons[0]
    assert set(mixed.given) == set(mixed.comparisons[1].labels)


@pytest.mark.parametrize(
    ("lines", "label", "expected"),
    [
        (["adam,0.001", "sgd,0.1"], ["a", "lr"], ["adam", "sgd"]),  # the rate follows from the optimizer
        (["adam,0.001", "adam,0.010", "sgd,0.1"], ["a", "lr"], ["adam, lr=0.001", "adam, lr=0.01", "sgd"]),
        (["adam,1e-3", "adam,0.001", "sgd,0.001"], ["a", "lr"], ["adam", "sgd"]),
        (["adam,1", "adam,2"], ["a", "lr"], ["lr=1", "lr=2"]),
        (["1,x", "2,y"], "a", ["a=1", "a=2"]),
        (["adam,", "adam,3"], ["a", "lr"], ["adam", "lr=3"]),  # one has no rate
        (["adam,0.10", "adam,0.1", "adam,none"], ["a", "lr"], ["lr=0.1", "none"]),
    ],
)
def test_labels_are_joined_as_those_of_arms_that_are_trained(
    lines: list[str], label: Any, expected: list[str], planned: Callable[..., PlannedComparison]
) -> None:
    text = csv([f"{line},0.5" for line in lines], "a,lr,test_accuracy")
    content = study(label=label, seed=None, metrics=None)
    del content["comparisons"]["optimizers"]["claims"]
    assert [arm.label for arm in planned(text, content).arms] == expected


def test_the_last_part_of_a_column_names_a_number(planned: Callable[..., PlannedComparison]) -> None:
    content = study(label="config.opt/lr", seed=None, metrics=None)
    del content["comparisons"]["optimizers"]["claims"]
    comparison = planned(csv(["1,0.5", "2,0.5"], "config.opt/lr,test_accuracy"), content)
    assert [arm.label for arm in comparison.arms] == ["lr=1", "lr=2"]


def test_runs_without_seeds_are_numbered(planned: Callable[..., PlannedComparison]) -> None:
    comparison = planned(csv(rows(5)[:-1]), seed=None)
    assert seeds_of(comparison) == {"adam": (0, 1, 2, 3, 4), "sgd": (0, 1, 2, 3, 4), "momentum": (0, 1, 2, 3)}
    assert not comparison.paired


def long_form(lines: list[str]) -> str:
    cells = (line.split(",") for line in lines)
    parts = [f"{o},{lr},{seed},{name},{v}" for o, lr, seed, acc, _ in cells for name, v in (("acc", acc), ("x", 1))]
    return csv(parts, "optimizer,lr,seed,name,value")


FORMS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "semicolons": lambda path: (path / "sweep.csv").write_text(csv().replace(",", ";")) and {},
    "a mark at its begin": lambda path: (path / "sweep.csv").write_text(csv(), encoding="utf-8-sig") and {},
    "quoted": lambda path: (path / "sweep.csv").write_text(csv().replace("adam", '"adam"')) and {},
    "Parquet": lambda path: _parquet(path),
    "compressed": lambda path: _compressed(path),
    "long": lambda path: (
        (path / "sweep.csv").write_text(long_form(rows()))
        and {"metric": "name", "value": "value", "metrics": {"test_accuracy": "acc"}}
    ),
}


def _parquet(path: Path) -> dict[str, Any]:
    (path / "sweep.csv").write_text(csv())
    pd.read_csv(path / "sweep.csv").to_parquet(path / "sweep.parquet")
    return {"path": "sweep.parquet"}


def _compressed(path: Path) -> dict[str, Any]:
    (path / "plain.csv").write_text(csv())
    pd.read_csv(path / "plain.csv").to_csv(path / "sweep.csv.gz", index=False)
    return {"path": "sweep.csv.gz"}


@pytest.mark.parametrize("form", FORMS)
def test_files_are_read_as_people_export_them(form: str, plan: Callable[[Any], Plan], tmp_path: Path) -> None:
    [comparison] = plan(study(**FORMS[form](tmp_path))).comparisons
    assert seeds_of(comparison) == dict.fromkeys(ARMS, tuple(range(10)))


def test_what_an_arm_lacks_is_empty_in_parquet_too(plan: Callable[[Any], Plan], tmp_path: Path) -> None:
    """Pandas writes NaN as null, pyarrow as NaN."""
    rates = [0.1, 0.2, float("nan"), float("nan")]
    table = pa.table({"a": ["x", "x", "y", "y"], "lr": rates, "v": [1.0, 2.0, 3.0, 4.0]})
    pq.write_table(table, tmp_path / "sweep.parquet")
    content = study(path="sweep.parquet", label=["a", "lr"], seed=None, metrics={"test_loss": "v"})
    content["comparisons"]["optimizers"] |= {"metrics": ["test_loss"], "claims": []}
    [comparison] = plan(content).comparisons
    assert {arm.label: comparison.wanted[arm.arm] for arm in comparison.arms} == {
        "x, lr=0.1": 1,
        "x, lr=0.2": 1,
        "y": 2,
    }


def test_two_metrics_may_be_read_from_one_name_of_long_form(planned: Callable[..., PlannedComparison]) -> None:
    metrics = {"test_accuracy": "acc", "points": {"column": "acc", "better": "higher", "scale": 100, "unit": "points"}}
    content = study(metric="name", value="value", metrics=metrics)
    content["comparisons"]["optimizers"]["metrics"] = ["test_accuracy", "points"]
    assert planned(long_form(rows()), content).metrics == ("test_accuracy", "points")


def test_the_schema_has_every_key() -> None:
    curves = {"path": "c.csv", "label": "o", "seed": "s", "epoch": "e", "step": "t", "metric": "m", "value": "v"}
    runs = {
        "path": "s.csv",
        "label": ["o", "lr"],
        "seed": "s",
        "metric": "m",
        "value": "v",
        "metrics": {"a": "b", "c": {"column": "d", "scale": 0.1, "better": "lower", "unit": "s", "compare": "factor"}},
        "status": {"column": "s", "finished": ["a"], "diverged": ["b"], "failed": ["c"], "missing": ["d"]},
        "empty": "failed",
        "paired": True,
        "curves": curves | {"metrics": {"val_loss": "x", "train_loss": {"column": "y", "scale": 2}}},
    }
    content = study()
    content["comparisons"]["optimizers"] |= {"runs": runs, "title": "T", "reference": "a", "reported": {"a": {"c": 3}}}
    assert schema_errors(content) == []
    for key, value in (("seeds", 3), ("tune", None), ("baseline", {}), ("vary", {"dropout": [0]})):
        assert schema_errors({**content, "comparisons": {"a": content["comparisons"]["optimizers"] | {key: value}}})


def test_the_plan_has_the_sum_of_the_file(planned: Callable[..., PlannedComparison]) -> None:
    first, other = planned(), planned(csv(rows(9)))
    assert first.runs
    assert other.runs
    assert len(first.runs.sha256) == 64
    assert first.runs.sha256 != other.runs.sha256
    assert set(first.labels) == set(other.labels)  # the same arms, looked at on other data


def test_planning_loads_no_pandas(planned: Callable[..., PlannedComparison], tmp_path: Path) -> None:
    import subprocess
    import sys

    planned()
    code = f"""
import sys
from study.__main__ import main
assert main(["check", {str(tmp_path / "s.yaml")!r}, "--results", {str(tmp_path)!r}, "--no-time"]) == 0
assert not {{"numpy", "torch", "pandas", "pyarrow"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=Path(__file__).parents[2])


def test_a_metric_that_is_not_known_here_is_declared(planned: Callable[..., PlannedComparison]) -> None:
    content = study(metrics={"bleu": {"column": "best_acc", "better": "higher", "unit": "points"}})
    content["comparisons"]["optimizers"] |= {"metrics": ["bleu"], "claims": []}
    planned(content=content)
    assert (METRICS["bleu"].better, METRICS["bleu"].unit, METRICS["bleu"].ratio) == ("higher", "points", False)
    assert "bleu" not in METRICS  # in no list of what everybody may show
    planned()
    with pytest.raises(KeyError):
        METRICS["bleu"]  # of another study


def test_files_that_are_not_there_are_not_asked_for_what_is_in_them(check: Check) -> None:
    content = study(path="none.csv", paired=True)
    words = f"{R}.path: there is no file 'none.csv'; give a path relative to the study file"
    assert check(content) == (2, "", [f"s.yaml: {words}"])


@pytest.mark.parametrize("case", MISTAKES)
def test_one_mistake_is_one_line(case: str, check: Check) -> None:
    text, changes, line = MISTAKES[case]
    Path("sweep.csv").write_text(text)
    Path("sweep.parquet").write_text("no Parquet")
    Path("curves.csv").write_text("optimizer,lr,seed,epoch,loss\nadam,0.001,0,0,2\nadam,0.001,99,0,2\n")
    content = study() | {"looks": 1}
    for path, value in changes.items():
        change(content, path, value)
    assert check(content) == (2, "", [f"s.yaml: {line}"])


def test_metrics_that_two_comparisons_declare_otherwise(plan: Callable[[Any], Plan], tmp_path: Path) -> None:
    (tmp_path / "sweep.csv").write_text(csv())
    content: dict[str, Any] = {"study": "s", "comparisons": {}}
    for name, better in (("a", "higher"), ("b", "lower")):
        part = study(metrics={"bleu": {"column": "best_acc", "better": better}})["comparisons"]["optimizers"]
        content["comparisons"][name] = part | {"metrics": ["bleu"], "claims": []}
    with pytest.raises(Refused) as refusal:
        plan(content)
    words = "'bleu' is declared otherwise by another comparison; rename one, or make them agree"
    assert refusal.value.lines == [f"{tmp_path / 's.yaml'}: comparisons.b.runs.metrics.bleu: {words}"]


def test_labels_that_are_probably_one_are_told(check: Any) -> None:
    rows = ["sgd,0.1,0,0.9", "sgd,,1,0.9", "SGD,0.1,2,0.9", "adam,0.01,0,0.95", "adam,0.01,1,0.96"]
    Path("runs.csv").write_text("\n".join(["optimizer,lr,seed,acc", *rows]))
    runs = {"path": "runs.csv", "label": ["optimizer", "lr"], "seed": "seed", "metrics": {"test_accuracy": "acc"}}
    code, out, _ = check({"study": "s", "comparisons": {"o": {"runs": runs, "metrics": ["test_accuracy"]}}})
    assert code == 0
    assert "warning: comparisons.o.runs: 'sgd' and 'SGD' differ in case or spaces only; write them alike\n" in out
    empty = "'sgd' is 'sgd, lr=0.1' without a value; some of its cells may be empty"
    assert f"warning: comparisons.o.runs: {empty}\n" in out


@pytest.mark.parametrize(
    ("header", "right"), [(HEADER, "say seed: seed"), (HEADER.replace("seed", "try"), "or add a column for 'seed:'")]
)
def test_rows_that_are_there_twice_are_told_where_nothing_says_whose_they_are(
    header: str, right: str, check: Any, tmp_path: Path
) -> None:
    """As a loop that was started twice leaves them; they would be further runs, without a word."""
    twice = csv([*rows(), rows()[0], rows()[3], rows()[3]], header)
    words = "sweep.csv, lines 2 and 32 are the same in every column (and 1 more such), and count as runs of their own"
    for seed, told in ((None, True), (header.split(",")[2], False)):
        (tmp_path / "sweep.csv").write_text(twice if told else csv(header=header))
        code, out, _ = check(study(seed=seed))
        lines = [line for line in out.splitlines() if "same in every column" in line]
        assert code == 0
        assert len(lines) == told
        assert all(words in line and line.endswith(right) for line in lines)

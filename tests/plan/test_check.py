"""``python -m study check`` and ``schema`` as a person uses them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.__main__ import main
from study.plan.choice import Trial
from study.plan.plan import Plan
from study.plan.trials import Trials
from study.plan.workflow.dag import Dag
from study.store.layout import Block, Store
from tests.blocks import leave

Check = Callable[[Any], tuple[int, str, list[str]]]
ROOT = Path(__file__).parents[2]


def test_check_prints_what_there_is_to_do(study: dict[str, Any], check: Check, plan: Callable[[Any], Plan]) -> None:
    study["title"] = "Two questions"
    study["comparisons"]["longer"] = {
        "vary": {"batch_size": [8, 16], "init": ["zeros", "default"]},
        "skip": [{"batch_size": 8, "init": "default"}],
        "metrics": ["test_loss"],
        "seeds": 1,
    }
    assert check(study) == (
        0,
        "s.yaml: Two questions\n"
        "  a       2 arms × 3 seeds\n"
        "  longer  3 arms × 1 seed, 1 combination skipped\n"
        "2 comparisons, 5 different arms, 9 runs\n"
        "In all: 9 runs, 950 steps\n"
        "1 job to do; 0 of 9 runs cached in results/\n",
        [],
    )
    planned, store = plan(study), Store("results")
    first = planned.comparisons[0].arms[0].arm
    leave(store, first, Block(1, 1))
    _, out, _ = check(study)  # seeds 0 and 2 of that arm are one job
    assert out.splitlines()[-1] == "1 job to do; 1 of 9 runs cached in results/"
    label = planned.comparisons[0].arms[0].label
    assert f"  to train: a, {label} ({first}), seeds 0, 2" in out.splitlines()


def test_check_writes_nothing(study: dict[str, Any], check: Check) -> None:
    Path("rows.csv").write_text("width,kind\n" + "1,a\n2,b\n" * 20)
    study["baseline"] |= {"dataset": {"name": "table", "path": "rows.csv", "target": "kind"}, "batch_size": 8}
    assert check(study)[0] == 0
    assert sorted(path.name for path in Path().iterdir()) == ["rows.csv", "s.yaml"]


def test_the_steps_of_a_table_are_counted(study: dict[str, Any], check: Check, plan: Any) -> None:
    Path("rows.csv").write_text("width,kind\n" + "1,a\n2,b\n" * 20)
    study["baseline"]["dataset"] = {"name": "table", "path": "rows.csv", "target": "kind"}
    study["baseline"] |= {"batch_size": 8, "epochs": 5}
    lines = check(study)[1].splitlines()
    assert "In all: 6 runs, 90 steps" in lines  # 24 training rows are three batches
    assert (
        "  rows.csv: 40 rows of 1 feature, 2 classes; 1 column of numbers (width); tells kind exactly: width" in lines
    )


def test_one_of_each(study: dict[str, Any], check: Check) -> None:
    study |= {"seeds": 1, "comparisons": {"a": {"vary": {"activation": ["relu"]}, "metrics": ["test_loss"]}}}
    lines = check(study)[1].splitlines()
    assert lines[1:] == [
        "  a  1 arm × 1 seed",
        "1 comparison, 1 different arm, 1 run",
        "In all: 1 run, 68 steps",
        "1 job to do; 0 of 1 run cached in results/",
    ]


@pytest.mark.parametrize("name", ["article.yaml", "matrix.yaml", "smoke.yaml"])
def test_the_studies_that_come_with_it_are_valid(name: str, tmp_path: Path) -> None:
    assert main(["check", str(ROOT / "config" / name), "--results", str(tmp_path), "--no-time"]) == 0


DESIGN = """
study: example
baseline: {dataset: digits, network: {name: mlp, hidden: [64, 64]}, optimizer: {name: sgd, lr: 0.1}, stack: true,
           batch_size: 32, epochs: 40, gpus: 1}
seeds: 16
target: {metric: val_accuracy, value: 0.95}
tune: {optimizer.lr: {log: [0.001, 10.0], points: 9}, seeds: 3, select: val_accuracy, extend: 4}
comparisons:
  activation:
    vary: {activation: [sigmoid, relu]}
    metrics: [test_accuracy, seconds_to_target]
    claims:
      - {metric: test_accuracy, better: relu, than: sigmoid}
      - {metric: seconds_to_target, better: relu, than: sigmoid, margin: 0.1}
  hyperparameters:
    tune: null
    arms: [{optimizer.lr: 0.01, batch_size: 32}, {label: small step, optimizer.lr: 0.001, batch_size: 64}]
    metrics: [test_accuracy]
"""


def test_check_prints_tuning_and_claims(check: Check, plan: Callable[[Any], Plan]) -> None:
    assert check(DESIGN)[1].splitlines()[1:] == [
        "  activation       2 arms × 16 seeds, tuned by val_accuracy and by steps_to_target, 2 claims",
        "  hyperparameters  2 arms × 16 seeds",
        "2 comparisons, 6 different arms (an arm is one for each metric that tunes it), 96 runs",
        "2 searches for 4 tuned arms: up to 34 trials, 102 runs of tuning seeds",
        "  one search for all runs of an arm: verdicts hold for the settings that it chooses, and tuned again",
        "  it may choose others; by_seed: true, without extend, tunes each run for itself",
        "In all: up to 198 runs, 258,400 steps, of which up to 102 runs and 138,720 steps are tuning",
        "2 searches to do; 0 of 4 arms tuned in results/",
        "2 jobs to do; 0 of 96 runs cached in results/",
        "2 claims, 2 to test",
        "  in a tied pair both arms have the same value with one seed: it speaks for neither",
        "  the smallest p must be at most 0.05/2 claims = 0.025",
        "  tied pairs  0          1          2          3",
        "  16 seeds    3.1e-05    6.1e-05    0.00012    0.00024    with 9 tied pairs a claim can still be decided",
        "  16 seeds decide about 80 % of claims whose arms differ by 0.84 standard deviations of a paired difference",
        "warning: comparisons.hyperparameters: changes several things at once: 'small step' and "
        "'lr=0.01, batch_size=32' differ in optimizer.lr and batch_size",
    ]
    store, planned = Store("results"), plan(DESIGN)
    arm = planned.arms[planned.comparisons[0].arms[0].arm]
    assert arm.search
    assert arm.selection
    Trials(arm.search, done=[arm.selection.name]).write(store)
    assert "2 searches to do; 1 of 4 arms tuned in results/" in check(DESIGN)[1].splitlines()
    leave(store, arm.id, Block(0, 15))
    store.search(arm.search.id).unlink()  # what is said of an arm that is trained rests on it
    assert "2 searches to do; 0 of 4 arms tuned in results/" in check(DESIGN)[1].splitlines()


def test_trials_are_counted_once_they_are_made(check: Check, plan: Callable[[Any], Plan]) -> None:
    tuned = [(arm.search, arm.selection.name) for arm in plan(DESIGN).arms.values() if arm.search and arm.selection]
    for search, _ in tuned:
        selections = [name for other, name in tuned if other.id == search.id]
        trials = [Trial({"optimizer.lr": rate}, [{"seed": seed} for seed in range(3)]) for rate in range(1, 11)]
        Trials(search, trials, selections).write(Store("results"))
    out = check(DESIGN)[1].splitlines()
    assert "2 searches for 4 tuned arms: 20 trials, 60 runs of tuning seeds" in out
    assert "In all: 156 runs, 201,280 steps, of which 60 runs and 81,600 steps are tuning" in out


def test_check_says_when_the_report_is_of_another_state_of_the_file(study: dict[str, Any], check: Check) -> None:
    def report() -> str:
        return next(line for line in check(study)[1].splitlines() if line.startswith("Report: "))

    check(study)
    dag = Dag.build({"study": "s.yaml"})
    Path(dag.file("report.html")).touch()
    assert report() == "Report: results/studies/small/report.html"
    for change in ({"seeds": 4}, {"title": "Other"}, {"comparisons": {"b": study["comparisons"]["a"]}}):
        before = dict(study)
        study |= change
        old = report()
        assert old.startswith("Report: results/studies/small/report.html: of another state of the study file; run ")
        assert old.endswith(" run s.yaml")  # after the program, wherever that is
        study |= {"title": None} | before
    assert report() == "Report: results/studies/small/report.html"


@pytest.mark.parametrize("arguments", [[], ["chek", "s.yaml"], ["check"], ["check", "s.yaml", "--fast"]])
def test_a_wrong_command_line_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: evenhand" in capsys.readouterr().err


def test_help_has_one_line_for_every_verb(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    verbs = "check schema data job time collect claims suggest report draw"
    for verb in verbs.split():
        assert sum(line.startswith(f"    {verb} ") for line in lines) == 1, verb
    with pytest.raises(SystemExit):
        main([])
    assert capsys.readouterr().err.splitlines() == lines


MATRIX = """
study: big
baseline: {dataset: digits, network: mlp, optimizer: {name: sgd, lr: 0.1}, batch_size: 32, epochs: 5}
seeds: 5
comparisons:
  matrix:
    vary:
      optimizer.lr: [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1]
      schedule: [constant, cosine, linear, step, exponential]
      batch_size: [8, 16, 32, 64]
      dropout: [0, 0.1, 0.2, 0.3, 0.5]
      init: [xavier_uniform, he_normal]
      activation: [relu, tanh, gelu, silu, elu]
    metrics: [test_accuracy]
"""
PROBE = """
import sys
from study.__main__ import main
code = main(["check", "big.yaml", "--no-time"])
print(*sorted({"torch", "pandas", "numpy"} & set(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


def test_ten_thousand_arms_are_checked_without_torch(tmp_path: Path) -> None:
    (tmp_path / "big.yaml").write_text(MATRIX)
    command = [sys.executable, "-c", PROBE]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    *lines, left = done.stdout.splitlines()[1:]
    assert lines == [
        "  matrix  10,000 arms × 5 seeds",
        "1 comparison, 10,000 different arms, 50,000 runs",
        "In all: 50,000 runs, 15,875,000 steps",
    ]
    assert re.fullmatch(r"\d{1,3} jobs? to do; 0 of 50,000 runs cached in results/", left)

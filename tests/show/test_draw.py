"""``evenhand draw`` as a person calls it: what it takes and says, twice at once, and of a store in another folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from study.__main__ import main
from study.plan.file.expand import prepare
from study.store.disk import unfinished
from study.store.files import alone
from study.store.layout import Block, Store
from tests.exchange.conftest import STUDY, filled

PAGE = "results/studies/small/report.html"
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where small.yaml and its results are; one stands in it."""
    (tmp_path / "small.yaml").write_text(STUDY, encoding="utf-8")
    store = Store(tmp_path / "results")
    plan = prepare(tmp_path / "small.yaml", store)
    for arm in plan.arms:
        filled(store, arm, Block(0, 5))
    plan.write(store, {})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


@pytest.mark.parametrize("what", ["small.yaml", "results/studies/small/plan.json"])
def test_it_takes_a_study_file_or_its_plan_and_says_where_the_report_is(
    folder: Path, what: str, capsys: Captured
) -> None:
    assert main(["draw", what, "--processes", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Drawing the report of small from the records that are there.",
        f"Report: {PAGE} (12 of 12 runs)",
    ]
    assert (folder / PAGE).exists()


def test_a_study_that_was_not_run_as_its_file_states_it_is_refused(folder: Path, capsys: Captured) -> None:
    text = Path("small.yaml").read_text(encoding="utf-8")
    Path("small.yaml").write_text(text.replace("seeds: 6", "seeds: 7"), encoding="utf-8")
    assert main(["draw", "small.yaml"]) == 2
    assert "plan.json: was planned from another state of that file; run: " in capsys.readouterr().err
    Path("results/studies/small/plan.json").unlink()
    assert main(["draw", "small.yaml"]) == 2
    assert "run small.yaml --config cached=true\n" in capsys.readouterr().err
    assert main(["draw", "plan.json"]) == 2
    right = "give results/studies/STUDY/plan.json, which `evenhand run` writes"
    assert capsys.readouterr().err == f"plan.json: there is no plan; {right}\n"


def test_two_at_once_make_the_same_as_one(folder: Path) -> None:
    assert main(["draw", "small.yaml", "--processes", "1"]) == 0
    study = folder / "results" / "studies" / "small"
    before = contents(study)
    figures = study / "figures"
    theirs = unfinished(figures / "results" / "optimizers.svg")  # of a process that lives: this one
    theirs.touch()
    for path in [*figures.rglob("optimizers.*"), folder / PAGE]:
        path.unlink()
    command = [sys.executable, "-m", "study", "draw", "small.yaml", "--processes", "2"]
    variables = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with alone(study):  # so that both have begun before one of them may draw
        both = [subprocess.Popen(command, env=variables, **pipes) for _ in range(2)]
        for each in both:
            assert each.stdout.readline() == "Drawing the report of small from the records that are there.\n"
    for each in both:
        assert each.communicate(timeout=300)[0] == f"Report: {PAGE} (12 of 12 runs)\n"
        assert each.returncode == 0
    assert theirs.exists()
    theirs.unlink()
    assert contents(study) == before


@pytest.mark.parametrize("verb", ["claims", "check", "watch", "suggest", "why", "export", "draw"])
def test_results_that_lie_beside_the_study_file_are_told_of(
    folder: Path, verb: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    options = {"check": ["--no-time"], "watch": ["--once"], "export": ["--to", "x.zip"], "draw": ["--processes", "1"]}
    (folder / "else").mkdir()
    monkeypatch.chdir(folder / "else")
    main([verb, "../small.yaml", *options.get(verb, [])])
    told = "../results/ has results of this study, and results/ has none; to take these: --results ../results"
    assert capsys.readouterr().err.splitlines()[0] == told
    main([verb, "../small.yaml", *options.get(verb, []), "--results", "../results"])
    assert "to take these" not in capsys.readouterr().err
    monkeypatch.chdir(folder)
    main([verb, "small.yaml", *options.get(verb, [])])
    assert "to take these" not in capsys.readouterr().err

"""Scripts of a person's own: what they write becomes records, and however they end it is told."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from study.axes.recipe import Recipe
from study.plan.jobs import Job, SearchUnit
from study.plan.search import Search, Selection
from study.plan.trials import Trials
from study.run.job import run
from study.run.script import environment
from study.store.checksums import file_sum
from study.store.layout import Block, Store
from tests.run.scripts import LINE, Make, frames, job, lives


def test_what_a_script_writes_becomes_records(script: Make, store: Store, tmp_path: Path) -> None:
    recipe = script(
        """
        for epoch in range(3):
            say(epoch=epoch, step=10 * epoch, lr=settings["lr"], train_loss=1 / (epoch + 1), val_loss=seed + epoch)
        say(test_accuracy=0.25, n_parameters=12, extra="kept out")
        """,
        lr=0.5,
    )
    assert run(job(recipe, tmp_path, 0, 3), store) == []
    runs, curves = frames(store, recipe)
    assert runs["seed"].tolist() == [0, 3]
    assert runs["status"].tolist() == ["finished"] * 2
    first = runs.iloc[0]
    assert (first["epochs_run"], first["steps"], first["n_parameters"], first["lr"]) == (2, 20, 12, 0.5)
    assert first["train_loss"] == 1 / 3
    assert first["test_accuracy"] == 0.25  # of the last line that has one
    assert first["learned"]
    assert pd.isna(first["val_accuracy"])
    assert first["pack"] == "alone"
    assert curves[curves["seed"] == 3]["val_loss"].tolist() == [3, 4, 5]
    assert curves[curves["seed"] == 3]["step"].tolist() == [0, 10, 20]
    assert not [*store.checkpoints.glob("script-*")]


@pytest.mark.parametrize(
    ("lines", "steps", "epochs"),
    [
        ([{"val_loss": 3}, {"val_loss": 2}], [1, 2], [1, 2]),  # counted
        ([{"epoch": 2, "val_loss": 3}, {"epoch": 4, "val_loss": 2}], [2, 4], [2, 4]),
        ([{"step": 5, "val_loss": 3}, {"step": 9.0, "val_loss": 2}], [5, 9], [1, 2]),
        ([{"step": 5, "val_loss": 3}, {"step": 5, "train_loss": 2}], [5], [1]),  # of one place
        ([{"epoch": 1, "step": 5}, {"val_loss": 2}], [5], [1]),
        ([{"epoch": 0.5, "step": 5}, {"epoch": 1, "step": 10}], [5, 10], [0.5, 1]),
    ],
)
def test_places_that_are_not_said_are_counted(
    script: Make, store: Store, tmp_path: Path, lines: list[dict[str, float]], steps: list[int], epochs: list[float]
) -> None:
    recipe = script(f"for line in {lines!r}: say(**line)")
    assert run(job(recipe, tmp_path, 0), store) == []
    _, curves = frames(store, recipe)
    assert curves["step"].tolist() == steps
    assert curves["epoch"].tolist() == epochs


def test_a_key_that_nobody_knows_is_told_with_what_was_meant(
    script: Make, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(job(script("say(val_loss=1, val_acc=0.5, foo=[1])"), tmp_path, 0), store)
    assert (
        "left out of what the script wrote: 'val_acc' (did you mean 'val_accuracy'?); 'foo'" in capsys.readouterr().out
    )


FAILURES = {
    "exit": (
        f"say(**{LINE})\nprint('first')\nprint('then this')\nsys.exit(3)",
        "exit status 3; it said last: first | then this",
    ),
    "raise": ("raise KeyError('lr')", "exit status 1; it said last: "),
    "signal": ("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL; it printed nothing"),
    "no line": ("print('hello')", "ended without a line in its log"),
    "empty": ("open(log, 'w').close()", "ended without a line in its log"),
    "broken": (
        f"say(**{LINE})\nopen(log, 'a').write('{{\"epoch\": 2, \\n')",
        "line 2 of its log is not JSON: '{\"epoch\": 2, '",
    ),
    "a list": (
        "open(log, 'a').write('[1, 2]\\n')",
        'line 1 of its log is [1, 2]; write {"epoch": 1, "val_loss": 0.5}',
    ),
    "text": ("say(epoch=1, val_loss='0.5')", "line 1 of its log: val_loss is '0.5', and no number"),
    "percent": (
        "say(epoch=1, val_accuracy=97.5)",
        "line 1 of its log: val_accuracy is 97.5; give a fraction, such as 0.95",
    ),
    "half an epoch": ("say(epoch=0.5)", "epoch is 0.5 in its log, and no line has a step; write both"),
    "half a step": ("say(step=1.5)", "line 1 of its log: step is 1.5; give a whole number of at least 0"),
    "back": ("say(step=5)\nsay(step=3)", "step goes back from 5 to 3 in its log"),
    "hangs": (
        f"say(**{LINE})\nprint('busy', flush=True)\ntime.sleep(60)",
        "took longer than its timeout of 1.5 s; it said last: busy",
    ),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_script_that_fails_is_a_failed_run_and_others_go_on(
    script: Make, store: Store, tmp_path: Path, kind: str
) -> None:
    body, reason = FAILURES[kind]
    wrong = textwrap.indent(body, "    ")
    recipe = script(f"if seed == 1:\n{wrong}\nelse:\n    say(**{LINE})", timeout=1.5)
    began = time.monotonic()
    [line] = run(job(recipe, tmp_path, 0, 1, 2), store)
    assert time.monotonic() - began < 20
    assert line.startswith(f"{recipe.id}, seed 1: ScriptError: {reason}")
    assert frames(store, recipe)[0]["seed"].tolist() == [0, 2]
    failed = json.loads(store.failed(recipe.id, Block(1, 1)).read_text())
    assert failed["reason"].startswith(f"ScriptError: {reason}")
    assert not [*store.checkpoints.glob("script-*")]


def test_the_reason_has_the_last_lines_of_a_traceback(script: Make, store: Store, tmp_path: Path) -> None:
    [line] = run(job(script("raise KeyError('width')"), tmp_path, 0), store)
    assert line.endswith("| KeyError: 'width'")


@pytest.mark.parametrize("end", ["", "raise FloatingPointError('gave up')"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_number_that_is_not_finite_is_divergence(
    script: Make, store: Store, tmp_path: Path, value: str, end: str
) -> None:
    recipe = script(
        f"say(step=1, val_loss=2.0)\nsay(step=7, val_loss=float('{value}'))\nsay(step=9, val_loss=1)\n{end}"
    )
    assert run(job(recipe, tmp_path, 0), store) == []
    runs, curves = frames(store, recipe)
    assert runs["status"].tolist() == ["diverged"]
    assert runs["reason"].tolist() == ["val_loss not finite at step 7"]
    assert curves["step"].tolist() == [1]
    assert runs["val_loss"].isna().all()


def test_a_script_that_is_gone_is_a_failed_run(script: Make, store: Store, tmp_path: Path) -> None:
    recipe = script("", run="no-such-program {recipe} {seed} {log}")
    [line] = run(job(recipe, tmp_path, 0), store)
    assert "ScriptError: 'no-such-program' cannot be started: No such file or directory" in line


def test_no_shell_reads_the_command_line(script: Make, store: Store, tmp_path: Path) -> None:
    words = "'$HOME; touch made' {recipe}"
    recipe = script("", run=f"{sys.executable} words.py {words} {{seed}} {{log}}")
    (tmp_path / "words.py").write_text(
        "import sys, json\njson.dump({'step': len(sys.argv[1])}, open(sys.argv[4], 'w'))"
    )
    assert run(job(recipe, tmp_path, 0), store) == []
    assert frames(store, recipe)[0]["steps"].tolist() == [len("$HOME; touch made")]
    assert not (tmp_path / "made").exists()


def test_a_script_has_the_devices_and_threads_of_its_job_and_its_own_modules(
    script: Make, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONSAFEPATH", "1")  # as the workflow sets it for its own verbs
    (tmp_path / "beside.py").write_text("value = 7")
    recipe = script(
        """
        import beside
        threads = os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]
        assert threads == ("1", "1"), threads
        assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
        assert os.getcwd() == os.path.dirname(os.path.abspath(__file__))
        say(step=beside.value)
        """
    )
    assert run(job(recipe, tmp_path, 0), store) == []
    assert frames(store, recipe)[0]["steps"].tolist() == [7]


def test_a_script_sees_the_devices_that_its_job_leased(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-1,GPU-2")  # as a lease sets it
    there = environment(torch.device("cuda", 0), 2)
    assert (there["CUDA_VISIBLE_DEVICES"], there["OMP_NUM_THREADS"]) == ("GPU-1,GPU-2", "2")
    assert environment(torch.device("cpu"), 1)["CUDA_VISIBLE_DEVICES"] == ""  # nothing is leased there


def test_a_run_has_the_seconds_of_its_script(script: Make, store: Store, tmp_path: Path) -> None:
    """By its own clock where it has one, else from its start to its end."""
    recipe = script("time.sleep(0.5)\nsay(step=1)\nif seed: say(step=2, seconds=77)")
    assert run(job(recipe, tmp_path, 0, 1), store) == []
    wall, own = frames(store, recipe)[0]["seconds"]
    assert 0.5 < wall < 20
    assert own == 77


def test_what_a_script_started_ends_with_it(script: Make, store: Store, tmp_path: Path) -> None:
    recipe = script(
        """
        import subprocess
        child = subprocess.Popen(["sleep", "100"])
        say(step=child.pid)
        """
    )
    began = time.monotonic()
    assert run(job(recipe, tmp_path, 0), store) == []
    assert time.monotonic() - began < 20
    [child] = frames(store, recipe)[0]["steps"]
    assert not lives(child)


def search_job(recipe: Recipe, folder: Path, **more: Any) -> tuple[Search, Job]:
    space = {"key": "trainer.settings.lr", "log": [0.01, 1.0], "points": 3}
    content = {"recipe": recipe.model_dump(mode="json"), "settings": [space], "seeds": 2, "extend": 2}
    search = Search.model_validate_json(json.dumps(content))
    unit = SearchUnit(search=search, selections=(Selection(metric="val_loss"),))
    return search, Job(searches=(unit,), folder=str(folder), **more)


def test_settings_are_tuned(script: Make, store: Store, tmp_path: Path) -> None:
    recipe = script("say(step=1, val_loss=abs(settings['lr'] - 0.1) + settings['width'])", width=2)
    search, to_do = search_job(recipe, tmp_path)
    assert run(to_do, store) == []
    chosen = Trials.read(search, store).chosen(Selection(metric="val_loss"))
    assert chosen is not None
    assert chosen.settings == {"trainer.settings.lr": 0.1}
    trials = pd.read_parquet(store.search(search.id))
    assert len(trials) == 5 * 2
    assert trials["val_loss"].min() == 2.0


def test_a_trial_that_fails_fails_its_search_and_is_not_taken_for_a_bad_candidate(
    script: Make, store: Store, tmp_path: Path
) -> None:
    recipe = script("assert settings['lr'] < 0.5, 'too large'\nsay(step=1, val_loss=1)")
    search, to_do = search_job(recipe, tmp_path)
    [line] = run(to_do, store)
    assert line.startswith(f"search {search.id}: ScriptError: exit status 1; it said last: ")
    assert line.endswith("| AssertionError: too large")


def test_a_search_needs_what_it_chooses_by(script: Make, store: Store, tmp_path: Path) -> None:
    search, to_do = search_job(script("say(step=1, val_accuracy=1)"), tmp_path)
    assert run(to_do, store) == [
        f"search {search.id}: ValueError: its script wrote no val_loss, by which a candidate is chosen"
    ]


def test_a_script_that_was_changed_since_it_was_planned_is_not_run(script: Make, store: Store, tmp_path: Path) -> None:
    recipe = script("say(step=1)")
    trainer = recipe.trainer.model_copy(update={"code": "000000000000"})
    [line] = run(job(recipe.model_copy(update={"trainer": trainer}), tmp_path, 0), store)
    assert "its files changed since it was planned; run the study again" in line


def test_a_script_that_is_changed_while_it_runs_leaves_no_record(script: Make, store: Store, tmp_path: Path) -> None:
    recipe = script("say(step=1, val_loss=1)\nopen('train.py', 'a').write('\\nprint(1)\\n')")
    trainer = recipe.trainer.model_copy(update={"code": recipe.trainer.digest(tmp_path, file_sum)})  # type: ignore[attr-defined]
    [line, other] = run(job(recipe.but(trainer=trainer), tmp_path, 0, 1), store)
    assert "its files changed since it was planned; run the study again" in line
    assert "its files changed since it was planned; run the study again" in other
    assert not [*store.root.glob("arms/*/runs-*")]


def test_a_script_of_which_no_metric_is_known_failed(script: Make, store: Store, tmp_path: Path) -> None:
    recipe = script("for epoch in range(3): say(epoch=epoch, val_los=1 / (epoch + 1))")
    [failed] = run(job(recipe, tmp_path, 0), store)
    assert "no line of its log has a metric, but 'val_los' (did you mean 'val_loss'?)" in failed

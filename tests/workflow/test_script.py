"""A study of somebody's own script, run by Snakemake; it is killed in the middle, and started again."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pandas as pd

from tests.workflow.conftest import WarmPlace

STUDY = f"""
study: own
baseline:
  trainer:
    name: command
    run: "{sys.executable} train.py {{recipe}} {{seed}} {{log}} {{checkpoint}}"
    timeout: 100
    settings: {{rate: 0.1, width: 4}}
seeds: 6
target: {{metric: val_accuracy, value: 0.7}}
tune:
  trainer.settings.rate: {{log: [0.1, 10], points: 3}}
  seeds: 2
  by_seed: false
  extend: 0
comparisons:
  width:
    vary: {{trainer.settings.width: [4, 8]}}
    metrics: [test_accuracy, steps_to_target]
    tune: {{select: val_accuracy}}
    claims: [{{metric: test_accuracy, better: width=8, than: width=4}}]
"""
SCRIPT = """
import json, os, random, sys, time
recipe, seed, log, checkpoint = sys.argv[1:]
settings, draw = json.load(open(recipe)), random.Random(seed)
done = int(open(checkpoint).read()) if os.path.exists(checkpoint) else 0
open("starts", "a").write(f"{settings} {seed} from {done}\\n")
for epoch in range(done, 5):
    accuracy = 0.5 + 0.01 * epoch * settings["width"] - 0.1 * abs(settings["rate"] - 1) + 0.001 * draw.random()
    with open(log, "a") as lines:
        print(json.dumps({"epoch": epoch, "step": 3 * epoch, "train_loss": 1 / (epoch + 1),
                          "val_accuracy": max(accuracy, 0), "test_accuracy": max(accuracy, 0)}), file=lines)
    open(checkpoint, "w").write(str(epoch + 1))
    if epoch == 2 and done == 0 and seed == "1" and not os.path.exists(f"hung-{settings['width']}"):
        open(f"hung-{settings['width']}", "w").close()
        time.sleep(100)  # until it is killed
"""


def test_it_is_killed_in_the_middle_and_goes_on_to_its_verdict(tmp_path: Path) -> None:
    place = WarmPlace(tmp_path)
    (tmp_path / place.study).write_text(STUDY)
    (tmp_path / "train.py").write_text(SCRIPT)
    running = place.start()
    end = time.monotonic() + 120
    while len([*tmp_path.glob("hung-*")]) < 2:  # both jobs are in the midst of a run
        assert time.monotonic() < end
        assert running.poll() is None
        time.sleep(0.1)
    jobs = [json.loads(mark.read_text())["pid"] for mark in place.results.glob("arms/*/started-*.json")]
    for process in {running.pid, *jobs}:
        os.kill(process, signal.SIGKILL)
    running.communicate()
    assert place.snakemake("--unlock").returncode == 0
    done = place.snakemake()
    assert done.returncode == 0, done.stderr
    assert f"Report: {place.results}/studies/own/report.html (12 of 12 runs)" in done.stderr + done.stdout

    studies = place.results / "studies" / "own"
    runs, curves, claims = (pd.read_parquet(studies / f"{name}.parquet") for name in ("runs", "curves", "claims"))
    assert set(runs["status"]) == {"finished"}
    assert set(runs["settings"]) == {'{"trainer.settings.rate": 1.0}'}
    assert (runs["steps"] == 12).all()
    assert curves.groupby(["arm", "seed"])["epoch"].agg(list).map(lambda found: found == [0, 1, 2, 3, 4]).all()
    assert claims["verdict"].tolist() == ["supported"]
    starts = (tmp_path / "starts").read_text().splitlines()
    went_on = [line for line in starts if not line.endswith("from 0")]
    assert sorted(line.rpartition("}")[2] for line in went_on) == [" 1 from 3"] * 2
    assert len(starts) == 2 * (3 * 2 + 6) + 2  # nothing else was run twice
    assert not [*(place.results / "checkpoints").glob("script-*")]
    page = (studies / "report.html").read_text()
    assert "once for every run" in page

    assert place.jobs() == {}  # nothing is left to do
    (tmp_path / "train.py").write_text(f"# a remark\n{SCRIPT}")
    assert place.jobs() == {}
    (tmp_path / "train.py").write_text(SCRIPT.replace("0.5 +", "0.4 +"))
    assert place.jobs()["job"] > 0


def test_a_run_that_fails_is_on_the_page_with_its_last_words(tmp_path: Path) -> None:
    place = WarmPlace(tmp_path)
    study = STUDY.partition("tune:")[0] + STUDY[STUDY.index("comparisons:") :].replace(
        "    tune: {select: val_accuracy}\n", ""
    )
    (tmp_path / place.study).write_text(study)
    failing = "import sys\nif sys.argv[2] == '3': sys.exit('no more memory of this')\n"
    (tmp_path / "train.py").write_text(failing + SCRIPT.replace("time.sleep(100)", ""))
    done = place.snakemake()
    assert done.returncode == 1
    words = "ScriptError: exit status 1; it said last: no more memory of this"
    assert "FAILED width, width=4 (" in done.stderr
    assert f"seed 3: {words} (log: {place.results}/logs/job/" in done.stderr
    assert f"Report: {place.results}/studies/own/report.html (10 of 12 runs)" in done.stderr
    page = (place.results / "studies" / "own" / "report.html").read_text()
    assert words in page
    runs = pd.read_parquet(place.results / "studies" / "own" / "runs.parquet")
    assert runs["status"].value_counts().to_dict() == {"finished": 10, "failed": 2}

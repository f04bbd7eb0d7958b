"""A run that a person interrupts, and one in a folder with files of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

from tests.workflow.conftest import ROOT, Place, WarmPlace

TIMED = ", seconds_to_target, memory_mib"
TINY = {
    "study": "tiny",
    "baseline": {
        "dataset": "wine",
        "network": "linear",
        "optimizer": {"name": "sgd", "lr": 0.1},
        "batch_size": 16,
        "epochs": 1,
    },
    "seeds": 2,
    "comparisons": {"o": {"vary": {"batch_size": [16, 32]}, "metrics": ["test_accuracy"]}},
}


def test_ctrl_c_ends_with_what_to_call_next(tmp_path: Path) -> None:
    place = Place(tmp_path)
    text = (ROOT / "config" / "smoke.yaml").read_text()
    (tmp_path / place.study).write_text(text.replace("epochs: 5", "epochs: 20_000").replace(TIMED, ""))
    running = place.start()
    end = time.monotonic() + 120
    while not any(path.stat().st_size for path in tmp_path.glob("results/arms/*/started-*")):
        assert time.monotonic() < end
        assert running.poll() is None
        time.sleep(0.2)
    os.killpg(running.pid, signal.SIGINT)
    out, _ = running.communicate(timeout=120)
    assert running.returncode == 1
    last = [line for line in out.splitlines() if line.strip()][-1]
    assert re.fullmatch(r"Interrupted. Not done: \d of 2 jobs. The same command again goes on from here.", last)
    assert not (place.results / "studies" / "smoke" / "report.html").exists()  # there is nothing to show
    assert "Drawing" not in out


def test_after_a_kill_while_data_are_prepared_the_next_call_does_all(tmp_path: Path) -> None:
    """Snakemake leaves a mark that they are incomplete; the process that prepares them ends its work."""
    place = WarmPlace(tmp_path)
    (tmp_path / place.study).write_text(json.dumps(TINY))
    running = place.start()
    end = time.monotonic() + 120
    while not list(tmp_path.glob("results/logs/data/*.log")):
        assert time.monotonic() < end
        time.sleep(0.02)
    running.kill()
    running.communicate()  # until the orphan has closed it, too
    assert list(tmp_path.glob("results/datasets/*.npz"))
    assert any(path.is_file() for path in tmp_path.glob(".snakemake/incomplete/**/*"))
    assert place.snakemake("--unlock").returncode == 0
    done = place.snakemake()
    assert done.returncode == 0, done.stderr
    assert f"Report: {place.results}/studies/tiny/report.html (4 of 4 runs)" in done.stderr + done.stdout


def test_a_study_py_of_ones_own_is_not_taken_for_the_package(place: Place) -> None:
    place = Place(place.folder)  # in processes that load everything
    (place.folder / "study.py").write_text("raise SystemExit('not the package')\n")
    report = place.results / "studies" / "smoke" / "report.html"
    before = report.read_bytes()
    report.unlink()
    done = place.snakemake()
    assert done.returncode == 0, done.stderr
    assert report.read_bytes() == before

"""What Snakemake would cut down without a word is refused; a warning before the end of a job's time kills nothing."""

from __future__ import annotations

import os
import re
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.workflow.conftest import ROOT, Place, WarmPlace
from tests.workflow.processes import training
from tests.workflow.test_end_to_end import edit


@pytest.fixture
def fresh(tmp_path: Path) -> WarmPlace:
    """The smoke study with one arm, of four devices, before anything has run."""
    shutil.copy(ROOT / "config" / "smoke.yaml", tmp_path / "study.yaml")
    place = WarmPlace(tmp_path)
    edit(place, "vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}", "vary: {gpus: [4]}")
    edit(place, ", seconds_to_target, memory_mib", "")
    return place


def test_an_arm_of_more_devices_than_there_are_is_refused(fresh: Place) -> None:
    done = fresh.snakemake()  # with --resources gpu=2
    assert done.returncode == 2
    [line] = [line for line in done.stderr.splitlines() if line.startswith("optimizer, ")]
    assert line.endswith("needs 4 devices and --resources gpu=2 allows 2; give gpu=4")
    assert not fresh.results.exists()


def test_a_folder_is_unlocked_whatever_is_wrong_with_the_study(fresh: Place) -> None:
    lock = fresh.folder / ".snakemake" / "locks" / "0.output.lock"
    for text in (None, "study: ["):  # refused for its devices; no study file at all
        lock.parent.mkdir(parents=True)
        lock.write_text(f"{fresh.results}/arms\n")
        if text:
            (fresh.folder / fresh.study).write_text(text)
        done = fresh.snakemake("--unlock")
        assert done.returncode == 0, done.stderr
        assert not lock.exists()
        assert not fresh.results.exists()


def test_usr1_to_every_process_of_a_job_ends_training_alone_and_with_a_checkpoint(fresh: Place) -> None:
    edit(fresh, "gpus: [4]", "gpus: [1]")
    edit(fresh, "epochs: 5", "epochs: 100")
    fresh = Place(fresh.folder)  # in processes that begin anew
    with ThreadPoolExecutor() as pool:
        running = pool.submit(fresh.snakemake, "--until", "job", "--retries", "1")
        warn(training(fresh))
        done = running.result()
    assert done.returncode == 0, done.stdout + done.stderr
    [log] = fresh.results.glob("logs/job/*.log")
    assert re.search(r"checkpoints/[0-9a-f]{12}\.pt: going on after step", log.read_text())


def warn(training: int) -> None:
    """As SLURM does: a signal to Snakemake, to the shell that it called, and to the process that trains."""
    process = psutil.Process(training)
    ours = [parent for parent in process.parents() if os.getpid() in [p.pid for p in parent.parents()]]
    assert len(ours) >= 2
    for each in [*reversed(ours), process]:
        each.send_signal(signal.SIGUSR1)

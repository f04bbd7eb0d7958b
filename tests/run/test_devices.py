"""Leases, with many processes and pretend devices."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from study.run.devices import lease

DEVICES = ["GPU-a", "GPU-b", "GPU-c"]


def hold_and_note(folder: Path, count: int, number: int) -> None:
    """Lease, and mark each device as held by an exclusive file: a second holder would fail."""
    with lease(count, DEVICES, f"job {number}", folder) as devices:
        marks = [folder / f"{device}.held" for device in devices]
        for mark in marks:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
        time.sleep(0.05)
        for mark in marks:
            mark.unlink()
        (folder / f"done-{number}").write_text(" ".join(devices))


def test_no_device_is_held_twice_by_many_processes(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    counts = [1 + number % 3 for number in range(12)]
    jobs = [context.Process(target=hold_and_note, args=(tmp_path, n, i)) for i, n in enumerate(counts)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(60)
    assert [job.exitcode for job in jobs] == [0] * 12
    held = [(tmp_path / f"done-{number}").read_text().split() for number in range(12)]
    assert [len(set(devices)) for devices in held] == counts


@contextmanager
def holder(folder: Path, count: int) -> Iterator[subprocess.Popen[str]]:
    """A process that holds ``count`` devices until it is killed."""
    code = f"""
        import time
        from pathlib import Path
        from study.run.devices import lease
        with lease({count}, {DEVICES!r}, "training of arm x", Path({str(folder)!r})):
            print("held", flush=True)
            time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_killed_jobs_device_is_free_at_once(tmp_path: Path) -> None:
    with holder(tmp_path, 3) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with lease(3, DEVICES, "next", tmp_path) as devices:
            assert devices == DEVICES


def test_whoever_waits_says_for_whom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with holder(tmp_path, 3) as process:
        threading.Timer(1.0, process.kill).start()
        with lease(1, DEVICES, "next", tmp_path) as devices:
            assert len(devices) == 1
    said = capsys.readouterr().err
    assert said.startswith("waiting for 1 of the devices")
    assert f"process {process.pid} of " in said
    assert "training of arm x" in said


def test_more_devices_than_there_are_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="4 devices are asked for, 3 are visible"), lease(4, DEVICES, "x", tmp_path):
        pass


def test_leases_end_with_the_block(tmp_path: Path) -> None:
    for _ in range(2):
        with lease(3, DEVICES, "x", tmp_path) as devices:
            assert devices == DEVICES

"""One attempt at a time, whose end is known to whoever asks: finished, failed, killed."""

import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from study.run.attempt import Attempt, Busy
from study.store.failures import failures
from study.store.layout import Block
from tests.run.conftest import names, train_block

BLOCK = Block(2, 4)


def marks(store, arm):
    """What an attempt at the block of an arm needs to know."""
    return store.started(arm.id, BLOCK), store.failed(arm.id, BLOCK), store.log("job", "some")


def test_a_block_is_trained_by_one_process_at_a_time(store, arm):
    with Attempt(*marks(store, arm)):
        mark = store.started(arm.id, BLOCK)
        content = mark.read_text(encoding="utf-8")
        assert json.loads(content)["pid"] == os.getpid()
        with (
            pytest.raises(Busy, match=f"process {os.getpid()} on .* is still at it"),
            Attempt(*marks(store, arm)),
        ):
            pass
        assert mark.read_text(encoding="utf-8") == content
        assert list(failures(store, arm.id)) == []  # a running job has not failed
    assert not mark.exists()


def test_a_killed_process_is_found_and_a_running_one_is_not_disturbed(store, arm):
    code = (
        "import sys, time; from pathlib import Path; from study.run.attempt import Attempt\n"
        "with Attempt(*map(Path, sys.argv[1:])):\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code, *map(str, marks(store, arm))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            assert process.stdout.readline() == "held\n"
            assert list(failures(store, arm.id)) == []
            assert store.started(arm.id, BLOCK).exists()
        finally:
            process.send_signal(signal.SIGKILL)
    (failure,) = failures(store, arm.id)
    assert failure.block == BLOCK
    assert failure.reason.startswith("killed")
    assert failure.log == str(store.log("job", "some"))
    assert names(store, arm) == ["started-2-4.json"]  # a query changes nothing
    train_block(store, arm, BLOCK)
    assert list(failures(store, arm.id)) == []
    assert names(store, arm) == ["curves-2-4.parquet", "runs-2-4.parquet"]


def leave_mark(store, arm, host, pid, **more):
    """The start mark of a process that does not hold it locked."""
    mark = store.started(arm.id, BLOCK)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps({"host": host, "pid": pid, "log": "its.log", "time": ""} | more), encoding="utf-8")
    return mark


@pytest.fixture(params=[errno.ENOTSUP, errno.ENOLCK, errno.ENOSYS], ids=errno.errorcode.get)
def no_locks(request, monkeypatch):
    """A file system on which files cannot be locked."""

    def refuse(file, operation):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.fixture
def locks_for_all(monkeypatch):
    """A file system that grants every lock to everybody, as some network file systems do."""
    monkeypatch.setattr(fcntl, "flock", lambda file, operation: None)


@pytest.fixture
def gone():
    """The id of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_mark_of_another_host_is_not_taken_for_that_of_a_killed_job(store, arm, gone):
    """Its lock may be local to that host."""
    mark = leave_mark(store, arm, "elsewhere", gone)
    assert list(failures(store, arm.id)) == []
    assert mark.exists()
    train_block(store, arm, BLOCK)
    assert names(store, arm) == ["curves-2-4.parquet", "runs-2-4.parquet"]


def test_a_mark_of_another_host_that_is_held_says_that_its_process_lives(store, arm):
    mark = leave_mark(store, arm, "elsewhere", 17)
    with mark.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Busy, match="process 17 on elsewhere"), Attempt(*marks(store, arm)):
            pass
        assert list(failures(store, arm.id)) == []


def test_where_files_cannot_be_locked_a_process_is_found_by_its_id(store, arm, no_locks, gone):
    with Attempt(*marks(store, arm)):
        with pytest.raises(Busy, match=f"process {os.getpid()} on"), Attempt(*marks(store, arm)):
            pass
        assert list(failures(store, arm.id)) == []
    leave_mark(store, arm, socket.gethostname(), gone)
    (failure,) = failures(store, arm.id)
    assert (failure.reason.partition(":")[0], failure.log) == ("killed", "its.log")
    train_block(store, arm, BLOCK)
    assert names(store, arm) == ["curves-2-4.parquet", "runs-2-4.parquet"]


def test_where_locks_mean_nothing_a_process_is_found_by_its_id(store, arm, locks_for_all, gone):
    with Attempt(*marks(store, arm)):
        with pytest.raises(Busy, match=f"process {os.getpid()} on"), Attempt(*marks(store, arm)):
            pass
        assert list(failures(store, arm.id)) == []
    leave_mark(store, arm, socket.gethostname(), gone)
    assert [failure.log for failure in failures(store, arm.id)] == ["its.log"]
    leave_mark(store, arm, socket.gethostname(), os.getpid(), born="before the last start of this machine")
    assert [failure.log for failure in failures(store, arm.id)] == ["its.log"]  # another process has that id now
    train_block(store, arm, BLOCK)
    assert names(store, arm) == ["curves-2-4.parquet", "runs-2-4.parquet"]


@pytest.mark.parametrize("pid", [10**30, -1, 0])
def test_what_is_no_process_id_is_that_of_none(store, arm, pid):
    leave_mark(store, arm, socket.gethostname(), pid)
    assert [failure.log for failure in failures(store, arm.id)] == ["its.log"]


def test_where_locks_mean_nothing_one_of_two_that_come_at_once_trains(store, arm, locks_for_all, gone):
    """A mark that a killed job left is there, too: nobody takes away what another has just put in its place."""
    for i in range(20):
        if i % 2:
            leave_mark(store, arm, socket.gethostname(), gone)
        start, held = threading.Barrier(2), []

        def attempt(start=start, held=held):
            start.wait()
            with suppress(Busy):
                held.append(Attempt(*marks(store, arm)))

        threads = [threading.Thread(target=attempt) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(held) == 1
        assert json.loads(store.started(arm.id, BLOCK).read_text(encoding="utf-8"))["pid"] == os.getpid()
        held[0].end()
        assert names(store, arm) == []


def test_where_files_cannot_be_locked_nothing_is_known_of_another_host(store, arm, no_locks, gone):
    leave_mark(store, arm, "elsewhere", gone)
    assert list(failures(store, arm.id)) == []
    train_block(store, arm, BLOCK)
    assert names(store, arm) == ["curves-2-4.parquet", "runs-2-4.parquet"]


def test_a_failure_is_over_once_its_seeds_are_there(store, arm):
    with pytest.raises(RuntimeError), Attempt(*marks(store, arm)):
        raise RuntimeError("out of memory")
    assert [failure.reason for failure in failures(store, arm.id)] == ["RuntimeError: out of memory"]
    wider = Block(0, 9)
    for path in (store.runs(arm.id, wider), store.curves(arm.id, wider)):
        path.touch()
    assert list(failures(store, arm.id)) == []


def test_an_interruption_is_no_failure(store, arm):
    with pytest.raises(KeyboardInterrupt), Attempt(*marks(store, arm)):
        raise KeyboardInterrupt
    assert list(failures(store, arm.id)) == []
    assert names(store, arm) == []


def test_a_success_takes_away_the_notes_on_all_blocks_that_it_covers(store, arm):
    for block in (Block(2, 3), Block(3, 8)):
        with (
            pytest.raises(RuntimeError),
            Attempt(store.started(arm.id, block), store.failed(arm.id, block), Path("log")),
        ):
            raise RuntimeError("out of memory")
    train_block(store, arm, BLOCK)
    assert names(store, arm) == ["curves-2-4.parquet", "failed-3-8.json", "runs-2-4.parquet"]

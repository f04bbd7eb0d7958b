"""Memory and disks that are too small, and processes that died: told in a line, and over with the next call."""

import errno
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from study.store import disk
from study.store.disk import DiskFull, Unwritable, scratch, sweep, sweep_scratch
from study.store.failures import failures
from study.store.files import replacing
from study.store.layout import Block
from tests.run.conftest import block_job, names

BLOCK = Block(0, 1)
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.mark.parametrize("raised", [OSError(errno.ENOSPC, "No space left"), RuntimeError("write failed")], ids=repr)
def test_a_full_disk_is_told_with_its_folder(tmp_path, monkeypatch, raised):
    """Not all libraries say why they could not write."""
    if isinstance(raised, RuntimeError):
        monkeypatch.setattr(disk, "is_full", lambda folder: True)
    folder = tmp_path / "new"

    def write():
        with replacing(folder / "file") as beside:
            beside.write_text("half")
            raise raised

    with pytest.raises(DiskFull, match=f"^{folder}: the disk is full; free some space there, and run again$"):
        write()
    assert list(folder.iterdir()) == []


def test_other_errors_are_told_as_they_are(tmp_path):
    with pytest.raises(PermissionError), replacing(tmp_path / "file"):
        raise PermissionError(errno.EACCES, "no")


def test_a_folder_that_is_only_read_is_told(tmp_path, monkeypatch):
    folder = tmp_path / "new"
    monkeypatch.setattr(os, "access", lambda path, mode: path != folder)
    why = f"^{folder}: nothing can be written there \\(read-only file system\\); change that, and run again$"
    with pytest.raises(Unwritable, match=why), replacing(folder / "file"):
        raise OSError(errno.EROFS, "no")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (errno.ENOSPC, "DiskFull: {}: the disk is full; "),
        (errno.EROFS, "Unwritable: {}: nothing can be written there (read-only file system); "),
    ],
)
def test_a_unit_that_could_not_write_left_a_line_and_is_done_by_the_next_job(
    store, arm, monkeypatch, capsys, code, why
):
    from study.run.job import run

    def seal(*arguments, **keywords):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr("study.store.files.seal", seal)
        patched.setattr(os, "access", lambda path, mode: False)
        [line] = run(block_job(BLOCK, arm), store)
    assert line.startswith(f"{arm.id}, seeds 0-1: {why.format(store.arm(arm.id))}")
    assert "Traceback" not in capsys.readouterr().err
    assert names(store, arm) == ["failed-0-1.json"]
    assert run(block_job(BLOCK, arm), store) == []
    assert names(store, arm) == ["curves-0-1.parquet", "runs-0-1.parquet"]


def test_a_stream_that_is_full_is_told_in_a_line():
    command = [sys.executable, "-m", "study", "check", "--no-time", "config/smoke.yaml"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (1, "/dev: the disk is full; free some space there, and run again\n")


def test_what_dead_processes_began_to_write_is_swept_away(tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    host = socket.gethostname()
    for name in (f".{host}.{dead.pid}.runs.parquet", f".{host}.{os.getpid()}.x", f".elsewhere.{dead.pid}.x", "y"):
        (tmp_path / name).touch()
    sweep([tmp_path, tmp_path / "nowhere"])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [f".elsewhere.{dead.pid}.x", f".{host}.{os.getpid()}.x", "y"]
    )


def test_temporary_folders_of_dead_processes_are_swept_away(tmp_path, monkeypatch):
    """Of a team that was killed, say."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead = subprocess.Popen(["true"])
    dead.wait()
    with scratch() as folder:
        of_dead = Path(folder.replace(f".{os.getpid()}.", f".{dead.pid}."))
        of_dead.mkdir()
        (of_dead / "error").touch()
        elsewhere = Path(str(of_dead).replace(socket.gethostname(), "elsewhere"))
        elsewhere.mkdir()
        sweep_scratch()
        assert {*tmp_path.iterdir()} == {Path(folder), elsewhere}
        of_dead.mkdir()
        with scratch():
            assert not of_dead.exists()
    assert [*tmp_path.iterdir()] == [elsewhere]


def job_of(store, arm):
    """The command for a job, and its log."""
    job = block_job(BLOCK, arm)
    job.write(store)
    log = store.log("job", job.id)
    log.parent.mkdir(parents=True)
    return [sys.executable, "-m", "study", "job", str(store.job(job.id))], log


def test_memory_too_small_to_begin_with_leaves_its_reason(store, arm):
    def little():
        resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28))

    command, _ = job_of(store, arm)
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, preexec_fn=little)
    assert done.returncode == 1
    assert done.stderr.startswith("out of memory: ")
    [failure] = failures(store, arm.id)
    assert failure.reason in done.stderr


def test_a_call_beside_an_orphan_adds_a_line_to_its_log(store, arm):
    """Snakemake takes the log away for the call, and the orphan goes on to write to what has no name any more."""
    command, log = job_of(store, arm)
    code = (
        "import sys, time; from pathlib import Path; from study.run.attempt import Attempt, keeping\n"
        "mark, failed, log = map(Path, sys.argv[1:])\n"
        "with Attempt(mark, failed, log), keeping(log, []):\n"
        "    print('first', flush=True); sys.stdin.read(); print('last', flush=True)"
    )
    marks = [store.started(arm.id, BLOCK), store.failed(arm.id, BLOCK), log]
    orphan_command = [sys.executable, "-c", code, *map(str, marks)]
    with log.open("a") as out, subprocess.Popen(orphan_command, stdin=-1, stdout=out, env=ENVIRONMENT) as orphan:
        while not log.read_text():
            time.sleep(0.05)
        log.unlink()
        with log.open("a") as again:
            beside = subprocess.run(command, stdout=again, stderr=again, env=ENVIRONMENT)
        assert beside.returncode == 1
        orphan.stdin.close()
    lines = log.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("first", "last")
    assert f"process {orphan.pid} on {socket.gethostname()} is still at it" in lines[-2]
    assert [path.name for path in log.parent.iterdir()] == [log.name]

"""One attempt at a search or a block of seeds: a start mark while it is made, and why it failed."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

from study.store.disk import birth, telling, unfinished
from study.store.failures import alive, holder, note_failure
from study.store.notes import now

TRIES, PAUSE = 20, 0.05  # looks at a mark that somebody has, and seconds between


class Busy(Exception):
    """Another process is at it: one line, and no failure."""

    def __init__(self, mark: Path) -> None:
        about = holder(mark)
        who = f"process {about['pid']} on {about['host']}" if {"pid", "host"} <= about.keys() else "another process"
        super().__init__(f"{who} is still at it; wait for it, or end it, and run again (if it is gone, delete {mark})")


def identity(process: int) -> dict[str, Any]:
    """Which process of this host it is, for ``study.store.failures.alive``."""
    return {"host": socket.gethostname(), "pid": process, "born": birth(process)}


class Attempt:
    """One attempt at a unit: its start ``mark`` is there, and locked, until it ends, well or in ``failed``.

    A mark that a killed job left is replaced, one of another host that nothing holds too: at worst both make the same
    bytes. Raises Busy where another process is known to live. As a context it ends with what its block raises.
    """

    def __init__(self, mark: Path, failed: Path, log: Path) -> None:
        self.mark, self.failed, self.log = mark, failed, log
        with telling(mark.parent):
            mark.parent.mkdir(parents=True, exist_ok=True)
            self._file = _claimed(mark)
            self._file.write(json.dumps(identity(os.getpid()) | {"log": str(log), "time": now()}))
            self._file.flush()

    def end(self, error: BaseException | None = None) -> None:
        """Take the mark away, and note ``error``, or that there is none; a second time does nothing."""
        if not self._file.closed:
            note_end(self.failed, error, self.log)
            with suppress(OSError):  # where nothing can be written by now: it is that of a dead process soon
                self.mark.unlink(missing_ok=True)
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.end(error)


@contextmanager
def keeping(log: Path, marks: Sequence[Path]) -> Iterator[None]:
    """While the block runs, the log that it writes has a second name: Snakemake takes the first away for a later call.

    Where another process lives that left one of ``marks``, as an orphaned job does, and wrote ``log``, what this one
    says is added to the end of it.
    """
    with suppress(OSError, ValueError, TypeError, KeyError):  # of a damaged mark too
        if os.path.samestat(os.fstat(1), log.stat()):  # else it is somebody's own affair where it goes
            for mark in marks:
                if alive(mark):
                    about = holder(mark)
                    _go_on_with(unfinished(log, about["host"], about["pid"]), log)
            unfinished(log).hardlink_to(log)
    try:
        yield
    finally:
        with suppress(OSError):
            unfinished(log).unlink()


def _go_on_with(kept: Path, log: Path) -> None:
    """``log`` is what is ``kept`` again, to whose end this process writes from now on."""
    again = unfinished(log)
    again.hardlink_to(kept)
    os.replace(again, log)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)


@contextmanager
def noting(failed: Path, log: Path) -> Iterator[None]:
    """Note in ``failed`` what the block raises; take an older note away where it ends well."""
    try:
        yield
    except BaseException as error:
        note_end(failed, error, log)
        raise
    note_end(failed, None, log)


def note_end(failed: Path, error: BaseException | None, log: Path) -> None:
    if error is None:
        with suppress(OSError):  # nobody asks why what is there failed before
            failed.unlink(missing_ok=True)
    elif not isinstance(error, KeyboardInterrupt):  # which is somebody's wish, no failure: these runs are missing
        note_failure(failed, error, log)


def _claimed(mark: Path) -> IO[str]:
    """``mark``, made by this process and nobody else, and locked where the file system has locks.

    Of two that come at once one makes it; of three, where locks mean nothing and a dead process had left a mark, two
    may, and make the same bytes. Raises Busy where another process that made it is not known to be gone.
    """
    for patience in reversed(range(TRIES)):
        with suppress(FileExistsError):
            made = mark.open("x", encoding="utf-8")
            with suppress(OSError):  # no locks here; whoever asks for failures holds one for an instant
                fcntl.flock(made, fcntl.LOCK_EX)
            return made
        # Whoever had it may have just taken it away. It is kept open, that a new mark cannot have its inode.
        with suppress(FileNotFoundError), mark.open("rb") as opened:
            known = os.fstat(opened.fileno())
            if alive(mark) or (patience and not known.st_size):  # or it has just made it
                time.sleep(PAUSE)
                continue
            left = unfinished(mark)
            os.rename(mark, left)
            if not os.path.samestat(left.stat(), known):  # somebody was faster: it is theirs
                with suppress(OSError):
                    os.link(left, mark)
            left.unlink()
    raise Busy(mark)

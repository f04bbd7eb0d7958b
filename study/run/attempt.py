"""One attempt at a search or a block of seeds: a start mark while it is made, and why it failed."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self

from study.run.provenance import now
from study.store.failures import alive
from study.store.files import write_if_changed


class Busy(Exception):
    """Another process is at it: one line, and no failure."""

    def __init__(self, mark: Path) -> None:
        try:
            about = json.loads(mark.read_text(encoding="utf-8"))
            who = f"process {about['pid']} on {about['host']}"
        except (OSError, ValueError):
            who = "another process"
        super().__init__(f"{who} is still at it; wait for it, or end it, and run again (if it is gone, delete {mark})")


class Attempt:
    """One attempt at a unit: its start ``mark`` is held locked until it ends, well or in ``failed``.

    A mark that a killed job left is taken over, one of another host that nothing holds too: at worst both make the same
    bytes. Raises Busy where another process is known to live. As a context it ends with what its block raises.
    """

    def __init__(self, mark: Path, failed: Path, log: Path) -> None:
        self.mark, self.failed, self.log = mark, failed, log
        mark.parent.mkdir(parents=True, exist_ok=True)
        self._file = _claimed(mark)
        self._file.truncate(0)
        json.dump({"host": socket.gethostname(), "pid": os.getpid(), "log": str(log), "time": now()}, self._file)
        self._file.flush()

    def end(self, error: BaseException | None = None) -> None:
        """Take the mark away, and note ``error``, or that there is none; a second time does nothing."""
        if not self._file.closed:
            note_end(self.failed, error, self.log)
            self.mark.unlink(missing_ok=True)
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.end(error)


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
        failed.unlink(missing_ok=True)
    elif not isinstance(error, KeyboardInterrupt):  # which is somebody's wish, no failure: these runs are missing
        note_failure(failed, error, log)


def _claimed(mark: Path) -> IO[str]:
    """``mark``, open, and locked where the file system has locks. Raises Busy where another process holds it."""
    for _ in range(20):  # whoever asks for failures holds a mark for an instant, to see whether its process lives
        file = mark.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked = True
        except BlockingIOError:
            time.sleep(0.05)
            file.close()
            continue
        except OSError:  # no locks here
            locked = False
        with suppress(FileNotFoundError):  # whoever held it has just taken it away
            if os.path.samestat(os.fstat(file.fileno()), mark.stat()) and (locked or not alive(mark)):
                return file
        file.close()
    raise Busy(mark)


def note_failure(path: Path, error: BaseException, log: Path) -> None:
    """Write what was raised, where its log is, and when."""
    content = {"reason": said(error), "log": str(log), "time": now()}
    write_if_changed(path, json.dumps(content, indent=1) + "\n")


def said(error: BaseException) -> str:
    """An exception in one line."""
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])

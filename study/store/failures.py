"""Jobs that failed: the reason that they left, or the start mark of one that was killed."""

from __future__ import annotations

import errno
import json
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

from study.errors import Damaged
from study.store.disk import Unwritable, exists
from study.store.files import is_held
from study.store.layout import Block, Store, missing
from study.store.notes import now, read_note, write_note

OUT_OF_MEMORY = (  # in a reason
    r"(?i)MemoryError|out of memory|can(no|')t allocate memory|failed to map segment"
    r"|can't start new thread|failed to launch worker thread"  # of Python, of pyarrow
)
UNKNOWN = "it failed; the note that said why is damaged"
INTERRUPTED = "Interrupted: "  # how the reason begins where a signal asked a job to stop
KILLED = "killed: the job ended without a word (out of memory, a time limit, or a lost machine)"


class Failure(NamedTuple):
    """``path``: of its note; ``block``: None of a search, without which the arm can train none of its ``seeds``."""

    path: Path
    arm: str
    block: Block | None
    seeds: Sequence[int]
    reason: str
    log: str

    @property
    def what(self) -> str:
        return "tuning" if self.block is None else self.block.words

    @property
    def is_interrupted(self) -> bool:
        """Whether a signal asked for its end: it goes on from there."""
        return self.reason.startswith(INTERRUPTED)

    @property
    def why(self) -> str:
        return self.reason.removeprefix(INTERRUPTED)

    def __str__(self) -> str:
        return f"{self.what} failed: {self.reason}" + f" (log: {self.log})" * bool(self.log)


def failures(store: Store, arm: str, waiting: Mapping[str, Sequence[int]] | None = None) -> Iterator[Failure]:
    """The searches of an arm whose last attempt failed, by the seeds that are ``waiting`` for each; then its blocks
    whose last attempt failed and whose seeds are still missing. Changes nothing.

    A start mark whose process is gone is that of a killed job. Whoever trains its seeds again takes it over.
    """
    for search, seeds in (waiting or {}).items():
        if why := _why(store.started_search(search), store.failed_search(search)):
            yield Failure(store.failed_search(search), arm, None, seeds, *why)
    blocks = {*noted(store, arm, "failed"), *noted(store, arm, "started")}
    present = store.blocks(arm) if blocks else []
    for block in sorted(blocks):
        why = _why(store.started(arm, block), store.failed(arm, block))
        if why and lacks(present, block):
            yield Failure(store.failed(arm, block), arm, block, block.seeds, *why)


def told_once(failures: Sequence[Failure]) -> list[tuple[Failure, str]]:
    """Each of them, and of the runs that one signal interrupted together the first: with how many more those are."""
    found: dict[tuple[str, ...], list[Failure]] = {}
    for one in failures:
        key = (one.reason, one.log) if one.is_interrupted else (one.arm, one.what)
        found.setdefault(key, []).append(one)
    return [(each[0], f" and {len(each) - 1:,} more" * (len(each) > 1)) for each in found.values()]


def lacks(present: Sequence[Block], block: Block) -> bool:
    """Whether seeds of ``block`` are in none of those ``present``."""
    return any(gap.last >= block.first for gap in missing(present, block.last + 1))


def noted(store: Store, arm: str, what: Literal["failed", "started"]) -> dict[Block, Path]:
    """The notes of blocks of an arm that failed, or were started."""
    paths = store.arm(arm).glob(f"{what}-*.json")
    return {block: path for path in paths if (block := Block.of(path.name))}


def forget_failures(store: Store, arm: str) -> None:
    """Take away what was noted of blocks whose seeds are there by now."""
    for block, path in noted(store, arm, "failed").items():
        if not lacks(store.blocks(arm), block):
            path.unlink(missing_ok=True)


def note_failure(path: Path, error: BaseException, log: Path) -> None:
    """Write what was raised, where its log is, and when; nothing where that cannot be written either."""
    content = {"reason": said(error), "log": str(log), "time": now()}
    with suppress(Unwritable):
        write_note(path, json.dumps(content, indent=1))


def said(error: BaseException) -> str:
    """An exception in one line."""
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])


def out_of_memory(error: BaseException) -> bool:
    return bool(re.search(OUT_OF_MEMORY, f"{type(error).__name__}: {error}"))


def of_machine(error: BaseException) -> bool:
    """Whether memory or a disk was too small, or only read, or a file is damaged: a traceback says no more of that."""
    read_only = isinstance(error, OSError) and error.errno == errno.EROFS
    return read_only or isinstance(error, Unwritable | Damaged) or out_of_memory(error)


def reason_of(failed: Path) -> tuple[str, str] | None:
    """Why something failed, and its log, as it was noted; None where nothing is."""
    try:
        about = read_note(failed)
    except FileNotFoundError:  # by now it was made
        return None
    except (OSError, Damaged):
        about = {}
    return str(about.get("reason") or UNKNOWN), str(about.get("log", ""))


def _why(mark: Path, failed: Path) -> tuple[str, str] | None:
    """The same of an attempt that left a start ``mark``, or a failure."""
    killed = alive(mark) is False and holder(mark)
    return (KILLED, str(killed.get("log", ""))) if killed else reason_of(failed)


def alive(mark: Path) -> bool | None:
    """Whether the process that left a start mark still lives; None where that cannot be known here.

    It holds the mark locked (``flock``), which tells even of another host. A lock that is free tells nothing, since a
    file system may have none, or grant them to everybody: on this host its process is asked for. A mark of another host
    counts as neither running nor failed then, until its seeds are trained again, or until somebody who knows that the
    job is over deletes it.
    """
    try:
        with mark.open(encoding="utf-8") as file:
            held = is_held(file.fileno())
    except FileNotFoundError:  # it has just ended
        return None
    if held:
        return True
    about = holder(mark)  # nothing of one that is just starting, or damaged
    if about.get("host") != socket.gethostname() or not isinstance(about.get("pid"), int):
        return None
    return exists(about["pid"], about.get("born"))


def holder(mark: Path) -> dict[str, Any]:
    """Which process left a start mark, when, and its log; nothing where it is gone by now, or damaged."""
    try:
        return read_note(mark)
    except (OSError, Damaged):
        return {}

"""Training jobs that failed: the reason that they left, or the start mark of one that was killed."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from study.store.files import write_if_changed
from study.store.layout import Block, Store, missing

TUNING = Block(0, 99_999)  # stands for all seeds: without its tuning an arm can train none
OUT_OF_MEMORY = r"(?i)MemoryError|out of memory|can't allocate memory"  # in a reason: of CUDA, of the CPU, of Python
KILLED = "killed: the job ended without a word (out of memory, a time limit, or a lost machine)"


class Failure(NamedTuple):
    arm: str
    block: Block
    reason: str
    log: str

    @property
    def what(self) -> str:
        return "tuning" if self.block == TUNING else f"seeds {self.block}"


def failures(store: Store, arm: str) -> Iterator[Failure]:
    """The blocks of an arm whose last job failed and whose seeds are still missing, and why.

    A start mark that no process holds locked belongs to a killed job: its failure is recorded here.
    """
    folder = store.arm(arm)
    for mark in sorted(folder.glob("started-*.json")):
        _bury(mark, folder / mark.name.replace("started", "failed"))
    present = store.present([arm])[arm]
    for path in sorted(folder.glob("failed-*.json")):
        name = path.stem.partition("-")[2]
        block = TUNING if name == "tuning" else Block.parse(name)
        if name == "tuning" and store.tuning(arm).exists():
            continue
        if any(gap.last >= block.first for gap in missing(present, block.last + 1)):
            about = json.loads(path.read_text(encoding="utf-8"))
            yield Failure(arm, block, str(about["reason"]), str(about.get("log", "")))


def _bury(mark: Path, failed: Path) -> None:
    """Turn the start mark of a process that is gone into a failure; leave one that is held locked."""
    try:
        with mark.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            text = file.read()
            if text:  # where it is empty its job is just starting
                about = json.loads(text)
                content = {"reason": KILLED, "log": about.get("log", ""), "time": about.get("time", "")}
                write_if_changed(failed, json.dumps(content, indent=1) + "\n")
                mark.unlink(missing_ok=True)
    except (BlockingIOError, FileNotFoundError):
        return

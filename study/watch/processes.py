"""What is at work now: processes by the start marks that they hold, and their last words on how far they are."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from study.store.disk import exists
from study.store.failures import alive, holder, noted
from study.store.layout import Block, Store

# As study/run/progress.py says it.
SAID = re.compile(
    r"job [0-9a-f]{12}: (?P<said>\d+ of \d+ runs(, of tuning too)?, about (?P<left>[\d.]+) (?P<unit>s|min|h) left.*)"
)
SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
TAIL = 64 * 1024  # bytes of a log in which its last words are looked for


class Process(NamedTuple):
    """``log``: where it writes; ``known``: whether it is known to live, which of another host it may not be.

    ``blocks``, ``searches``: what it has in hand, by arm and by id. ``left``: seconds, as it said; None before.
    """

    log: Path
    host: str
    since: str  # in UTC
    known: bool
    blocks: dict[str, list[Block]]
    searches: list[str]
    said: str = ""
    left: float | None = None

    @property
    def job(self) -> str:
        return self.log.stem


def processes(store: Store, arms: Iterable[str], searches: Iterable[str]) -> list[Process]:
    """Those that make what is missing: runs of ``arms``, and ``searches``; the one that began first comes first."""
    found: dict[tuple[str, str], Process] = {}
    for unit, mark in _marks(store, arms, searches):
        lives, about = alive(mark), holder(mark)
        if lives is False or not about:  # killed, which is a failure; or it has just ended
            continue
        host, log = str(about.get("host", "")), store.log("job", Path(str(about.get("log", ""))).stem)
        since = str(about.get("time", ""))
        mine = found.setdefault((host, log.stem), Process(log, host, since, lives is True, {}, []))
        if isinstance(unit, str):
            mine.searches.append(unit)
        else:
            mine.blocks.setdefault(unit[0], []).append(unit[1])
        found[host, log.stem] = mine._replace(since=min(mine.since, since), known=mine.known or lives is True)
    return sorted((_heard(each, store) for each in found.values()), key=lambda each: (each.since, each.job))


def host_of(store: Store, verb: str, name: str = "*") -> str | None:
    """Where a job of that verb is at work: by the second name of its log, which it has so long; None where nowhere."""
    for path in store.log(verb, name).parent.glob(f".*.{name}.log"):
        host, process = path.name[1:].rsplit(".", 3)[:2]
        if host != socket.gethostname() or (process.isdigit() and exists(int(process))):
            return host
    return None


def _marks(
    store: Store, arms: Iterable[str], searches: Iterable[str]
) -> Iterator[tuple[tuple[str, Block] | str, Path]]:
    for arm in arms:
        for block, mark in noted(store, arm, "started").items():
            yield (arm, block), mark
    wanted = {store.started_search(search): search for search in searches}
    for mark in wanted.keys() & {*(store.root / "searches").glob("started-*.json")}:
        yield wanted[mark], mark


def _heard(process: Process, store: Store) -> Process:
    """With its last words; those of a script are the last line of its own log."""
    try:
        with process.log.open("rb") as file:
            since = time.time() - os.fstat(file.fileno()).st_mtime
            file.seek(max(0, process.log.stat().st_size - TAIL))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        lines, since = [], 0.0
    said = next((found for line in reversed(lines) if (found := SAID.fullmatch(line))), None)
    words = [said["said"]] if said else []
    left = max(0.0, float(said["left"]) * SECONDS[said["unit"]] - max(0.0, since)) if said else None
    return process._replace(said="; ".join([*words, *_scripts(process, store)]), left=left)


def _scripts(process: Process, store: Store) -> Iterator[str]:
    """How far scripts are, by the last whole line that each wrote."""
    units = [f"search {search}" for search in process.searches]
    units += [f"{arm}, {block.words}" for arm, blocks in process.blocks.items() for block in blocks]
    for unit in units:
        logs = [log for log in store.scripts(unit).glob("*-*/log-*.jsonl") if not (log.parent / "done").exists()]
        for log in sorted(logs):
            with suppress(OSError, ValueError, IndexError, AttributeError):
                line = json.loads(log.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()[-1])
                values = (f"{name} {value:.4g}" for name, value in line.items() if isinstance(value, int | float))
                yield f"seed {log.parent.name.rpartition('-')[2]}: {', '.join(values)}"

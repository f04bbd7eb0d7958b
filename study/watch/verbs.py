"""``evenhand watch``: how far a study is, again and again until all of it is there."""

from __future__ import annotations

import shutil
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from study.errors import Refused
from study.plan.file.read import read
from study.store.layout import Store
from study.watch.state import Watcher
from study.watch.text import lines


def watch(arguments: Namespace) -> None:
    """Print how far a study is; on a terminal in place of what was printed before, elsewhere the lines that are new."""
    if not arguments.every > 0:
        raise Refused([f"--every: {arguments.every:g} is refused; give a number of seconds above 0"])
    store = Store(arguments.results)
    before: Sequence[str] = ()
    watcher = Watcher(read(Path(arguments.file)).study, store)
    try:
        while True:
            state = watcher.look()
            is_last = arguments.once or bool(state and state.report)
            before = _print(lines(state, arguments.file, store), before, is_last)
            if is_last:
                return
            time.sleep(arguments.every)
    except KeyboardInterrupt:  # how a person ends it
        return


def _print(now: Sequence[str], before: Sequence[str], is_last: bool) -> Sequence[str]:
    """What stands there by now: ``now``, or on a terminal as much of it as there is room for, and in the end all."""
    if not sys.stdout.isatty():
        print("".join(f"{line}\n" for line in now if line not in before), end="", flush=True)
        return now
    above = f"\x1b[{len(before)}F\x1b[J" * bool(before)  # to the first line of what was printed, and clear from there
    shown = now if is_last else _fitting(now)
    print(above + "\n".join(shown), flush=True)
    return shown


def _fitting(lines: Sequence[str]) -> list[str]:
    """As many as the terminal has room for: the first and the last, which say what runs; and as much of each."""
    columns, rows = shutil.get_terminal_size()
    if len(lines) >= rows:
        end = max(1, rows - 3)
        lines = [lines[0], f"… {len(lines) - 1 - end} lines for which there is no room", *lines[-end:]]
    return [line if len(line) <= columns else f"{line[: columns - 1]}…" for line in lines]

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
    store, before = Store(arguments.results), list[str]()
    watcher = Watcher(read(Path(arguments.file)).study, store)
    try:
        while True:
            state = watcher.look()
            before = _print(lines(state, arguments.file, store), before)
            if arguments.once or (state and state.report):
                return
            time.sleep(arguments.every)
    except KeyboardInterrupt:  # how a person ends it
        return


def _print(now: Sequence[str], before: Sequence[str]) -> list[str]:
    """What stands there by now: ``now``, or on a terminal as much of it as there is room for."""
    if not sys.stdout.isatty():
        print("".join(f"{line}\n" for line in now if line not in before), end="", flush=True)
        return [*now]
    columns, rows = shutil.get_terminal_size()
    fit = [*now] if len(now) < rows else [*now[: rows - 2], f"and {len(now) - rows + 2} more lines: give it more room"]
    cut = [line if len(line) <= columns else f"{line[: columns - 1]}…" for line in fit]
    above = f"\x1b[{len(before)}F\x1b[J" * bool(before)  # to the first line of what was printed, and clear from there
    print(above + "\n".join(cut), flush=True)
    return cut

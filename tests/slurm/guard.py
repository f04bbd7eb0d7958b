"""Ends all that belongs to a cluster once whoever started it has ended, however that was. Run as a script."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

MARK = "CLUSTER_UNDER_TEST"  # in the environment of all that belongs to one: its folder


def belonging(root: Path) -> list[int]:
    """The processes that belong to the cluster in ``root``."""
    found, mark = [], f"{MARK}={root}\0".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            if mark in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found


if __name__ == "__main__":
    sys.stdin.read()  # ends when whoever started the cluster does, or says so
    while processes := belonging(Path(sys.argv[1])):
        for number in processes:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.1)

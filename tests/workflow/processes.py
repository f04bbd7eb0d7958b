"""The processes that Snakemake's jobs start."""

from __future__ import annotations

import json
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.workflow.conftest import Place


def training(place: Place, arm: str = "*", seconds: float = 200.0) -> int:
    """Wait for the process that trains ``arm`` to listen to signals: from then on it is in the midst of training."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for mark in place.results.glob(f"arms/{arm}/started-*.json"):
            with suppress(OSError, ValueError):  # not written yet, or over already
                process = int(json.loads(mark.read_text())["pid"])
                if listens(process, signal.SIGUSR1):
                    return process
        time.sleep(0.01)
    raise TimeoutError(f"{arm} was not trained")


def listens(process: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal."""
    [handled] = re.findall(r"^SigCgt:\t(\w+)", Path(f"/proc/{process}/status").read_text(), re.M)
    return bool(int(handled, 16) >> (number - 1) & 1)

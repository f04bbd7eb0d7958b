"""The process that workers are forked from: it loads torch once for them, while whoever started it loads its own.

It never touches a GPU, and is deaf to the signals that ask for the end: they would kill a worker until it listens.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing import forkserver, resource_tracker

from study.engine.signals import SIGNALS

PRELOADED = ["study.run.distributed", "torch._dynamo"]  # the second is what the first optimizer would load


def ensure_running() -> None:
    """Start it, if nobody has yet; returns at once."""
    os.environ["PYTHONSAFEPATH"] = "1"  # what is called study.py in the working folder is not the package
    multiprocessing.set_forkserver_preload(PRELOADED)
    resource_tracker.ensure_running()  # which would unblock the signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # for it to inherit; here they wait for a moment
    forkserver.ensure_running()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)

"""For all tests."""

from __future__ import annotations

import gc
import os
from typing import Any

import pytest

# Where SLURM's commands are installed and no controller answers, Snakemake's SLURM plugin waits for it for ten seconds
# at every start. The tests in tests/slurm name a controller of their own.
os.environ["SLURM_CONF"] = "/dev/null"
# Where pytest-xdist's workers have a core each, threads beside them wait for each other most of their time.
os.environ["OMP_NUM_THREADS"] = "1"
# What is loaded stays: to look for garbage among it would take a tenth of all the time.
gc.disable()


LONG = ("tests/slurm/", "tests/faults/", "tests/workflow/")  # folders of files that run whole studies


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One worker gets all of tests/slurm, which share a cluster, and files of whole studies, which share these, stay
    together: the longest come first. The rest is dealt out singly.

    (pytest-xdist 3.8 reads its own mark for this, ``xdist_group``, from where pytest 9.2 no longer keeps it.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if not nodeid.startswith(LONG):
                return nodeid
            return "slurm" if nodeid.startswith("tests/slurm/") else nodeid.partition("::")[0]

    return Scheduling(config, log)

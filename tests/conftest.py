"""For all tests."""

from __future__ import annotations

import os
from typing import Any

import pytest

# Where SLURM's commands are installed and no controller answers, Snakemake's SLURM plugin waits for it for ten seconds
# at every start. The tests in tests/slurm name a controller of their own.
os.environ["SLURM_CONF"] = "/dev/null"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One worker gets all of tests/slurm, which share a cluster, and gets them first; the rest is dealt out singly.

    (pytest-xdist 3.8 reads its own mark for this, ``xdist_group``, from where pytest 9.2 no longer keeps it.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "slurm" if nodeid.startswith("tests/slurm/") else nodeid

    return Scheduling(config, log)

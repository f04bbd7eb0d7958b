"""The cluster of these tests leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.slurm import accounting
from tests.slurm.guard import belonging

ROOT = Path(__file__).parents[2]
START = """
import sys
from pathlib import Path
from tests.slurm import accounting
from tests.slurm.cluster import Cluster
cluster = Cluster(Path(sys.argv[1]), accounted=accounting.unavailable() is None)
cluster.start()
cluster("sbatch", "--wrap", "sleep 600")
print("up", flush=True)
sys.stdin.read()
"""


@pytest.mark.usefixtures("installed")
def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    command, pipe = [sys.executable, "-c", START, str(tmp_path)], subprocess.PIPE
    environment = os.environ | {"PYTHONPATH": str(ROOT)}  # whatever the working folder is good for
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        daemons = 6 + 2 * (accounting.unavailable() is None)  # munged, slurmctld, four slurmd; mariadbd, slurmdbd
        assert len(belonging(tmp_path)) >= daemons
        process.kill()
    end = time.monotonic() + 60
    while belonging(tmp_path) and time.monotonic() < end:
        time.sleep(0.1)
    assert not belonging(tmp_path)

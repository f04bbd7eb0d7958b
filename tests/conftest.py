"""For all tests."""

from __future__ import annotations

import os

# Where SLURM's commands are installed and no controller answers, Snakemake's SLURM plugin waits for it for ten seconds
# at every start. The tests in tests/slurm name a controller of their own.
os.environ["SLURM_CONF"] = "/dev/null"

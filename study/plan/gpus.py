"""Which GPUs this process may use, asked without torch."""

from __future__ import annotations

import os
import subprocess
from importlib import metadata


def visible() -> list[str]:
    """The GPUs that this process may use, as UUIDs; empty without GPUs, or where torch is a CPU build.

    CUDA_VISIBLE_DEVICES (set by SLURM and by users) is honoured, whether it holds indices or UUIDs.
    """
    by_index = {} if metadata.version("torch").endswith("+cpu") else _by_index()
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return list(by_index.values())
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    return [by_index.get(name, name) for name in names if name != "-1"] if by_index else []


def _by_index() -> dict[str, str]:
    """UUIDs by index, from nvidia-smi."""
    query = ["nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader"]
    try:
        lines = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return {}
    pairs = (line.partition(",") for line in lines)
    return {index.strip(): uuid.strip() for index, comma, uuid in pairs if comma}

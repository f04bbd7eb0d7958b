"""Which GPUs this process may use, asked without torch, and how many devices jobs may hold."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from importlib import metadata
from itertools import takewhile
from typing import NamedTuple

from study.wording import counted


def visible() -> list[str]:
    """The GPUs that this process may use, as UUIDs; empty without GPUs, or where torch is a CPU build.

    CUDA_VISIBLE_DEVICES (set by SLURM and by users) is honoured as CUDA does it: indices, UUIDs or their beginnings,
    up to the first that names no device.
    """
    by_index = _by_index()
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return list(by_index.values())
    meant = (_meant(name.strip(), by_index) for name in wanted.split(",")) if by_index else ()
    return list(dict.fromkeys(takewhile(bool, meant)))


def _meant(name: str, by_index: dict[str, str]) -> str:
    """The device that an entry of CUDA_VISIBLE_DEVICES names, or none; a slice of one (MIG) is named as it is."""
    if name.startswith("MIG-"):
        return name
    begin_so = [uuid for uuid in by_index.values() if name and uuid.startswith(name)]
    return by_index.get(name) or (begin_so[0] if len(begin_so) == 1 else "")


@cache
def _by_index() -> dict[str, str]:
    """UUIDs by index, from nvidia-smi, which is asked once in a process; none where torch is a CPU build."""
    if metadata.version("torch").endswith("+cpu"):
        return {}
    pairs = (line.partition(",") for line in nvidia_smi("index,uuid"))
    return {index.strip(): uuid.strip() for index, comma, uuid in pairs if comma}


def available_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def nvidia_smi(query: str, *options: str) -> list[str]:
    """A line for each GPU, as ``nvidia-smi --query-gpu`` answers; empty where it cannot."""
    command = ["nvidia-smi", *options, f"--query-gpu={query}", "--format=csv,noheader,nounits"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return []


MANY = 100  # jobs that a cluster runs at a time, where nobody said


class Limits(NamedTuple):
    """What Snakemake may share out among its jobs."""

    cores: int | None = None  # --cores
    gpu: int | None = None  # --resources gpu=
    cluster: bool = False  # jobs run elsewhere, where neither this machine's cores nor its GPUs count
    jobs: int | None = None  # --jobs: on a cluster, how many there are at a time

    def devices(self, largest: int) -> int:
        """How many devices jobs may hold at a time, where the largest arm takes ``largest``.

        When nobody said: the visible GPUs. Without GPUs devices are CPU threads: as many as there are cores, or as
        the largest arm takes.
        """
        if self.gpu is not None:
            return self.gpu
        return len(visible()) or max(self.cores or 1, largest)

    @property
    def at_once(self) -> int:
        """How many jobs of one device run at a time, as far as that is known."""
        if self.cluster:
            return min(self.gpu or MANY, self.jobs or MANY)
        cores = self.cores or available_cores()
        return max(1, min(self.gpu or len(visible()) or cores, cores))

    def refusal(self, largest: int) -> str | None:
        """Why an arm of ``largest`` devices cannot be trained, and what would be right; None where it can.

        Snakemake would cut the job's request down to its limit without a word.
        """
        if self.gpu is not None and largest > self.gpu:
            devices = counted(largest, "device")
            return f"needs {devices} and --resources gpu={self.gpu} allows {self.gpu}; give gpu={largest}"
        gpus = 0 if self.cluster else len(visible())
        if 0 < gpus < largest:
            return (
                f"needs {largest} GPUs and {gpus} can be used here; leave it out, or train on the CPU: "
                "write CUDA_VISIBLE_DEVICES= before the same command"
            )
        return None


HERE, CLUSTER = Limits(), Limits(cluster=True)

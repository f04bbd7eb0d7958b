"""Where training runs: on a leased GPU where there is one that torch can use, else on one CPU thread."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from study.plan.limits import visible
from study.run.lease import lease


@contextmanager
def leased(purpose: str, count: int | None = 1) -> Iterator[torch.device]:
    """A device of this process's own while the block runs: the first of ``count`` leased GPUs, or the CPU.

    ``count`` None: all GPUs, so that nothing else is on the machine. It comes before the first use of CUDA in
    the process, which from then on sees the leased GPUs only.
    Raises RuntimeError where there are GPUs that torch cannot use.
    """
    gpus = visible()
    if not gpus:
        yield torch.device("cpu")
        return
    with lease(len(gpus) if count is None else count, gpus, purpose) as taken:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(taken)
        os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # as nvidia-smi counts
        if not torch.cuda.is_available():
            raise RuntimeError(
                f"nvidia-smi shows {len(gpus)} GPUs, but torch {torch.__version__} cannot use them; install a build "
                "for this driver, or hide them: CUDA_VISIBLE_DEVICES= snakemake …"
            )
        yield torch.device("cuda", 0)


def given() -> str:
    """One line on the host and the devices that were handed to this process, by SLURM for instance."""
    handed = os.environ.get("CUDA_VISIBLE_DEVICES")
    return f"host {socket.gethostname()}, devices: " + ("all" if handed is None else f"CUDA_VISIBLE_DEVICES={handed}")


def enough(count: int, device: torch.device) -> int:
    """``count``, where there are as many devices of this kind. Raises ValueError where there are not."""
    if device.type == "cuda" and count > torch.cuda.device_count():
        raise ValueError(f"{count} GPUs are needed; {torch.cuda.device_count()} are visible")
    return count


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe(device: torch.device) -> str:
    """``CPU``, or the GPU's name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"

"""Where and with what a record was made."""

from __future__ import annotations

import platform
import re
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch

from study.axes.recipe import RECIPE
from study.commit import commit
from study.plan.limits import available_cores, nvidia_smi
from study.run import devices


def provenance(device: torch.device, ours: bool = True) -> dict[str, Any]:
    """The columns of a record that say where and with what it was made; of what is not ours, nobody knows with what."""
    return {
        "device": devices.describe(device),
        "processor": processor(),
        "instructions": torch.backends.cpu.get_cpu_capability() if ours else None,
        "threads": 1 if ours else None,  # study.engine.determinism
        "cores": available_cores(),
        "blas": blas() if ours else None,
        "driver": driver() if device.type == "cuda" else None,
        "torch_version": str(torch.__version__) if ours else None,
        "python_version": platform.python_version() if ours else None,
        "host": socket.gethostname(),
        "commit": commit(),
        "recipe_version": RECIPE,
    }


@cache
def processor() -> str | None:
    """The model of the processor, as the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "cpu model", "Model"):
                return " ".join(value.split())
    return platform.processor() or platform.machine() or None


@cache
def blas() -> str | None:
    """What torch multiplies matrices with on the CPU, with its version where torch tells it."""
    built = torch.__config__.show()
    mkl = re.search(r"Math Kernel Library Version (\S+?)-", built)
    if mkl:
        return f"MKL {mkl[1]}"
    named = re.search(r"BLAS_INFO=(\w+)", built)
    return named[1] if named else None


@cache
def driver() -> str:
    """``580.65.06, CUDA 13.0, cuDNN 91300``: what is asked of the GPU that was leased."""
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return ", ".join([*nvidia_smi("driver_version")[:1], f"CUDA {torch.version.cuda}", f"cuDNN {cudnn}"])

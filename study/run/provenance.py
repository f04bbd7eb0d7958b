"""Where, when and with what a record was made."""

from __future__ import annotations

import platform
import socket
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import torch

from study.axes.recipe import RECIPE
from study.run import devices


def provenance(device: torch.device, ours: bool = True) -> dict[str, Any]:
    """The columns of a record that say where and with what it was made; of what is not ours, nobody knows with what."""
    return {
        "device": devices.describe(device),
        "torch_version": str(torch.__version__) if ours else None,
        "python_version": platform.python_version() if ours else None,
        "host": socket.gethostname(),
        "commit": commit(),
        "recipe_version": RECIPE,
    }


@cache
def commit() -> str | None:
    """The commit of this code, with ``+`` where files differ from it; None outside a checkout of it. Asked once."""
    package = Path(__file__).parents[1]

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(package), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != package.resolve().parent:
            return None  # installed inside another repository
        return git("rev-parse", "HEAD") + "+" * bool(git("status", "--porcelain", "--", str(package)))
    except (OSError, subprocess.CalledProcessError):
        return None


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")

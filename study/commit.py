"""Which commit this code is of."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path


@cache
def commit() -> str | None:
    """The commit of this code, with ``+`` where files differ from it; None outside a checkout of it. Asked once."""
    package = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(package), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != package.resolve().parent:
            return None  # installed inside another repository
        return git("rev-parse", "HEAD") + "+" * bool(git("status", "--porcelain", "--", str(package)))
    except (OSError, subprocess.CalledProcessError):
        return None

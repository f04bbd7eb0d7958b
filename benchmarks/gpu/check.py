"""What a check is, what it is handed, and how one is run in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name
from typing import IO, TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch

ENGINE = ("torch", "numpy", "pydantic", "pyarrow")  # what training imports
SLACK, SHORTEST = 4, 60.0  # a check is ended after so many times what it should take, and not before so many seconds


class Check(NamedTuple):
    """``work``: import path of what is called with a ``Bench`` and returns a sentence on what was found."""

    name: str
    work: str
    seconds: float  # that it takes on a GPU, about
    needs: Sequence[str] = ENGINE


class Outcome(NamedTuple):
    """``status``: ok, failed or skipped; ``found``: what, or why."""

    name: str
    status: str
    found: str
    seconds: float = 0.0
    numbers: dict[str, Any] = {}  # noqa: RUF012

    def line(self) -> str:
        text = f"FAILED: {self.found}" if self.status == "failed" else self.found
        return f"{self.name:10}{self.status:9}{self.seconds:4.0f} s  {text}"


class Skipped(Exception):
    """It cannot be done here, and why."""


class Broken(Exception):
    """Something that is promised does not hold."""


class Bench:
    """What a check is handed. ``note`` keeps numbers, in a file, so that they outlive a check that dies."""

    def __init__(self, kind: str, quick: bool, file: Path) -> None:
        self.kind, self.quick, self.file = kind, quick, file  # kind: cuda or cpu
        self.folder = file.parent / file.stem  # for files of its own
        self.numbers: dict[str, Any] = {}

    @property
    def device(self) -> torch.device:
        import torch

        return torch.device(self.kind, 0) if self.kind == "cuda" else torch.device("cpu")

    def note(self, **numbers: Any) -> None:
        self.numbers |= numbers
        self.write()

    def write(self, **end: str) -> None:
        self.file.write_text(json.dumps({"numbers": self.numbers} | end), encoding="utf-8")


def missing(packages: Sequence[str]) -> list[str]:
    """Those that are not installed."""

    def there(package: str) -> bool:
        try:
            return find_spec(package) is not None
        except ModuleNotFoundError:  # what it is a part of
            return False

    return [package for package in packages if not there(package)]


def outcome(check: Check, kind: str, quick: bool, folder: Path, log: IO[str], left: float) -> Outcome:
    """Run ``check`` in a process of its own, with ``left`` seconds to go; what it prints is appended to ``log``.

    One that crashes, hangs or breaks its device leaves the others alone.
    """
    if lacking := missing(check.needs):
        return Outcome(check.name, "skipped", f"needs {', '.join(lacking)}, which is not installed")
    if left < check.seconds:
        return Outcome(check.name, "skipped", f"takes about {check.seconds:.0f} s, and {max(0.0, left):.0f} s are left")
    file = folder / f"{check.name}.json"
    command = [sys.executable, "-m", "benchmarks.gpu.one", check.work, kind, str(int(quick)), str(file)]
    changed = {"PYTHONUNBUFFERED": "1"} | ({"CUDA_VISIBLE_DEVICES": ""} if kind == "cpu" else {})
    limit, began = min(left, max(SHORTEST, SLACK * check.seconds)), time.monotonic()
    log.write(f"\n=== {check.name}\n")
    log.flush()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | changed, start_new_session=True
    )
    late = False
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        late = True
    finally:  # with what it started
        if late or process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    end = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"numbers": {}}
    if late:
        end |= {"status": "failed", "found": f"not done after {limit:.0f} s"}
    elif "status" not in end:
        end |= {"status": "failed", "found": f"its process ended with {process.returncode}"}
    return Outcome(check.name, end["status"], end["found"], time.monotonic() - began, end["numbers"])


def run(work: str, bench: Bench) -> None:
    """Do it here, and write how it ended. What it raises is its failure."""
    bench.folder.mkdir(parents=True)
    try:
        status, found = "ok", str(resolve_name(work)(bench))
    except Skipped as reason:
        status, found = "skipped", str(reason)
    except Exception as error:
        traceback.print_exc()
        words = str(error).strip().splitlines()[:1]
        status, found = "failed", ": ".join(words if isinstance(error, Broken) else [type(error).__name__, *words])
    bench.write(status=status, found=found)

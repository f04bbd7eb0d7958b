"""Where training runs: on GPUs of its own, where there are some that torch can use, else on one CPU thread.

Snakemake counts GPUs, a lease says which: one advisory lock per device (``flock``), dropped by the kernel when its
process dies, however it dies. No daemon: the lock files are shared by all workflows and users of a machine.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

import torch

from study.plan.limits import visible

# The same for all users, whatever their TMPDIR is.
FOLDER = (
    next((p for p in (Path("/dev/shm"), Path("/tmp")) if p.is_dir()), Path(tempfile.gettempdir())) / "evenhand-devices"
)
POLL = 0.2  # seconds between looks at taken devices
REMIND = 60.0  # seconds between messages while waiting


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


@contextmanager
def lease(count: int, devices: Sequence[str], purpose: str, folder: Path = FOLDER) -> Iterator[list[str]]:
    """Hold ``count`` of ``devices`` while the block runs; waits, with a message, while they are taken.

    Whoever waits holds the queue of each device that it can use, so a job of four is not passed by jobs of one.
    Raises ValueError where there are fewer devices than asked for.
    """
    if count > len(devices):
        raise ValueError(f"{count} devices are asked for, {len(devices)} are visible: {', '.join(devices) or 'none'}")
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(PermissionError):  # another user was faster
            folder.chmod(0o1777)  # all users of the machine share it, whatever our umask
    waiting = Waiting(folder, count)
    with ExitStack() as held:
        taken: list[str] = []
        with ExitStack() as queue:
            for line in (f"queue-{device}" for device in sorted(devices)):
                while not _take(line, f"waiting for {purpose}", folder, queue):
                    waiting.say([line])
            while len(taken) < count:
                for device in devices:
                    if len(taken) < count and device not in taken and _take(device, purpose, folder, held):
                        taken.append(device)
                if len(taken) < count:
                    waiting.say([device for device in devices if device not in taken])
        yield taken


def _take(name: str, purpose: str, folder: Path, stack: ExitStack) -> bool:
    """Lock ``name`` until ``stack`` closes, and sign for it; False where another process holds it."""
    file = _open(folder / f"{name}.lock")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    stack.enter_context(file)
    holder = {"pid": os.getpid(), "user": _user(), "purpose": purpose}
    file.seek(0)
    file.truncate()
    file.write(json.dumps(holder))
    file.flush()
    return True


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return str(os.getuid())


def _open(path: Path) -> IO[str]:
    # Without O_CREAT where the file exists: in a sticky folder Linux refuses it for another user's file.
    try:
        return path.open("r+", encoding="utf-8")
    except FileNotFoundError:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        os.fchmod(descriptor, 0o666)
        return os.fdopen(descriptor, "r+", encoding="utf-8")


class Waiting:
    """Says now and then what a process waits for, and who has it."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count, self.said = folder, count, -REMIND

    def say(self, names: Sequence[str]) -> None:
        now = time.monotonic()
        if now - self.said >= REMIND:
            self.said = now
            holders = "; ".join(f"{name}: {self._holder(name)}" for name in names)
            print(f"waiting for {self.count} of the devices ({holders})", file=sys.stderr, flush=True)
        time.sleep(POLL)

    def _holder(self, name: str) -> str:
        try:
            about = json.loads((self.folder / f"{name}.lock").read_text(encoding="utf-8"))
            return f"process {about['pid']} of {about['user']}, {about['purpose']}"
        except (OSError, ValueError, KeyError):
            return "just taken"

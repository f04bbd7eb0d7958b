"""Where training runs: on GPUs of its own, where there are some that torch can use, else on one CPU thread.

Snakemake counts GPUs, a lease says which: one advisory lock per device (``flock``), dropped by the kernel when its
process dies, however it dies. No daemon: the lock files are shared by all workflows and users of a machine.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

import torch

from study.plan.limits import visible

# The same for all users, whatever their TMPDIR is.
FOLDER = (Path("/dev/shm") if Path("/dev/shm").is_dir() else Path("/tmp")) / "evenhand-devices"
VISIBILITY = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")  # what torch sees of GPUs, and in which order
POLL = 0.2  # seconds between looks at taken devices
REMIND = 60.0  # seconds between messages while waiting


@contextmanager
def leased(purpose: str, count: int | None = 1) -> Iterator[torch.device]:
    """A device of this process's own while the block runs: the first of ``count`` leased GPUs, or the CPU.

    Says what was handed to the process. ``count`` None: all GPUs, so that nothing else is on the machine. It comes
    before the first use of CUDA in the process, which from then on sees the leased GPUs only.
    Raises RuntimeError where there are GPUs that torch cannot use.
    """
    handed = os.environ.get("CUDA_VISIBLE_DEVICES")  # by SLURM, for instance
    where = "all" if handed is None else f"CUDA_VISIBLE_DEVICES={handed}"
    print(f"host {socket.gethostname()}, devices: {where}", flush=True)
    gpus = visible()
    if not gpus:
        yield torch.device("cpu")
        return
    with lease(len(gpus) if count is None else count, gpus, purpose) as taken:
        os.environ |= dict(zip(VISIBILITY, (",".join(taken), "PCI_BUS_ID"), strict=True))  # as nvidia-smi counts
        if not torch.cuda.is_available():
            raise RuntimeError(
                f"nvidia-smi shows {len(gpus)} GPUs, but torch {torch.__version__} cannot use them; install a build "
                "for this driver, or hide them: write CUDA_VISIBLE_DEVICES= before the same command"
            )
        yield torch.device("cuda", 0)


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
    about = f"{count} of the devices"
    with ExitStack() as held:
        with ExitStack() as queue:
            for device in sorted(devices):
                _take([f"queue-{device}"], 1, f"waiting for {purpose}", folder, queue, about)
            taken = _take(devices, count, purpose, folder, held, about)
        yield taken


def _take(names: Sequence[str], count: int, purpose: str, folder: Path, held: ExitStack, about: str) -> list[str]:
    """Lock ``count`` of ``names`` until ``held`` closes, and sign for them. Says now and then what it waits for."""
    taken: dict[str, None] = {}
    said = -REMIND
    while True:
        for name in names:
            if name not in taken and len(taken) < count and (file := _locked(folder / f"{name}.lock")):
                held.enter_context(file)
                taken[name] = None
                file.truncate(0)
                json.dump({"pid": os.getpid(), "user": os.environ.get("USER", os.getuid()), "purpose": purpose}, file)
                file.flush()
        if len(taken) == count:
            return list(taken)
        if time.monotonic() - said >= REMIND:
            said = time.monotonic()
            holders = "; ".join(f"{name}: {_holder(folder / f'{name}.lock')}" for name in names if name not in taken)
            print(f"waiting for {about} ({holders})", file=sys.stderr, flush=True)
        time.sleep(POLL)


def _locked(path: Path) -> IO[str] | None:
    """The file, locked until it is closed; None where another process holds it."""
    try:  # without O_CREAT where it exists: in a sticky folder Linux refuses that for another user's file
        file = path.open("r+", encoding="utf-8")
    except FileNotFoundError:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        os.fchmod(descriptor, 0o666)
        file = os.fdopen(descriptor, "r+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _holder(path: Path) -> str:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        return f"process {about['pid']} of {about['user']}, {about['purpose']}"
    except (OSError, ValueError, KeyError):
        return "just taken"

"""Data parallelism: one process per device, each with a part of every batch (torch.distributed).

NCCL on GPUs, gloo on the CPU. The workers meet through a file of their own, so that jobs on one host never
share a port. A worker that dies ends the others within seconds.
"""

from __future__ import annotations

import os
import signal
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import torch
import torch.distributed as dist
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException
from torch.multiprocessing.spawn import spawn as start

from study.run.checkpoint import SIGNALS, Interrupted
from study.run.shard import ALONE, Shard

TIMEOUT = timedelta(minutes=30)  # of one exchange; a worker that died is noticed long before
GRACE = 3.0  # seconds that the other workers have to end once one has failed

ERROR = "error-"  # a file for each worker that ended in an error: what was raised

Work = Callable[..., Any]  # called as work(shard, device, *arguments)


class WorkerFailed(RuntimeError):
    """One of several workers ended in an error or was killed; says which and why."""


def spread(world: int, device: torch.device, work: Work, *arguments: Any) -> None:
    """Call ``work(shard, device, *arguments)`` in ``world`` processes, or here where ``world`` is 1.

    ``work`` is importable. Signals that ask for the end (``SIGNALS``) reach worker 0, which decides for all.
    Raises WorkerFailed, or Interrupted where worker 0 was.
    """
    if world == 1:
        work(ALONE, device, *arguments)
        return
    with Team(world, device, work, *arguments) as team, team.forwarding():
        team.join()


class Team:
    """``world`` workers that call ``work(shard, device, *arguments)``; left, they are ended."""

    def __init__(self, world: int, device: torch.device, work: Work, *arguments: Any) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="evenhand-")
        arguments = (world, device.type, Path(self.folder.name), work, arguments)
        self.workers = start(_worker, args=arguments, nprocs=world, join=False)  # type: ignore[no-untyped-call]

    def __enter__(self) -> Team:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self.workers.processes:
            process.kill()
            process.join()
        self.folder.cleanup()

    def join(self, seconds: float | None = None) -> bool:
        """Wait for the workers, at most ``seconds``; whether all have ended. Raises WorkerFailed or Interrupted."""
        try:
            return bool(self.workers.join(seconds, grace_period=GRACE))
        except (ProcessRaisedException, ProcessExitedException) as error:
            raise self._cause(error.error_index) from None

    def _cause(self, failed: int) -> Exception | Interrupted:
        """What happened first: the other workers fail after it because they lose their connection."""
        told = sorted(Path(self.folder.name).glob(f"{ERROR}*"), key=lambda path: path.stat().st_mtime_ns)
        for rank, process in enumerate(self.workers.processes):
            code = process.exitcode or 0
            if code < 0 and code != -signal.SIGTERM:
                return WorkerFailed(f"worker {rank} was killed by {signal.Signals(-code).name}")
        if not told:
            return WorkerFailed(f"worker {failed} ended with exit code {self.workers.processes[failed].exitcode}")
        kind, _, words = told[0].read_text(encoding="utf-8").partition(": ")
        if kind == Interrupted.__name__:
            return Interrupted(words)
        return WorkerFailed(f"worker {told[0].name.removeprefix(ERROR)}: {kind}: {words}")

    def forwarding(self) -> _Forwarding:
        """While the block runs, signals that ask this process to end are passed on to worker 0."""
        return _Forwarding(self.workers.processes[0].pid)


class _Forwarding:
    def __init__(self, leader: int) -> None:
        self.leader = leader

    def __enter__(self) -> None:
        self.before = {number: signal.signal(number, self._pass) for number in SIGNALS}

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _pass(self, number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.leader, number)


def _worker(rank: int, world: int, kind: str, folder: Path, work: Work, arguments: tuple[Any, ...]) -> None:
    device = torch.device(kind, rank) if kind == "cuda" else torch.device(kind)
    if kind == "cuda":
        torch.cuda.set_device(device)
    else:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # all workers are here, whatever this host is called
    if rank > 0:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # worker 0 writes the checkpoint, then all end
    backend = "nccl" if kind == "cuda" else "gloo"
    meeting = f"file://{folder / 'meeting'}"
    dist.init_process_group(backend, init_method=meeting, rank=rank, world_size=world, timeout=TIMEOUT)
    try:
        work(Shard(rank, world), device, *arguments)
        dist.barrier()
    except (Exception, Interrupted) as error:
        traceback.print_exc()
        (folder / f"{ERROR}{rank}").write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
        raise
    dist.destroy_process_group()

"""Data parallelism: one process per device, each with a part of every batch (torch.distributed).

NCCL on GPUs, gloo on the CPU. The workers meet through a file of their own, so that jobs on one host never
share a port. A worker that dies ends the others within seconds.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from typing import Any

import torch
import torch.distributed as dist
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException
from torch.multiprocessing.spawn import start_processes as start

from study.engine.shard import ALONE, Shard
from study.engine.signals import Interrupted, handling
from study.run import forks
from study.run.devices import VISIBILITY
from study.store.disk import scratch
from study.store.failures import of_machine

TIMEOUT = timedelta(minutes=30)  # of one exchange; a worker that died is noticed long before
GRACE = 1.0  # seconds that the other workers have to end once one has failed
LOOK = 0.5  # seconds between looks at whether workers live, and whether a signal has to be passed on

RESULT = "result"  # a file: what the first worker returned
ERROR = "error"  # a file: what was raised in the first worker that ended so

Work = Callable[..., Any]  # called as work(shard, device, *arguments)


class WorkerFailed(RuntimeError):
    """One of several workers ended in an error or was killed; says which and why."""


def spread(world: int, device: torch.device, work: Work, *arguments: Any, signals: list[int] | None = None) -> Any:
    """What ``work(shard, device, *arguments)`` returns in the first of ``world`` processes; here where that is 1.

    ``work`` is importable, what it returns can be pickled. Signals that ask for the end (``SIGNALS``) reach worker 0,
    which decides for all; so do ``signals`` that came before.
    Raises WorkerFailed, or Interrupted where worker 0 was.
    """
    if world == 1:
        return work(ALONE, device, *arguments)
    received = [] if signals is None else signals
    with closing(Team(world, device, work, *arguments)) as team, handling(lambda number, _: received.append(number)):
        while not team.join(LOOK):
            for number in received[-1:]:  # again and again: a worker that was just starting did not hear it
                with suppress(ProcessLookupError):
                    os.kill(team.workers.processes[0].pid, number)
        return pickle.loads((Path(team.folder.name) / RESULT).read_bytes())


class Team:
    """``world`` workers that call ``work(shard, device, *arguments)``; closed, they are ended.

    Raises ValueError where there are fewer GPUs.
    """

    def __init__(self, world: int, device: torch.device, work: Work, *arguments: Any) -> None:
        if device.type == "cuda" and world > torch.cuda.device_count():
            raise ValueError(f"{world} GPUs are needed; {torch.cuda.device_count()} are visible")
        self.folder = scratch()
        # What workers are forked from may be older than the lease.
        lease = {name: os.environ[name] for name in VISIBILITY if name in os.environ}
        arguments = (world, device.type, lease, Path(self.folder.name), work, arguments)
        forks.ensure_running()
        self.workers = start(  # type: ignore[no-untyped-call]
            _worker, args=arguments, nprocs=world, join=False, start_method="forkserver"
        )

    def close(self) -> None:
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
        error, code = Path(self.folder.name) / ERROR, self.workers.processes[failed].exitcode or 0
        if code < 0:
            return WorkerFailed(f"worker {failed} was killed by {signal.Signals(-code).name}")
        if not error.exists():
            return WorkerFailed(f"worker {failed} ended with exit code {code}")
        kind, _, words = error.read_text(encoding="utf-8").partition(": ")
        return Interrupted(words) if kind == Interrupted.__name__ else WorkerFailed(f"{kind}: {words}")


def _worker(
    rank: int, world: int, kind: str, lease: dict[str, str], folder: Path, work: Work, arguments: tuple[Any, ...]
) -> None:
    os.environ.update(lease)
    Thread(target=_end_with_parent, daemon=True).start()
    device = torch.device(kind, rank) if kind == "cuda" else torch.device(kind)
    group: dict[str, Any] = {"init_method": f"file://{folder / 'meeting'}", "rank": rank, "world_size": world}
    try:
        if kind == "cuda":
            torch.cuda.set_device(device)
            group |= {"backend": "nccl", "device_id": device}
        else:
            loopback = [name for _, name in socket.if_nameindex() if name in ("lo", "lo0")]
            if loopback:  # all workers are here, whatever the host's name
                os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback[0])
            group |= {"backend": "gloo"}
        if world > 1:
            dist.init_process_group(timeout=TIMEOUT, **group)
        result = work(Shard(rank, world), device, *arguments)
        if rank == 0:
            (folder / RESULT).write_bytes(pickle.dumps(result))
        if world > 1:
            dist.barrier(device_ids=[rank] if kind == "cuda" else None)
            dist.destroy_process_group()
    except BaseException as error:
        words = f"{type(error).__name__}: {error}"
        own = folder / str(rank)
        alone = world == 1 or isinstance(error, Interrupted)
        own.write_text(words if alone else f"worker {rank}: {words}", encoding="utf-8")
        with suppress(FileExistsError):  # another was first, and this one fails because it lost that one
            (folder / ERROR).hardlink_to(own)
            if not (isinstance(error, Interrupted) or of_machine(error)):
                traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)  # leaving the group in good order would wait for the others, who wait for this one


def _end_with_parent() -> None:
    """End this worker when the process that leased its device is gone: it would hold the device without a lease."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)

"""The machine, leases of its devices, and NCCL between workers: what needs torch alone."""

from __future__ import annotations

import json
import os
import pickle
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from benchmarks.gpu.check import Bench, Broken
from study.engine.shard import Shard
from study.plan.limits import available_cores, nvidia_smi, visible
from study.run.devices import lease, leased
from study.run.distributed import LOOK, RESULT, Team

PATIENCE = 60.0  # seconds that another process may take to load torch and to begin to wait


def machine(bench: Bench) -> str:
    """What is here, and its speed at the simplest things."""
    device = bench.device
    bench.note(torch=str(torch.__version__), python=platform.python_version(), cores=available_cores())
    if bench.kind == "cuda":
        if not torch.cuda.is_available():
            raise Broken(f"nvidia-smi shows a GPU that torch {torch.__version__} cannot use")
        properties = torch.cuda.get_device_properties(device)
        bench.note(
            cuda=torch.version.cuda,
            cudnn=torch.backends.cudnn.version(),
            nccl=".".join(map(str, torch.cuda.nccl.version())),
            gpus=torch.cuda.device_count(),
            name=properties.name,
            capability=f"{properties.major}.{properties.minor}",
            multiprocessors=properties.multi_processor_count,
            memory_bytes=properties.total_memory,
            nvidia_smi=nvidia_smi("name,driver_version,memory.used,utilization.gpu,clocks.sm"),
        )
    size = 256 if bench.quick else 4096
    a, small = torch.rand(size, size, device=device), torch.zeros(1, device=device)
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        b = a.to(dtype)
        seconds = _seconds(device, lambda b=b: b @ b, 10)
        bench.note(**{f"{name}_tflops": 2 * size**3 / seconds / 1e12})
    bench.note(launch_microseconds=1e6 * _seconds(device, lambda: small.add_(1), 1000))
    found = bench.numbers
    what = f"{found['name']}, {found['gpus']} of them, CUDA {found['cuda']}" if bench.kind == "cuda" else "CPU"
    return (
        f"{what}, torch {found['torch']}, {found['cores']} cores; {found['float32_tflops']:.3g} TFLOP/s float32, "
        f"{found['bfloat16_tflops']:.3g} bfloat16; {found['launch_microseconds']:.1f} µs an operation"
    )


def _seconds(device: torch.device, work: Any, times: int) -> float:
    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    work()
    wait()
    began = time.perf_counter()
    for _ in range(times):
        work()
    wait()
    return (time.perf_counter() - began) / times


def leases(bench: Bench) -> str:
    """Processes that ask for GPUs: what torch sees in them, and that they wait until another has ended, or died."""
    seconds = {}
    with ExitStack() as started:
        first, second, third = (Holder(bench, name, started) for name in ("first", "second", "third"))
        first.start(None)  # all of them
        about = first.held()
        bench.note(first=about)
        for how, holder, waiting in (("killed", first, second), ("ended", second, third)):
            waiting.start(1)
            waiting.waits()
            began = time.monotonic()
            holder.kill() if how == "killed" else holder.end()
            bench.note(**{waiting.name: waiting.held()})
            seconds[how] = time.monotonic() - began
        third.end()
    bench.note(seconds_until_it_is_handed_on=seconds)
    seen = bench.numbers["second"]
    if bench.kind == "cuda":
        gpus = visible()
        if (about["count"], seen["count"]) != (len(gpus), 1):
            raise Broken(f"{len(gpus)} and 1 GPUs were leased; torch saw {about['count']} and {seen['count']}")
        if seen["uuid"] not in seen["handed"] and not seen["handed"].startswith("MIG"):
            raise Broken(f"{seen['handed']} was leased, torch uses {seen['uuid']}")
    return (
        f"torch sees {about['count']} of {about['count']}, and 1 of 1; a second process waits, and has it "
        f"{seconds['killed']:.1f} s after the first was killed, {seconds['ended']:.1f} s after it ended"
    )


class Holder:
    """A process that leases devices and holds them until it is told to end."""

    def __init__(self, bench: Bench, name: str, started: ExitStack) -> None:
        self.bench, self.name, self.started = bench, name, started
        self.said = bench.folder / f"{name}.log"

    def start(self, count: int | None) -> None:
        command = [sys.executable, "-m", __name__, self.bench.kind, str(count or 0), str(self.bench.folder)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said.open("w"), text=True
        )
        self.started.enter_context(self.process)
        self.started.callback(self.process.kill)  # before it is waited for

    def held(self) -> dict[str, Any]:
        """What it has, once it has it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                about: dict[str, Any] = json.loads(line)
                return about
        raise Broken(f"a process ended without a device: {self._words()}")

    def waits(self) -> None:
        """Until it has said that it waits."""
        end = time.monotonic() + PATIENCE
        while "waiting for" not in self.said.read_text():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Broken(f"the {self.name} process did not wait for its device: {self._words()}")
            time.sleep(0.1)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        self.process.communicate("\n")
        if self.process.returncode:
            raise Broken(f"the {self.name} process ended with {self.process.returncode}: {self._words()}")

    def _words(self) -> str:
        return (self.said.read_text().strip().splitlines() or ["no word"])[-1]


def hold(kind: str, count: int, folder: Path) -> None:
    """What a ``Holder`` does. On a CPU it leases a device that does not exist."""
    with _device(kind, count or None, folder) as device:
        x = torch.ones(1000, device=device)
        about = {"handed": os.environ.get("CUDA_VISIBLE_DEVICES", ""), "count": 1, "sum": float(x.sum())}
        if kind == "cuda":
            about |= {"count": torch.cuda.device_count(), "uuid": str(torch.cuda.get_device_properties(device).uuid)}
        print(json.dumps(about), flush=True)
        sys.stdin.readline()


@contextmanager
def _device(kind: str, count: int | None, folder: Path) -> Iterator[torch.device]:
    if kind == "cuda":
        with leased("benchmarks/gpu.sh", count) as device:
            yield device
    else:
        with lease(1, ["pretended"], "benchmarks/gpu.sh", folder / "leases"):
            yield torch.device("cpu")


def workers(bench: Bench) -> str:
    """Worker processes as training starts them, one for each GPU: NCCL's sum over them, the same on a lone GPU."""
    world = torch.cuda.device_count() if bench.kind == "cuda" else 2
    for number in dict.fromkeys((1, min(2, world))):
        began = time.monotonic()
        with closing(Team(number, bench.device, summed)) as team:
            while not team.join(LOOK):
                pass
            found = pickle.loads((Path(team.folder.name) / RESULT).read_bytes())
        bench.note(**{f"world_{number}": found | {"seconds": time.monotonic() - began}})
        if found["sum"] != number * (number + 1) / 2:
            raise Broken(f"{number} workers summed to {found['sum']} with {found['backend']}")
    about = [f"{n} in {bench.numbers[f'world_{n}']['seconds']:.1f} s" for n in dict.fromkeys((1, min(2, world)))]
    return f"{found['backend']} sums between workers: {', '.join(about)}; {1e6 * found['exchange']:.0f} µs an exchange"


def summed(shard: Shard, device: torch.device) -> dict[str, Any]:
    """The sum of ranks + 1 over the workers, as gradients are summed, and seconds of an exchange of 10,000 floats."""
    one, many = torch.full((), shard.rank + 1.0, device=device), torch.ones(10_000, device=device)
    dist.all_reduce(one)
    shard.sum(many)
    seconds = _seconds(device, lambda: dist.all_reduce(many), 50)
    return {"backend": dist.get_backend(), "sum": float(one), "exchange": seconds}


if __name__ == "__main__":
    hold(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))

"""Stacked runs against a plain loop, and how the time of a step grows with the runs in a pack."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from functools import partial
from itertools import cycle
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from benchmarks.gpu.cases import MORE
from benchmarks.gpu.check import Bench
from benchmarks.gpu.samples import CONVNET, data, recipe
from benchmarks.training import plain_optimizer
from study.axes.recipe import Recipe
from study.engine.determinism import quiet
from study.engine.inputs.data import Data
from study.engine.networks import stack
from study.engine.pack import Pack, Run
from study.run.timing import seconds_of

NETWORKS: dict[str, dict[str, Any]] = {"mlp": {}, "convnet": {"network": CONVNET}}
Step = Callable[[], object]


def medians(bench: Bench, steps: Mapping[str, Step], times: int = 30, rounds: int = 5) -> dict[str, float]:
    """Seconds of each step: the median over rounds in which each is taken so many times in turn, after a warm-up."""
    times, rounds = (3, 2) if bench.quick else (times, rounds)
    found: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        for _ in range(3):
            step()
    for _ in range(rounds):
        for name, step in steps.items():
            found[name].append(seconds_of(bench.device, partial(repeat, step, times)) / times)
    return {name: statistics.median(each) for name, each in found.items()}


def repeat(step: Step, times: int) -> None:
    for _ in range(times):
        step()


def pack_of(mine: Recipe, runs: int, rows: Data, device: torch.device) -> Pack:
    """As ``train`` stacks them: a lone run stands beside a copy of itself."""
    return Pack([Run(mine, seed) for seed in range(runs)] if runs > 1 else [Run(mine, 0)] * 2, rows, device)


def stepping(pack: Pack) -> Callable[[], Tensor]:
    """One step of ``pack`` on its next whole batch."""
    pack.stack.train(True)
    batches = cycle(whole_batches(pack))
    return lambda: pack.step(next(batches), 0.0)


def whole_batches(pack: Pack) -> list[Tensor]:
    """[runs, rows] each."""
    rows = pack.data.train.rows
    order = torch.stack([torch.randperm(rows, generator=g) for g in pack.streams("order")]).to(pack.device)
    return [batch for batch in torch.split(order, pack.batch_size, dim=1) if batch.shape[1] == pack.batch_size]


def looping(mine: Recipe, rows: Data, device: torch.device) -> Step:
    """One step of one run as a plain loop takes it: rows indexed in place, a fused optimizer, nothing read back."""
    model = mine.network.build(rows.shape, rows.outputs, nn.ReLU, nn.Identity).to(device)
    optimizer = plain_optimizer(mine, model, fused=True)
    x, y = rows.train[:2]
    order = torch.randperm(len(x)).to(device)
    batches = cycle([batch for batch in torch.split(order, mine.batch_size) if len(batch) == mine.batch_size])

    def step() -> None:
        batch = next(batches)
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
        optimizer.step()

    return step


def stacked(bench: Bench) -> str:
    """Ratios of a plain loop over the runs, one after the other, to a stacked step of them, measured in turn."""
    rows, words = data(bench), []
    counts = (1, 4) if bench.quick else (1, 4, 16, 64)
    with quiet():
        for name, changes in NETWORKS.items():
            mine = recipe(**changes)
            steps: dict[str, Step] = {"plain": looping(mine, rows, bench.device)}
            steps |= {str(n): stepping(pack_of(mine, n, rows, bench.device)) for n in counts}
            seconds = medians(bench, steps)
            ratios = {n: n * seconds["plain"] / seconds[str(n)] for n in counts}
            bench.note(**{name: {"step_seconds": seconds, "times_as_fast": ratios}})
            each = ", ".join(f"{n} runs {ratio:.2g}" for n, ratio in ratios.items())
            words.append(f"{name}: {each} times as fast (plain {1e3 * seconds['plain']:.2f} ms a step)")
    return "; ".join(words)


def own(bench: Bench) -> str:
    """Networks that are no chain of known layers: batched where they can be, and run after run."""
    rows, words = data(bench), []
    runs = 4 if bench.quick else 16
    with quiet():
        for name in ("own residual", "own draws", "transformer, adamw, clipped", "resnet"):
            mine = recipe(**MORE[name])
            pack = pack_of(mine, runs, rows, bench.device)
            with patch.object(stack, "BATCHED", ()):
                turned = pack_of(mine, runs, rows, bench.device)
            steps = {"pack": stepping(pack), "in turn": stepping(turned), "plain": looping(mine, rows, bench.device)}
            seconds = medians(bench, steps, 10, 3)
            ways = {way: runs * seconds["plain"] / seconds[way] for way in ("pack", "in turn")}
            because = pack.stack.because
            bench.note(**{name: {"step_seconds": seconds, "times_as_fast": ways, "because": because}})
            words.append(
                f"{name}: {ways['in turn']:.2g} (in turn: {because})"
                if because
                else f"{name}: {ways['pack']:.2g} (in turn {ways['in turn']:.2g})"
            )
    return f"packs of {runs} are so many times as fast as a plain loop: {'; '.join(words)}"


def growth(bench: Bench) -> str:
    """A step of the small network with up to 1024 runs; with dropout, an evaluation, an optimizer a run; a CPU core."""
    rows, device, mine = data(bench), bench.device, recipe()
    counts = (2, 8) if bench.quick else (2, 16, 64, 256, 1024)
    most, middle = counts[-1], counts[-1] if bench.quick else 64
    seconds: dict[str, float] = {}
    memory = {}
    with quiet():
        for n in counts:
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(device)
            before = torch.cuda.memory_allocated(device) if device.type == "cuda" else 0
            pack = pack_of(mine, n, rows, device)
            evaluation = partial(pack.evaluate, None)
            found = medians(bench, {"step": stepping(pack), "evaluation": evaluation}, 10, 3)
            seconds |= {f"{what} of {n}": value for what, value in found.items()}
            if device.type == "cuda":
                memory[n] = torch.cuda.max_memory_allocated(device) - before
            bench.note(seconds=seconds, peak_bytes=memory)
        dropped = pack_of(recipe(dropout=0.2), middle, rows, device)
        rates = [0.003 * (1 + 0.01 * i) for i in range(middle)]
        own = Pack([Run(recipe(lr=lr), 0) for lr in rates], rows, device)
        cpu = torch.device("cpu")
        core = stepping(pack_of(mine, middle, data(bench, cpu), cpu))
        more = {f"step of {middle}, dropout": stepping(dropped), f"step of {middle}, each its rate": stepping(own)}
        seconds |= medians(bench, more, 10, 3) | medians(bench, {f"step of {middle}, CPU core": core}, 10, 3)
    bench.note(seconds=seconds)
    first = seconds[f"step of {counts[0]}"]
    grown = ", ".join(f"{n}: {seconds[f'step of {n}'] / first:.3g}" for n in counts[1:])
    base = seconds[f"step of {middle}"]
    beside = ", ".join(
        f"{what} {seconds[f'step of {middle}, {what}'] / base:.2g}" for what in ("dropout", "each its rate", "CPU core")
    )
    return (
        f"a step of {counts[0]} runs {1e3 * first:.2f} ms, times as long with {grown}; of {middle}: {beside} times; "
        f"an evaluation of {most} {1e3 * seconds[f'evaluation of {most}']:.0f} ms"
    )

"""What might make training on a GPU faster, tried outside the engine: CUDA graphs, torch.compile, TF32 and bfloat16."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.gpu.check import Bench, Broken, Skipped
from benchmarks.gpu.samples import CONVNET, data, recipe
from benchmarks.gpu.speed import Step, medians, pack_of, stepping, whole_batches
from study.engine.determinism import quiet
from study.engine.pack import Pack

WIDE = {"network": {"name": "mlp", "hidden": [1024, 1024]}, "batch_size": 256}
WARM_UP = 3  # steps
CLOSE = 1e-3  # how far weights may be apart after twenty steps, as a share of the largest


def graph(bench: Bench) -> str:
    """The engine's step captured in a CUDA graph: the time of a replay as a share of a step, and whether both agree."""
    seconds: dict[int, dict[str, float]] = {}
    with quiet():
        for n in (2, 4) if bench.quick else (2, 16, 64, 256):
            eager, replayed = (pack_of(recipe(), n, data(bench), bench.device) for _ in range(2))
            batches = whole_batches(eager)
            step = fed(eager, batches[0])
            for _ in range(WARM_UP):
                step(batches[0])
            for each in replayed.optimizer.optimizers:
                for group in each.param_groups:
                    group["capturable"] = True  # else torch refuses
            try:
                replay = fed(replayed, batches[0], lambda work: captured(work, bench.device))
            except RuntimeError as error:
                raise Skipped(f"a step cannot be captured: {str(error).splitlines()[0]}") from error
            for i in range(20):
                for take in (step, replay):
                    take(batches[i % len(batches)])
            values = eager.stack.flat
            apart = float((replayed.stack.flat - values).abs().max() / values.abs().max())
            ways = {"step": partial(step, batches[0]), "replay": partial(replay, batches[0])}
            seconds[n] = medians(bench, ways)
            seconds[n]["apart"] = apart
            bench.note(seconds=seconds)
            if not apart < CLOSE:
                raise Broken(f"after 20 steps of {n} runs, weights are apart by {apart:.1g} of the largest")
    ratios = ", ".join(f"{n} runs {found['step'] / found['replay']:.2g}" for n, found in seconds.items())
    far = max(found["apart"] for found in seconds.values())
    return f"a captured step is so many times as fast: {ratios}; " + (f"apart by {far:.1g}" if far else "same bits")


def fed(pack: Pack, first: Tensor, change: Callable[[Step], Step] = lambda step: step) -> Callable[[Tensor], object]:
    """A step of ``pack`` on the batch that is given, always from one place in memory."""
    place = first.clone()
    pack.stack.train(True)
    work = change(lambda: pack.step(place, 0.0))

    def step(batch: Tensor) -> None:
        place.copy_(batch)
        work()

    return step


def captured(work: Step, device: torch.device) -> Step:
    """A replay of ``work``, captured after a warm-up on the same stream; on a CPU ``work`` itself."""
    if device.type == "cpu":
        for _ in range(WARM_UP):
            work()
        return work
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    made = torch.cuda.CUDAGraph()
    with torch.cuda.graph(made, stream=stream):
        work()
    return made.replay


def precision(bench: Bench) -> str:
    """Times and losses after the same steps: the engine with TF32, a plain stacked step with bfloat16 by autocast."""
    device, words = bench.device, []
    tf32: dict[str, tuple[dict[str, Any], int]] = {
        "mlp": ({}, 64),
        "wide mlp": (WIDE, 8),
        "convnet": ({"network": CONVNET}, 64),
    }
    for name, (changes, runs) in tf32.items():
        n = 2 if bench.quick else runs
        changes = changes | {"batch_size": 32} if bench.quick else changes  # whose rows are few
        mine = {"float32": recipe(**changes), "tf32": recipe(tf32=True, **changes)}
        packs = {way: pack_of(each, n, data(bench), device) for way, each in mine.items()}
        with quiet():
            seconds = medians(bench, {way: stepping(pack) for way, pack in packs.items()})
            for pack in packs.values():
                pack.evaluate(None)
        losses = {way: sum(curve[-1]["val_loss"] for curve in pack.curves) / n for way, pack in packs.items()}
        words.append(_words(bench, f"tf32, {name}", seconds, losses))
    for name, widths, batch, runs in (("mlp", (64, 64, 64, 10), 32, 64), ("wide mlp", (64, 1024, 1024, 10), 256, 8)):
        n = 2 if bench.quick else runs
        ways = {way: Prototype(widths, n, batch, device) for way in ("float32", "bfloat16")}
        ways["bfloat16"].casting = True
        with quiet():
            seconds = medians(bench, {way: made.step for way, made in ways.items()})
        words.append(_words(bench, f"bfloat16, {name}", seconds, {way: made.mean_loss() for way, made in ways.items()}))
    return "; ".join(words)


def _words(bench: Bench, name: str, seconds: dict[str, float], losses: dict[str, float]) -> str:
    bench.note(**{name: {"step_seconds": seconds, "losses": losses}})
    (_, plain), (_, fast) = seconds.items()
    (_, exact), (_, rough) = losses.items()
    return f"{name}: {plain / fast:.2g} times as fast, loss {exact:.4f} → {rough:.4f}"


class Prototype:
    """Stacked perceptrons without what the engine adds: autograd's own derivatives, plain SGD, one batch."""

    def __init__(self, widths: Sequence[int], runs: int, rows: int, device: torch.device) -> None:
        generator = torch.Generator().manual_seed(0)

        def made(*shape: int, scale: float = 1.0) -> Tensor:
            return (scale * torch.randn(*shape, generator=generator)).to(device)

        self.parameters = [
            value.requires_grad_()
            for i, o in pairwise(widths)
            for value in (made(runs, o, i, scale=(2 / i) ** 0.5), torch.zeros(runs, o, device=device))
        ]
        self.x, self.y = made(runs, rows, widths[0]), (torch.arange(runs * rows, device=device) % widths[-1])
        self.casting, self.device = False, device
        self.loss: Callable[..., Tensor] = loss

    def mean_loss(self) -> float:
        return float(self._loss().detach()) / len(self.x)

    def _loss(self) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.casting):
            return self.loss(self.x, self.y, *self.parameters)

    def step(self) -> None:
        gradients = torch.autograd.grad(self._loss(), self.parameters)
        with torch.no_grad():
            torch._foreach_add_(self.parameters, gradients, alpha=-0.05)


def loss(x: Tensor, y: Tensor, *parameters: Tensor) -> Tensor:
    """The sum over runs of their mean loss: x [runs, rows, features], y [runs · rows], weights and biases in turn."""
    pairs = list(zip(parameters[::2], parameters[1::2], strict=True))
    for weight, bias in pairs[:-1]:
        x = torch.baddbmm(bias.unsqueeze(1), x, weight.mT).relu()
    out = torch.baddbmm(pairs[-1][1].unsqueeze(1), x, pairs[-1][0].mT)
    return nn.functional.cross_entropy(out.flatten(0, 1).float(), y) * len(x)


def compiled(bench: Bench) -> str:
    """The plain step, its loss and gradients by torch.compile, which needs a C compiler, and Triton on a GPU."""
    n = 2 if bench.quick else 64
    ways = {way: Prototype((64, 64, 64, 10), n, 32, bench.device) for way in ("eager", "compiled")}
    ways["compiled"].loss = torch.compile(loss)
    began = time.perf_counter()
    try:
        ways["compiled"].step()
    except Exception as error:  # of Dynamo, Inductor, Triton, or the compiler
        raise Skipped(f"torch.compile fails: {type(error).__name__}: {str(error).splitlines()[0]}") from error
    spent = time.perf_counter() - began
    ways["eager"].step()
    with quiet():
        seconds = medians(bench, {way: made.step for way, made in ways.items()})
    losses = {way: made.mean_loss() for way, made in ways.items()}
    bench.note(step_seconds=seconds, losses=losses, compiling_seconds=spent)
    if not abs(losses["eager"] - losses["compiled"]) < CLOSE * losses["eager"]:
        raise Broken(f"losses differ: {losses}")
    return (
        f"a step of {n} runs is {seconds['eager'] / seconds['compiled']:.2g} times as fast, compiled in {spent:.0f} s"
    )

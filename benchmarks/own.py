"""A network of one's own beside the built-in one that it copies; one that is no chain of layers, beside a plain loop.

    python -m benchmarks.own

Steps of packs of 16 runs on one thread, in turn; medians of ratios of one run.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from study.axes.recipe import Recipe
from study.engine.determinism import quiet
from study.engine.inputs.data import Data, tensors
from study.engine.inputs.prepare import read
from study.engine.networks.network import build
from study.engine.pack import Pack, Run

RUNS, STEPS, ROUNDS = 16, 30, 9


class ByHand(nn.Module):
    """The built-in mlp, as many write it."""

    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(torch.Size(inputs).numel(), 64), nn.Linear(64, 64)
        self.last = nn.Linear(64, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x.flatten(1)))
        out: torch.Tensor = self.last(torch.relu(self.second(x)))
        return out


def recipe(**network: Any) -> Recipe:
    axes = {"dataset": {"name": "digits"}, "optimizer": {"name": "sgd", "lr": 0.1}, "batch_size": 32, "epochs": 1}
    return Recipe.model_validate_json(json.dumps(axes | {"network": network}))


def stacked(of: Recipe, data: Data) -> Callable[[], object]:
    """Takes ``STEPS`` steps of a pack."""
    pack = Pack([Run(of, seed) for seed in range(RUNS)], data)
    pack.stack.train(True)
    batch = torch.arange(of.batch_size).expand(RUNS, -1)
    return lambda: [pack.step(batch, 0.0) for _ in range(STEPS)]


def plain(of: Recipe, data: Data) -> Callable[[], object]:
    """As many steps of as many runs, one after another, by the plainest loop."""
    x, y = data.train.x[: of.batch_size], data.train.y[: of.batch_size]
    modules = [build(of, seed, data) for seed in range(RUNS)]
    optimizers = [torch.optim.SGD(module.parameters(), lr=0.1) for module in modules]

    def work() -> None:
        for module, optimizer in zip(modules, optimizers, strict=True):
            for _ in range(STEPS):
                optimizer.zero_grad()
                cross_entropy(module(x), y).backward()
                optimizer.step()

    return work


def ratio(one: Callable[[], object], other: Callable[[], object]) -> float:
    """Of the time of ``other`` to that of ``one``: its speed."""
    found = []
    for _ in range(ROUNDS):
        times = []
        for work in (one, other):
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
        found.append(times[1] / times[0])
    return statistics.median(found)


def main() -> None:
    by_hand = recipe(name="custom", factory="benchmarks.own:ByHand")
    built_in, residual = recipe(name="mlp", hidden=[64, 64]), recipe(name="transformer", width=16, depth=1, patch=4)
    data = tensors(read(by_hand.dataset))
    with quiet():
        same = ratio(stacked(by_hand, data), stacked(built_in, data))
        print(f"an mlp written by hand: {same:.2f} of the speed of the built-in one")
        beside = ratio(stacked(residual, data), plain(residual, data))
        print(f"a transformer, computed run by run: {beside:.2f} of the speed of a plain loop")


if __name__ == "__main__":
    main()

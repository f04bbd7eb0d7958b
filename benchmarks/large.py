"""Networks of some size on 12,000 rows, four seeds in a pack, against plain loops of one seed after the other.

python -m benchmarks.large {mlp,convnet}
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from study.axes.recipe import Recipe
from study.engine.determinism import stream
from study.engine.inputs.data import Data, Split
from study.engine.networks.network import build
from study.engine.pack import Run, train
from study.tasks import TASKS

ROWS, BATCH, SEEDS, ROUNDS = 12_000, 64, 4, 3
PART = 1024  # rows that the plain loop evaluates at once


class Case(NamedTuple):
    title: str
    network: dict[str, Any]
    shape: tuple[int, ...]

    @property
    def recipe(self) -> Recipe:
        """One epoch."""
        content = {
            "dataset": {"name": "digits"},
            "network": self.network,
            "optimizer": {"name": "sgd", "lr": 0.1},
            "batch_size": BATCH,
            "epochs": 1,
        }
        return Recipe.model_validate_json(json.dumps(content))

    def data(self) -> Data:
        """Noise, split 60/20/20."""
        noise = torch.Generator().manual_seed(0)

        def part(rows: int) -> Split:
            return Split(torch.randn(rows, *self.shape, generator=noise), torch.randint(10, (rows,), generator=noise))

        fifth = ROWS // 5
        return Data(TASKS["classification"], torch.Size(self.shape), 10, part(3 * fifth), part(fifth), part(fifth))


CASES = {
    "mlp": Case("784-256-256-10, batch 64, 4 seeds", {"name": "mlp", "hidden": [256, 256]}, (784,)),
    "convnet": Case("convnet [8, 16], 28 × 28, 4 seeds", {"name": "convnet", "channels": [8, 16]}, (1, 28, 28)),
}


def plain(recipe: Recipe, seed: int, data: Data) -> None:
    """One run: tensors indexed in place, torch's fused optimizer, nothing read back inside the loop."""
    model = recipe.network.build(data.shape, data.outputs, nn.ReLU, nn.Identity)
    model.load_state_dict(build(recipe, seed, data).state_dict(), strict=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=recipe.optimizer.lr, fused=True)
    order = stream(seed, "order")
    evaluate(model, data)
    model.train()
    x, y = data.train[:2]
    for rows in torch.split(torch.randperm(len(x), generator=order), BATCH):
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    evaluate(model, data)


@torch.inference_mode()
def evaluate(model: nn.Module, data: Data) -> list[torch.Tensor]:
    """Loss and accuracy on all three splits, ``PART`` rows at a time."""
    model.eval()
    found = []
    for x, y, *_ in (data.train, data.val, data.test):
        outputs = torch.cat([model(part) for part in x.split(PART)])
        found += [nn.functional.cross_entropy(outputs, y), (outputs.argmax(1) == y).float().mean()]
    return found


def speed(case: Case) -> float:
    """Of a pack, to that of plain loops: the ratio of median times, in turn, after one round to warm up."""
    torch.set_num_threads(1)
    recipe, data = case.recipe, case.data()
    ways: dict[str, Callable[[], object]] = {
        "plain": lambda: [plain(recipe, seed, data) for seed in range(SEEDS)],
        "pack": lambda: train([Run(recipe, seed) for seed in range(SEEDS)], data),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(1 + ROUNDS):
        for way, work in ways.items():
            start = time.perf_counter()
            work()
            if number:
                times[way].append(time.perf_counter() - start)
    return statistics.median(times["plain"]) / statistics.median(times["pack"])


if __name__ == "__main__":
    print(speed(CASES[sys.argv[1]]))

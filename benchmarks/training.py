"""Stacked training against a plain PyTorch loop: the same 180 runs, in turn, two processes each.

    python -m benchmarks.training [--quick]

Both train a 64-64-64-10 network on digits, batch 32, and evaluate all three splits after every epoch.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import Tensor, nn

from study.axes.recipe import Recipe
from study.engine.determinism import stream
from study.engine.inputs.data import Data, load
from study.engine.inputs.prepare import prepare
from study.engine.networks.network import build
from study.engine.pack import Run, train

OPTIMIZERS = ("sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw")
RATES = (1e-3, 1e-2, 1e-1)
PROCESSES = 2
PACK = 3  # arms in a pack: thirty runs, which is what a core caches
Curve = list[Tensor]  # per evaluation, the loss and accuracy of three splits


def recipe(optimizer: str, lr: float, epochs: int) -> Recipe:
    content = {
        "dataset": {"name": "digits"},
        "network": {"name": "mlp", "hidden": [64, 64]},
        "optimizer": {"name": optimizer, "lr": lr},
        "batch_size": 32,
        "epochs": epochs,
    }
    return Recipe.model_validate_json(json.dumps(content))


def stacked(arms: list[Recipe], seeds: int, data: Data) -> list[float]:
    """Final validation accuracy of every run."""
    packs = [arms[i : i + PACK] for i in range(0, len(arms), PACK)]
    records = [r for pack in packs for r in train([Run(a, s) for a in pack for s in range(seeds)], data)]
    return [record.curve[-1]["val_accuracy"] for record in records]


def plain(arms: list[Recipe], seeds: int, data: Data, fused: bool) -> list[float]:
    """The same by one run after another: tensors indexed in place, no DataLoader, no synchronization in the loop."""
    return [plain_run(a, s, data, fused)[-1].tolist()[3] for a in arms for s in range(seeds)]


def plain_run(recipe: Recipe, seed: int, data: Data, fused: bool) -> Curve:
    parameters = dict(build(recipe, seed, data).named_parameters())
    model = recipe.network.build(data.shape, data.outputs, nn.ReLU, nn.Identity)
    model.load_state_dict(parameters)
    optimizer = plain_optimizer(recipe, model, fused)
    order, curve = stream(seed, "order"), [evaluate(model, data)]
    x, y = data.train[:2]
    for _ in range(recipe.epochs):
        model.train()
        for rows in torch.split(torch.randperm(len(x), generator=order), recipe.batch_size):
            optimizer.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        curve.append(evaluate(model, data))
    return curve


def plain_optimizer(recipe: Recipe, model: nn.Module, fused: bool) -> torch.optim.Optimizer:
    parameters, lr = model.parameters(), recipe.optimizer.lr
    kernel = {"fused": True} if fused and recipe.optimizer.name != "rmsprop" else {"foreach": True}
    make: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "sgd": torch.optim.SGD,
        "momentum": partial(torch.optim.SGD, momentum=0.9),
        "adagrad": torch.optim.Adagrad,
        "rmsprop": torch.optim.RMSprop,
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }
    return make[recipe.optimizer.name](parameters, lr=lr, **kernel)


@torch.inference_mode()
def evaluate(model: nn.Module, data: Data) -> Tensor:
    model.eval()
    rows = []
    for x, y, *_ in (data.train, data.val, data.test):
        outputs = model(x)
        rows += [nn.functional.cross_entropy(outputs, y), (outputs.argmax(1) == y).float().mean()]
    return torch.stack(rows)


def work(way: str, arms: list[Recipe], seeds: int, path: Path) -> list[float]:
    torch.set_num_threads(1)
    data = load(path)
    if way == "stacked":
        return stacked(arms, seeds, data)
    return plain(arms, seeds, data, fused=way == "plain, fused")


def seconds(
    way: str, arms: list[Recipe], seeds: int, path: Path, pool: ProcessPoolExecutor
) -> tuple[float, list[float]]:
    """Wall time of all runs split over the processes, and their final validation accuracies, in order."""
    size = len(arms) // PROCESSES
    parts = [arms[i : i + size] for i in range(0, len(arms), size)]
    start = time.perf_counter()
    accuracies = [a for part in pool.map(partial(work, way, seeds=seeds, path=path), parts) for a in part]
    return time.perf_counter() - start, accuracies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="3 seeds and 3 epochs: a few seconds, rougher")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    epochs, seeds = (3, 3) if arguments.quick else (30, 10)
    arms = [recipe(optimizer, lr, epochs) for optimizer in OPTIMIZERS for lr in RATES]
    ways = ("stacked", "plain, fused", "plain, foreach")
    times: dict[str, list[float]] = {way: [] for way in ways}
    final: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool,
    ):
        path = Path(folder) / "digits.npz"
        prepare(arms[0].dataset, path)
        for way in ways:  # warm up: imports, allocations
            seconds(way, [recipe("sgd", 0.1, 1), recipe("adam", 0.1, 1)], 2, path, pool)
        for _ in range(arguments.rounds):
            for way in ways:
                elapsed, accuracies = seconds(way, arms, seeds, path, pool)
                times[way].append(elapsed)
                final[way] = statistics.fmean(accuracies)
        rows = len(load(path).train.x)
    steps = len(arms) * seeds * epochs * -(-rows // 32)
    print(f"{len(arms)} arms x {seeds} seeds, {epochs} epochs; {PROCESSES} processes of one thread; "
          f"torch {torch.__version__}, Python {platform.python_version()}")  # fmt: skip
    print(f"{'':16}{'seconds':>9}{'lowest':>9}{'highest':>9}{'us per run-step':>17}{'mean val_accuracy':>19}")
    for way in ways:
        median = statistics.median(times[way])
        each = median * PROCESSES / steps * 1e6
        print(f"{way:16}{median:9.2f}{min(times[way]):9.2f}{max(times[way]):9.2f}{each:17.1f}{final[way]:19.4f}")
    best = min(statistics.median(times[way]) for way in ways[1:])
    print(
        f"stacked training is {best / statistics.median(times['stacked']):.1f} times as fast as the faster plain loop"
    )


if __name__ == "__main__":
    main()

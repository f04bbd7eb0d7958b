"""Whether records on a GPU are what is promised: of their runs alone, and the same after an interruption."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap

from benchmarks.gpu.check import Bench, Broken
from benchmarks.gpu.samples import CONVNET, data, difference, recipe
from study.engine.checkpoint import Checkpoints
from study.engine.determinism import quiet
from study.engine.pack import Run, train
from study.engine.signals import Interrupted
from study.tasks import TASKS

NORMED = CONVNET | {"batch_norm": True}
PLATEAU = {"name": "plateau", "patience": 0, "threshold": 0.2}
CASES: dict[str, dict[str, Any]] = {
    "mlp, sgd": {"optimizer": "sgd", "lr": 0.1},
    "mlp, momentum, l2, cosine": {
        "optimizer": "momentum", "lr": 0.03, "regularizer": {"name": "l2"}, "schedule": {"name": "cosine"},
    },
    "mlp, adam, dropout": {"dropout": 0.3},
    "mlp, adagrad, l1": {"optimizer": "adagrad", "lr": 0.03, "regularizer": {"name": "l1"}},
    "mlp, rmsprop, plateau": {"optimizer": "rmsprop", "schedule": PLATEAU},
    "mlp, nadam": {"optimizer": "nadam"},
    "mlp, lion": {"optimizer": "lion", "lr": 0.001},
    "convnet, sgd": {"optimizer": "sgd", "lr": 0.1, "network": CONVNET},
    "convnet, adam, dropout": {"network": CONVNET, "dropout": 0.2},
    "convnet, batch norm, adamw": {"network": NORMED, "optimizer": "adamw"},
}  # fmt: skip
FEW = ("mlp, adam, dropout", "mlp, rmsprop, plateau", "convnet, batch norm, adamw")
CLOSE = 0.05  # relative: how far losses on a GPU and on a CPU may be apart after two epochs


def cases(bench: Bench) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, changes) for name, changes in CASES.items() if name in FEW or not bench.quick)


def packs(bench: Bench) -> str:
    """A run trained beside a copy of itself, once more, and in larger packs with other seeds and other rates."""
    rows, count = data(bench), 0
    several = (3, 6) if bench.quick else (3, 6, 64)
    lines: dict[str, dict[str, dict[str, float]]] = {}
    for name, changes in cases(bench):
        mine, other = recipe(**changes), recipe(**changes | {"lr": 0.5 * changes.get("lr", 0.003)})
        subject = Run(mine, 0)
        alone = train([subject], rows, bench.device)
        found = {"once more": difference(alone, train([subject], rows, bench.device))}
        for runs in several:  # in the midst of another seed of its own arm, and of another arm
            neighbours = [Run(mine, seed) for seed in range(1, runs // 2 + 1)]
            pack = [*neighbours, subject, *(Run(other, seed) for seed in range(runs - 1 - len(neighbours)))]
            made = train(pack, rows, bench.device)
            found[f"pack of {runs}"] = difference(alone, [made[pack.index(subject)]])
        if not mine.dropout:  # whose masks come from another generator there
            cpu = torch.device("cpu")
            found["a CPU"] = difference(alone, train([subject], data(bench, cpu), cpu))
            del found["a CPU"]["accuracies"]  # in which a row more or less is a jump
        lines[name], count = found, count + 1
        bench.note(differences=lines)
    wrong = list(broken(lines))
    if wrong:
        raise Broken(f"of {count} cases: {'; '.join(wrong)}")
    far = max(found["a CPU"]["losses"] for found in lines.values() if "a CPU" in found)
    among = ", ".join(map(str, several))
    return f"{count} cases have the same bits alone and in packs of {among}; losses within {far:.1g} of a CPU's"


def broken(lines: dict[str, dict[str, dict[str, float]]]) -> Iterator[str]:
    """What of ``lines`` (by case, what it was compared with, and part of the record) is not as promised."""
    for against in dict.fromkeys(against for found in lines.values() for against in found):
        apart = {name: max(found[against].values()) for name, found in lines.items() if against in found}
        far = {name: value for name, value in apart.items() if value > (CLOSE if against == "a CPU" else 0)}
        if far:
            trained = sum(lines[name][against]["training"] > 0 for name in far)
            where = "in training" if trained == len(far) else f"{trained} of them in training, else in evaluation only"
            which = " / ".join(far) if len(far) < 4 else f"{len(far)}"
            yield f"{against} differs in {which} ({where}) by up to {max(far.values()):.1g}"


def kernels(bench: Bench) -> str:
    """Operations of a step, one by one: which of them give a run other bits where more runs are beside it."""
    sizes = (2, 3, 6, 16) if bench.quick else (2, 3, 6, 16, 64, 256)
    found = {}
    with quiet():
        for name, work in operations(bench.device, max(sizes)).items():
            first = work(2)
            if not torch.equal(first, work(2)):
                raise Broken(f"{name}: the same operation twice has other bits")
            found[name] = {n: _apart(first, work(n)[:2]) for n in sizes[1:]}
            bench.note(differences=found)
    other = {name: [n for n, value in by.items() if value] for name, by in found.items()}
    words = [f"{name} (in packs of {', '.join(map(str, ns))})" for name, ns in other.items() if ns]
    same = f"{len(found) - len(words)} of {len(found)} operations have the same bits in packs of 2 to {sizes[-1]}"
    return f"{same}; others: {'; '.join(words)}" if words else same


def _apart(a: Tensor, b: Tensor) -> float:
    return 0.0 if torch.equal(a, b) else float((a - b).abs().max() / a.abs().max())


def operations(device: torch.device, most: int) -> dict[str, Callable[[int], Tensor]]:
    """By name, what takes a number of runs and returns the result of each, [runs, …]: those of ``study.engine``."""
    generator = torch.Generator().manual_seed(0)

    def made(*shape: int, runs: int = most) -> Tensor:
        return torch.randn(runs, *shape, generator=generator).to(device)

    x, weight, bias, grad, flat = made(32, 64), made(64, 64), made(64), made(32, 64), made(9024)
    few, classes, losses = made(32, 10), torch.arange(32, device=device) % 10, made(128)
    narrow, image, kernel_1, kernel = made(32, 1, 8, 8), made(32, 16, 4, 4), made(16, 1, 3, 3), made(32, 16, 3, 3)
    long = made(4 * most, 64, runs=2)

    def convolution(x: Tensor, kernel: Tensor, n: int, wanted: str = "") -> Tensor:
        inputs = {"inputs": x[:n].clone().requires_grad_(), "weights": kernel[:n].clone().requires_grad_()}
        out: Tensor = vmap(partial(nn.functional.conv2d, padding="same"))(*inputs.values())
        return torch.autograd.grad(out.square().sum(), inputs[wanted])[0] if wanted else out.detach()

    def batch_norm(n: int, wanted: bool = False) -> Tensor:
        inputs = image[:n].clone().requires_grad_()
        out: Tensor = vmap(lambda x: nn.functional.batch_norm(x, None, None, training=True))(inputs)
        return torch.autograd.grad(out.pow(3).sum(), inputs)[0] if wanted else out.detach()

    return {
        "products": lambda n: torch.baddbmm(bias[:n].unsqueeze(1), x[:n], weight[:n].mT),
        "products for gradients of inputs": lambda n: torch.bmm(grad[:n], weight[:n]),
        "products for gradients of weights": lambda n: torch.bmm(grad[:n].mT, x[:n]),
        "products of more rows": lambda n: torch.bmm(long[:, : 4 * n], weight[:2].mT)[:, :8],  # as in an evaluation
        "sums for gradients of biases": lambda n: grad[:n].sum(1),
        "norms": lambda n: torch.linalg.vector_norm(flat[:n], dim=1),
        "sums of parameters": lambda n: flat[:n].sum(1),
        "sums of losses in float64": lambda n: losses[:n].sum(1, dtype=torch.float64),
        "losses": lambda n: TASKS["classification"].losses(few[:n], classes.repeat(n)),
        "convolutions of one channel": lambda n: convolution(narrow, kernel_1, n),
        "their gradients of weights": lambda n: convolution(narrow, kernel_1, n, "weights"),
        "convolutions": lambda n: convolution(image, kernel, n),
        "gradients of their weights": lambda n: convolution(image, kernel, n, "weights"),
        "gradients of their inputs": lambda n: convolution(image, kernel, n, "inputs"),
        "batch norms": batch_norm,
        "gradients of batch norms": lambda n: batch_norm(n, wanted=True),
    }


def resume(bench: Bench) -> str:
    """Training that is interrupted twice and goes on from its checkpoints, against the same uninterrupted."""
    rows, lines = data(bench), {}
    for name, changes in cases(bench):
        runs = [Run(recipe(**changes), seed) for seed in range(3)]
        whole, stops = train(runs, rows, bench.device), [0.25, 0.6]  # of the budget
        resumed, starts = None, 0
        while resumed is None:
            starts += 1
            signals: list[int] = []
            watch = partial(interrupt, stops, signals)
            checkpoints = Checkpoints(bench.folder / "checkpoints", signals=signals, watch=watch)
            try:
                resumed = train(runs, rows, bench.device, checkpoints=checkpoints)
            except Interrupted as reason:
                print(f"{name}: {reason}", flush=True)
        if starts != 3:
            raise Broken(f"{name}: was started {starts} times, not 3")
        lines[name] = {"whole": difference(whole, resumed)}
        bench.note(differences=lines)
    wrong = list(broken(lines))
    if wrong:
        raise Broken(f"resumed after two interruptions, against the {'; '.join(wrong)}")
    return f"{len(lines)} cases, interrupted twice, have the same bits as uninterrupted ones"


def interrupt(stops: list[float], signals: list[int], done: int, budget: int) -> None:
    """Told of the steps done: asks for the end at the next of ``stops``."""
    if stops and done >= stops[0] * budget:
        stops.pop(0)
        signals.append(signal.SIGTERM)

"""Whether records on a GPU are what is promised: of their runs alone, and the same after an interruption."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap

from benchmarks.gpu.cases import APART, CASES, MORE, Cases, cases
from benchmarks.gpu.check import Bench, Broken
from benchmarks.gpu.samples import data, difference, recipe
from study.engine.checkpoint import Checkpoints
from study.engine.determinism import quiet
from study.engine.pack import Run, train
from study.engine.signals import Interrupted
from study.tasks import TASKS

Case = dict[
    str, dict[str, float]
]  # by what a case was compared with: the parts of the records and how far they are apart
CLOSE = 0.05  # relative: how far losses on a GPU and on a CPU may be apart after two epochs


def packs(bench: Bench) -> str:
    """Built-in networks, and what elementwise optimizers do with them."""
    several = (3, 6) if bench.quick else (3, 6, 64)
    return told(bench, compared(bench, CASES, lambda name, changes: beside(bench, name, changes, several)))


def axes(bench: Bench) -> str:
    """All other axes, optimizers and networks, also of one's own: packs, and interruptions."""

    def both(name: str, changes: dict[str, Any]) -> Case:
        return beside(bench, name, changes, (3, 6)) | interrupted(bench, name, changes)

    return told(bench, compared(bench, MORE, both))


def compared(bench: Bench, of: Cases, compare: Callable[[str, dict[str, Any]], Case]) -> dict[str, Case]:
    """What ``compare`` finds of each case. Raises Broken with what failed, when all have been tried."""
    lines, failed = {}, []
    for name, changes in cases(bench, of):
        try:
            lines[name] = compare(name, changes)
        except Exception as error:
            traceback.print_exc()
            failed.append(f"{name}: {type(error).__name__}: {str(error).strip().partition(chr(10))[0]}")
        bench.note(differences=lines)
    if failed:
        raise Broken("; ".join(failed))
    return lines


def beside(bench: Bench, name: str, changes: dict[str, Any], several: Sequence[int]) -> Case:
    """How far a run beside a copy of itself is from one once more, and from one in packs with other seeds and rates."""
    rows, mine = data(bench), recipe(**changes)
    other = recipe(**changes | {"lr": 0.5 * changes.get("lr", 0.003)})
    subject = Run(mine, 0)
    alone = train([subject], rows, bench.device)
    found = {"once more": difference(alone, train([subject], rows, bench.device))}
    for runs in several:  # in the midst of another seed of its own arm, and of another arm
        neighbours = [Run(mine, seed) for seed in range(1, runs // 2 + 1)]
        pack = [*neighbours, subject, *(Run(other, seed) for seed in range(runs - 1 - len(neighbours)))]
        made = train(pack, rows, bench.device)
        found[f"pack of {runs}"] = difference(alone, [made[pack.index(subject)]])
    if name not in APART:
        cpu = torch.device("cpu")
        found["a CPU"] = difference(alone, train([subject], data(bench, cpu), cpu))
    return found


def told(bench: Bench, lines: dict[str, Case]) -> str:
    """What was found of all cases. Raises Broken where that is not as promised."""
    wrong = list(broken(lines, bench.kind))
    if wrong:
        raise Broken(f"of {len(lines)} cases: {'; '.join(wrong)}")
    apart = {name: max(most(found[way], True) for way in found if "pack" in way) for name, found in lines.items()}
    other = [name for name, value in apart.items() if value]
    words = f"{len(lines) - len(other)} of {len(lines)} cases have the same bits in packs of every size"
    words += f" (apart by up to {max(apart.values()):.1g}: {' / '.join(other)})" if other else ""
    far = max(found["a CPU"]["losses"] for found in lines.values() if "a CPU" in found)
    return f"{words}; all the same once more; losses within {far:.1g} of a CPU's"


def most(found: dict[str, float], about: bool) -> float:
    """The largest difference; ``about``: but for accuracies, in which a row more or less is a jump."""
    return max(value for part, value in found.items() if part != "accuracies" or not about)


def broken(lines: dict[str, Case], kind: str) -> Iterator[str]:
    """What of ``lines`` (by case, what it was compared with, and part of the record) is not as promised.

    Packs are promised the same bits on a CPU: on a GPU an algorithm is chosen by how much there is to compute.
    """
    for against in dict.fromkeys(against for found in lines.values() for against in found):
        about = against == "a CPU" or (kind == "cuda" and "pack" in against)
        apart = {name: most(found[against], about) for name, found in lines.items() if against in found}
        far = {name: value for name, value in apart.items() if value > (CLOSE if about else 0)}
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
    lines = compared(bench, CASES, lambda name, changes: interrupted(bench, name, changes))
    wrong = list(broken(lines, bench.kind))
    if wrong:
        raise Broken("; ".join(wrong))
    return f"{len(lines)} cases, interrupted twice, have the same bits as uninterrupted ones"


def interrupted(bench: Bench, name: str, changes: dict[str, Any]) -> Case:
    """How far runs that were interrupted twice are from others. Raises Broken where they were not interrupted."""
    rows, runs = data(bench), [Run(recipe(**changes), seed) for seed in range(3)]
    whole, stops = train(runs, rows, bench.device), [0.25, 0.6]  # of the budget
    resumed, starts = None, 0
    while resumed is None:
        starts += 1
        signals: list[int] = []
        checkpoints = Checkpoints(
            bench.folder / "checkpoints", signals=signals, watch=partial(interrupt, stops, signals)
        )
        try:
            resumed = train(runs, rows, bench.device, checkpoints=checkpoints)
        except Interrupted as reason:
            print(f"{name}: {reason}", flush=True)
    if starts != 3:
        raise Broken(f"{name}: was started {starts} times, not 3")
    return {"two interruptions": difference(whole, resumed)}


def interrupt(stops: list[float], signals: list[int], done: int, budget: int) -> None:
    """Told of the steps done: asks for the end at the next of ``stops``."""
    if stops and done >= stops[0] * budget:
        stops.pop(0)
        signals.append(signal.SIGTERM)

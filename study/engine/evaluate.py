"""Loss and accuracy of every run of a stack on a split, without dropout."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from study.axes.dataset import Task
from study.engine.shard import ALONE, Shard
from study.engine.split import OwnSplit, Split
from study.engine.stack import Stack

EVALUATED = 2**13  # input values evaluated at once per run: fits the cache, and never depends on the pack


def row_losses(outputs: Tensor, y: Tensor, task: Task) -> Tensor:
    """Loss of every row, in nats or squared errors: outputs [runs, rows, outputs], y [runs · rows] → [runs, rows]."""
    if task == "classification":
        losses = nn.functional.cross_entropy(outputs.flatten(0, 1), y, reduction="none")
    else:
        losses = (outputs.flatten() - y).square()
    return losses.view_as(outputs[..., 0])


@torch.no_grad()
def evaluate(stack: Stack, split: Split | OwnSplit, task: Task, shard: Shard = ALONE) -> tuple[Tensor, Tensor]:
    """Mean loss and share of correct rows of each run, [runs] float64."""
    total = torch.zeros(stack.runs, dtype=torch.float64, device=stack.flat.device)
    correct = torch.zeros_like(total)
    size = max(16, EVALUATED // split.shape.numel())
    starts = range(0, split.rows, size)
    for start in starts[shard.of(len(starts))]:
        x, y = split.part(start, start + size, stack.runs)
        outputs = stack(x)
        total += row_losses(outputs, y, task).sum(1, dtype=torch.float64)
        if task == "classification":
            correct += (outputs.argmax(2) == y.view(stack.runs, -1)).sum(1)
    shard.sum(total, correct)
    return total / split.rows, correct / split.rows

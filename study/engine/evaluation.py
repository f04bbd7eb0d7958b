"""Losses and scores of all runs of a stack on the rows of a split."""

from __future__ import annotations

import torch
from torch import Tensor

from study.engine.inputs.data import Data, Split
from study.engine.networks.stack import Stack
from study.engine.shard import Shard

SUMMED = 2**13  # input values of a run whose losses are summed as one: the order of sums never depends on the pack
EVALUATED = 2**20  # input values of all runs evaluated at once: fits the cache


def means(stack: Stack, data: Data, split: Split, shard: Shard) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean loss of each run, and the scores of its rows where the task has them. [runs] float64"""
    task, runs = data.task, stack.runs
    total = torch.zeros(runs, dtype=torch.float64, device=split.x.device)
    tally = total.new_zeros(runs, 3, data.outputs if task.classes else 0)
    size = max(16, SUMMED // split.shape.numel())
    mine = range(0, split.rows, size)[shard.of(-(-split.rows // size))]
    at_once = 1 if stack.turn else runs  # what one run's network is given at a time depends on no other run
    many = size * max(1, EVALUATED // (at_once * size * split.shape.numel()))
    for start in range(mine.start, mine.stop, many):
        x, y = split.part(start, min(start + many, mine.stop), runs)
        outputs = stack(x)
        for losses in torch.split(task.losses(outputs, y), size, dim=1):
            total += losses.sum(1, dtype=torch.float64)
        if task.classes:
            tally += task.tally(outputs, y)
    shard.sum(total, tally)
    return total / split.rows, task.scores(tally) if task.classes else {}

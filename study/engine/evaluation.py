"""Losses and scores of all runs of a stack on the rows of every split."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from study.engine.inputs.data import SPLITS, Data, Split
from study.engine.networks.stack import Stack
from study.engine.row_results import RowResults
from study.engine.shard import Shard

SUMMED = 2**13  # input values of a run whose losses are summed as one: the order of sums never depends on the pack
EVALUATED = 2**20  # input values of all runs evaluated at once: fits the cache


class Evaluation(NamedTuple):
    losses: dict[str, Tensor]  # by split: the mean of each run. [runs] float64
    columns: dict[str, list[Any]]  # of curves, of each run
    by_row: RowResults | None  # of the test split, where they are asked for


def evaluate(stack: Stack, data: Data, shard: Shard, by_row: bool) -> Evaluation:
    """All runs on all three splits."""
    kept = RowResults(stack.runs, data.test, data.task) if by_row else None
    losses, columns = {}, {}
    for name in SPLITS:
        losses[name], scores = means(stack, data, getattr(data, name), shard, kept if name == "test" else None)
        columns[f"{name}_loss"] = losses[name].tolist()
        columns |= {f"{name}_{score}": values.tolist() for score, values in scores.items()}
    return Evaluation(losses, columns, kept)


def means(
    stack: Stack, data: Data, split: Split, shard: Shard, kept: RowResults | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
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
        losses = task.losses(outputs, y)
        for part in torch.split(losses, size, dim=1):
            total += part.sum(1, dtype=torch.float64)
        if task.classes:
            tally += task.tally(outputs, y)
        if kept:
            kept.add(start, task.right(outputs, y) if task.classes else None, losses)
    shard.sum(total, tally)
    if kept:
        kept.gather(shard)
    return total / split.rows, task.scores(tally) if task.classes else {}

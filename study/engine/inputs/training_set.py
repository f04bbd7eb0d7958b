"""What runs are trained on, where that is not all training rows as they are: a share of them, and wrong labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from study.engine.determinism import stream
from study.engine.inputs.data import Data, Split
from study.engine.inputs.prepare import random_state
from study.engine.slices import Run


def training_set(data: Data, runs: Sequence[Run]) -> Data:
    """``data``, which are those of ``runs``, with the training rows and labels that each of them is to have.

    Raises ValueError where labels are to be wrong and there are none.
    """
    if runs[0].recipe.train_share < 1:
        data = data._replace(train=_share(data, runs))
    if any(run.recipe.label_noise for run in runs):
        if not data.task.classes:
            raise ValueError(f"a {data.task.name} has no labels; use label_noise 0")
        data = data._replace(train=data.train._replace(labels=_noisy(data, runs)))
    return data


def _share(data: Data, runs: Sequence[Run]) -> Split:
    """The share of the training rows that ``runs`` have in common; scaling and split are those of all rows.

    It is drawn as the split is, so that what verdicts generalise over is said in one place: by ``split_seed`` the
    share is the same for all seeds, as the split is; ``by_seed`` each draws its own.
    """
    split, recipe = data.train, runs[0].recipe
    draws = [recipe.dataset.split_seed]
    if split.first is not None:  # there is a copy of the rows for each seed
        draws = [random_state(draws[0], seed) for seed in dict.fromkeys(run.seed for run in runs)]
    rows, kept = split.rows, recipe.training_rows(split.rows)
    target = split.y.cpu().numpy() if data.task.classes else None
    each = []
    for copy, draw in enumerate(draws):
        drawn = torch.randperm(rows, generator=stream(draw, "train_share")).numpy()
        own = None if target is None else target[copy * rows : (copy + 1) * rows]
        each.append(copy * rows + np.sort(stratified(drawn, own)[:kept]))
    index = torch.from_numpy(np.concatenate(each)).to(split.x.device)
    first = None if split.first is None else split.first // rows * kept
    return Split(split.x[index], split.y[index], first, split.seeds)


def stratified(drawn: np.ndarray, strata: np.ndarray | None) -> np.ndarray:
    """Rows, as they were ``drawn``, in an order of which every beginning has the same shares of ``strata``. [rows]"""
    if strata is None:
        return drawn
    place = np.empty(len(drawn))  # of each row within its stratum, from 0 to 1
    for stratum in np.unique(strata):
        mine = drawn[strata[drawn] == stratum]
        place[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    ordered: np.ndarray = drawn[np.argsort(place[drawn], kind="stable")]
    return ordered


def _noisy(data: Data, runs: Sequence[Run]) -> Tensor:
    """The training labels of every run, a share of them replaced by one of the other classes. [runs, rows]

    What is wrong at a smaller share is wrong at a larger one too, and in the same way.
    """
    rows = data.train.rows
    every = torch.arange(rows, device=data.train.x.device).expand(len(runs), -1)
    labels = data.train.take(every)[1].view(len(runs), rows).clone()
    for run, own in zip(runs, labels, strict=True):
        generator = stream(run.seed, "label_noise")
        drawn = torch.randperm(rows, generator=generator)[: round(run.recipe.label_noise * rows)]
        other = torch.randint(1, data.outputs, (rows,), generator=generator)
        wrong = drawn.to(own.device)
        own[wrong] = (own[wrong] + other[drawn].to(own.device)) % data.outputs
    return labels

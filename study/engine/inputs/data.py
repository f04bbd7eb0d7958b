"""The rows of a prepared dataset as tensors, as the runs of a pack read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from study.axes.datasets.raw import Raw
from study.engine.inputs.prepare import Fold, Prepared, Scaled, random_state, scaled
from study.errors import Damaged
from study.store.seal import ARRAYS, set_aside
from study.tasks import TASKS, Task

SPLITS = ("train", "val", "test")


def load(path: Path, device: torch.device | str = "cpu") -> Data:
    """A prepared dataset as tensors on ``device``. Raises Damaged where the file is not what was prepared.

    Then it is set aside, and prepared again by the next run of a study.
    """
    content = path.open("rb")  # what the system has against that is no damage
    try:
        with content, np.load(content) as file:
            features, target, split, about = (file[name] for name in ARRAYS)
            found = Prepared(features, target, split, json.loads(str(about)))
    except MemoryError:
        raise
    except Exception as error:  # of many kinds, by what the byte that changed was for: its archive has checksums
        raise set_aside(Damaged(path, "is damaged")) from error
    if (name := found.about.get("dataset", path.stem)) != path.stem:
        raise set_aside(Damaged(path, f"is not its own: it holds dataset {name}"))
    return tensors(found, device)


def tensors(prepared: Prepared, device: torch.device | str = "cpu") -> Data:
    features, target, split, about = prepared
    task = TASKS[about["task"]]
    draw = None
    if about["split_seed"] is not None:
        raw = Raw(features, target, task.name, about["classes"], split == 2 if about["given_test"] else None)
        draw = partial(own_splits, raw, about["images"], about["split_seed"], about.get("fold"), device)
    parts = draw([0]) if draw else splits([(features, target, split)], device)
    return Data(task, features.shape[1:], task.outputs(about["classes"]), *parts, draw=draw)


class Data(NamedTuple):
    task: Task
    shape: tuple[int, ...]  # of one row
    outputs: int  # of a network
    train: Split
    val: Split
    test: Split
    draw: Callable[[Sequence[int]], tuple[Split, Split, Split]] | None = None  # where seeds draw; above is seed 0's

    def of(self, seeds: Sequence[int]) -> Data:
        """As runs with these ``seeds``, in their order, read it."""
        return Data(*self[:3], *self.draw(seeds)) if self.draw else self


class Split(NamedTuple):
    """Rows that all runs share; or, where ``first`` says so, of which each run reads those that its seed drew."""

    x: Tensor  # [rows, *shape] float32; or [seeds · rows, *shape], those of one seed after those of another
    y: Tensor  # [rows] int64 classes, or [rows] float32 standardized targets
    first: Tensor | None = None  # [runs, 1] int64: where the rows of each run begin
    seeds: int = 1
    labels: Tensor | None = None  # [runs, rows] in place of ``y``, where runs have their own

    @property
    def rows(self) -> int:
        """Of one run."""
        return len(self.x) // self.seeds

    @property
    def shape(self) -> torch.Size:
        """Of one row."""
        return self.x.shape[1:]

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """The rows ``index`` [runs, rows] of each run: features [runs, rows, *shape] and targets [runs · rows]."""
        flat = (index if self.first is None else index + self.first).flatten()
        y = self.y.index_select(0, flat) if self.labels is None else self.labels.gather(1, index).flatten()
        return self.x.index_select(0, flat).view(*index.shape, *self.shape), y

    def part(self, start: int, stop: int, runs: int) -> tuple[Tensor, Tensor]:
        """As ``take``, the same consecutive rows for each of ``runs``; shared ones are not copied."""
        if self.first is None:
            x = self.x[start:stop]
            y = self.y[start:stop].repeat(runs) if self.labels is None else self.labels[:, start:stop].flatten()
            return x.expand(runs, *x.shape), y
        return self.take(torch.arange(start, min(stop, self.rows), device=self.x.device).expand(runs, -1))


def splits(
    each: Sequence[Scaled], device: torch.device | str, copies: Tensor | None = None
) -> tuple[Split, Split, Split]:
    """Training, validation and test rows on ``device``; ``copies`` [runs, 1]: which of ``each`` a run reads."""

    def part(code: int) -> Split:
        x = np.concatenate([features[split == code] for features, _, split in each])
        y = np.concatenate([target[split == code] for _, target, split in each])
        first = None if copies is None else copies * (len(x) // len(each))
        return Split(torch.from_numpy(x).to(device), torch.from_numpy(y).to(device), first, len(each))

    return part(0), part(1), part(2)


def own_splits(
    raw: Raw, images: bool, split_seed: int, fold: Fold | None, device: torch.device | str, seeds: Sequence[int]
) -> tuple[Split, Split, Split]:
    """The rows of runs with these ``seeds``, each of which draws its own; runs of one seed share its copy.

    Raises ValueError where a seed's training rows cannot be scaled.
    """
    distinct = list(dict.fromkeys(seeds))
    each = [scaled(raw, images, random_state(split_seed, seed), fold) for seed in distinct]
    return splits(each, device, torch.tensor([[distinct.index(seed)] for seed in seeds], device=device))

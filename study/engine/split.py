"""Rows for training, validation and test: which they are, how they are scaled, and how the runs of a pack read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from study.axes.dataset import Raw, Task
from study.plan.arm import split_sizes


class Split(NamedTuple):
    """Rows that all runs share."""

    x: Tensor  # [rows, *shape] float32
    y: Tensor  # [rows] int64 classes, or [rows] float32 standardized targets

    @property
    def rows(self) -> int:
        return len(self.x)

    @property
    def shape(self) -> torch.Size:
        """Of one row."""
        return self.x.shape[1:]

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """The rows ``index`` [runs, rows]: features [runs, rows, *shape] and targets [runs · rows]."""
        flat = index.flatten()
        return self.x.index_select(0, flat).view(*index.shape, *self.shape), self.y.index_select(0, flat)

    def part(self, start: int, stop: int, runs: int) -> tuple[Tensor, Tensor]:
        """As ``take``, the same consecutive rows for each of ``runs``; they are not copied."""
        x = self.x[start:stop]
        return x.expand(runs, *x.shape), self.y[start:stop].repeat(runs)


class OwnSplit(NamedTuple):
    """Rows of which each run reads those that its seed drew."""

    drawn: Split  # [seeds · rows, …]: those of one seed after those of another
    first: Tensor  # [runs, 1] int64: where those of each run begin
    rows: int  # of one run

    @property
    def shape(self) -> torch.Size:
        return self.drawn.shape

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """The rows ``index`` [runs, rows], counted from each run's first; shapes as ``Split.take`` gives them."""
        return self.drawn.take(index + self.first)

    def part(self, start: int, stop: int, runs: int) -> tuple[Tensor, Tensor]:
        index = torch.arange(start, min(stop, self.rows), device=self.first.device)
        return self.take(index.expand(runs, -1))


class Unsplit(NamedTuple):
    """A dataset that the seed of each run splits; on the CPU, its splits on ``device``."""

    raw: Raw
    images: bool
    split_seed: int
    device: torch.device | str

    def draw(self, seeds: Sequence[int]) -> tuple[OwnSplit, OwnSplit, OwnSplit]:
        """Training, validation and test rows of runs with these ``seeds``; runs of one seed share its copy.

        Raises ValueError where a seed's training rows cannot be scaled.
        """
        distinct = list(dict.fromkeys(seeds))
        each = [scaled(self.raw, self.images, random_state(self.split_seed, seed)) for seed in distinct]
        copies = torch.tensor([[distinct.index(seed)] for seed in seeds], device=self.device)

        def part(code: int) -> OwnSplit:
            x = np.concatenate([features[split == code] for features, _, split in each])
            y = np.concatenate([target[split == code] for _, target, split in each])
            rows = len(x) // len(distinct)
            drawn = Split(torch.from_numpy(x).to(self.device), torch.from_numpy(y).to(self.device))
            return OwnSplit(drawn, copies * rows, rows)

        return part(0), part(1), part(2)


def random_state(split_seed: int, seed: int) -> int:
    """What scikit-learn draws the split of run seed ``seed`` from: numpy's way to make one seed of two. 32 bits"""
    return int(np.random.SeedSequence([split_seed, seed]).generate_state(1)[0])


def scaled(raw: Raw, images: bool, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features [rows, *shape] float32 and target [rows], scaled by the training rows of a split, and that split [rows].

    Raises ValueError where the rows cannot be split, or the target has one value only.
    """
    split = assign(raw.target, raw.task, raw.test, seed)
    train = split == 0
    features = scale(raw.features.astype(np.float64), train, images).astype(np.float32)
    if raw.task == "classification":
        return features, raw.target.astype(np.int64), split
    if np.ptp(raw.target[train]) == 0:
        raise ValueError("the target has one value only")
    target = (raw.target - raw.target[train].mean()) / raw.target[train].std()
    return features, target.astype(np.float32), split


def assign(target: np.ndarray, task: Task, test: np.ndarray | None, seed: int) -> np.ndarray:
    """0, 1 or 2 (train, validation, test) for every row, stratified for classes. [rows] int8"""
    from sklearn.model_selection import train_test_split

    def part(rows: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        classes = target[rows] if task == "classification" else None
        kept, taken = train_test_split(rows, test_size=size, random_state=seed, stratify=classes)
        return kept, taken

    split = np.zeros(len(target), dtype=np.int8)
    rows = np.arange(len(target))
    if test is None:
        _, n_val, n_test = split_sizes(len(target))
        rows, held_out = part(rows, n_test)
    else:
        rows, held_out = rows[~test], rows[test]
        n_val = -(-len(rows) // 5)
    _, validation = part(rows, n_val)
    split[validation], split[held_out] = 1, 2
    return split


def scale(features: np.ndarray, train: np.ndarray, images: bool) -> np.ndarray:
    """Pixels divided by their maximum; other features standardized by the training rows, constant ones 0."""
    scaled: np.ndarray
    if images:
        scaled = features / (features[train].max() or 1.0)
    else:
        mean, std = features[train].mean(axis=0), features[train].std(axis=0)
        constant = np.ptp(features[train], axis=0) == 0
        scaled = np.where(constant, 0.0, (features - mean) / np.where(constant, 1.0, std))
    return scaled

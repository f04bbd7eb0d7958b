"""A dataset prepared once and stored as one file; and its rows as tensors, as the runs of a pack read them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from study.axes.dataset import Dataset, Raw
from study.axes.recipe import split_sizes
from study.store.checksums import Sums
from study.tasks import TASKS, Task

SPLITS = ("train", "val", "test")


class Prepared(NamedTuple):
    """A dataset as it is stored: split and scaled; or as it was read and with the split of seed 0, where seeds draw."""

    features: np.ndarray  # [rows, *shape]
    target: np.ndarray  # [rows]
    split: np.ndarray  # [rows] 0, 1 or 2: train, validation, test
    about: dict[str, Any]


def prepare(dataset: Dataset, path: Path) -> None:
    """Read ``dataset`` and write it to ``path`` (.npz) in one step.

    Raises ValueError as ``read`` does, and where its files are not those that were planned.
    """
    Sums(path.parent / "sums.json").resolve(dataset, Path())
    found = read(dataset)
    about = json.dumps(found.about | {"sha256": checksum(found)})
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.npz")
    np.savez_compressed(beside, about=np.array(about), features=found.features, target=found.target, split=found.split)
    os.replace(beside, path)


def read(dataset: Dataset) -> Prepared:
    """``dataset``, ready to be stored. Raises ValueError where it cannot be split or has values that are not finite."""
    raw = dataset.load()
    if not (np.isfinite(raw.features).all() and np.isfinite(raw.target).all()):
        raise ValueError(f"{dataset.name}: has values that are not finite")
    by_seed = dataset.split == "by_seed"
    try:
        seed = random_state(dataset.split_seed, 0) if by_seed else dataset.split_seed
        features, target, split = scaled(raw, dataset.images, seed)
    except ValueError as error:
        raise ValueError(f"{dataset.name}: {error}") from error
    if by_seed:
        features, target = raw.features, raw.target
    about = {
        "dataset": dataset.model_dump(mode="json"),
        "task": raw.task,
        "classes": raw.classes,
        "images": dataset.images,
        "given_test": raw.test is not None,
    }
    return Prepared(features, target, split, about)


def load(path: Path, device: torch.device | str = "cpu") -> Data:
    """A prepared dataset as tensors on ``device``. Raises ValueError where the file is not what was prepared."""
    with np.load(path) as file:
        found = Prepared(file["features"], file["target"], file["split"], json.loads(str(file["about"])))
    if checksum(found) != found.about["sha256"]:
        raise ValueError(f"{path}: is damaged; delete it, and it is prepared again")
    return tensors(found, device)


def tensors(prepared: Prepared, device: torch.device | str = "cpu") -> Data:
    features, target, split, about = prepared
    task, shape = TASKS[about["task"]], features.shape[1:]
    outputs = task.outputs(about["classes"])
    if about["dataset"].get("split") == "by_seed":
        raw = Raw(features, target, task.name, about["classes"], split == 2 if about["given_test"] else None)
        unsplit = Unsplit(raw, about["images"], about["dataset"]["split_seed"], device)
        return Data(task, shape, outputs, *unsplit.draw([0]), unsplit=unsplit)
    train, val, test = (
        Split(
            torch.from_numpy(features[split == code]).to(device),
            torch.from_numpy(target[split == code]).to(device),
        )
        for code in range(3)
    )
    return Data(task, shape, outputs, train, val, test)


def checksum(prepared: Prepared) -> str:
    """SHA-256 of the arrays."""
    return hashlib.sha256(b"".join(array.tobytes() for array in prepared[:3])).hexdigest()


class Data(NamedTuple):
    task: Task
    shape: tuple[int, ...]  # of one row
    outputs: int  # of a network
    train: Split | OwnSplit
    val: Split | OwnSplit
    test: Split | OwnSplit
    unsplit: Unsplit | None = None  # where seeds draw the split; what stands above is then that of seed 0

    def of(self, seeds: Sequence[int]) -> Data:
        """As runs with these ``seeds``, in their order, read it."""
        if self.unsplit is None:
            return self
        train, val, test = self.unsplit.draw(seeds)
        return self._replace(train=train, val=val, test=test, unsplit=None)


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

    Raises ValueError where the rows cannot be split, or nothing can be learned from its target.
    """
    task = TASKS[raw.task]
    split = assign(raw.target.size, task.strata(raw.target), raw.test, seed)
    features = scale(raw.features.astype(np.float64), split == 0, images).astype(np.float32)
    return features, task.scaled(raw.target, split == 0), split


def assign(count: int, strata: np.ndarray | None, test: np.ndarray | None, seed: int) -> np.ndarray:
    """0, 1 or 2 (train, validation, test) for every row, with the same shares of ``strata`` in each. [count] int8"""
    from sklearn.model_selection import train_test_split

    def part(rows: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        alike = None if strata is None else strata[rows]
        kept, taken = train_test_split(rows, test_size=size, random_state=seed, stratify=alike)
        return kept, taken

    split = np.zeros(count, dtype=np.int8)
    rows = np.arange(count)
    if test is None:
        _, n_val, n_test = split_sizes(count)
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

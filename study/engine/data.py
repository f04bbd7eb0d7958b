"""A dataset prepared once and stored as one file; and its rows as tensors, as the runs of a pack read them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from study.axes.dataset import Dataset, Raw
from study.axes.recipe import split_sizes
from study.store.checksums import Sums
from study.store.files import replacing
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
    with replacing(path) as beside:
        np.savez_compressed(beside, **found._asdict() | {"about": np.array(json.dumps(found.about))})


def read(dataset: Dataset) -> Prepared:
    """``dataset``, ready to be stored.

    Raises ValueError where it is not what its class says, cannot be split, or has values that are not finite.
    """
    raw = dataset.load()
    facts = {"known_task": raw.task, "rows": len(raw.target), "given_test": raw.test is not None}
    if dataset.images:
        facts["images"] = raw.features.ndim == 4
    for fact, found in facts.items():
        if (said := getattr(dataset, fact)) not in (None, found):
            raise ValueError(f"{dataset.name}: its class says {fact} = {said!r}, its data have {found!r}; correct it")
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
        "split_seed": dataset.split_seed if by_seed else None,
        "task": raw.task,
        "classes": raw.classes,
        "images": dataset.images,
        "given_test": raw.test is not None,
    }
    return Prepared(features, target, split, about)


def load(path: Path, device: torch.device | str = "cpu") -> Data:
    """A prepared dataset as tensors on ``device``. Raises ValueError where the file is not what was prepared."""
    try:
        with path.open("rb") as content, np.load(content) as file:
            found = Prepared(file["features"], file["target"], file["split"], json.loads(str(file["about"])))
    except (ValueError, EOFError, zlib.error, BadZipFile) as error:  # its archive has checksums
        raise ValueError(f"{path}: is damaged; delete it, and it is prepared again") from error
    return tensors(found, device)


def tensors(prepared: Prepared, device: torch.device | str = "cpu") -> Data:
    features, target, split, about = prepared
    task = TASKS[about["task"]]
    draw = None
    if about["split_seed"] is not None:
        raw = Raw(features, target, task.name, about["classes"], split == 2 if about["given_test"] else None)
        draw = partial(own_splits, raw, about["images"], about["split_seed"], device)
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
        return self.x.index_select(0, flat).view(*index.shape, *self.shape), self.y.index_select(0, flat)

    def part(self, start: int, stop: int, runs: int) -> tuple[Tensor, Tensor]:
        """As ``take``, the same consecutive rows for each of ``runs``; shared ones are not copied."""
        if self.first is None:
            x = self.x[start:stop]
            return x.expand(runs, *x.shape), self.y[start:stop].repeat(runs)
        return self.take(torch.arange(start, min(stop, self.rows), device=self.x.device).expand(runs, -1))


Scaled = tuple[np.ndarray, np.ndarray, np.ndarray]  # features, target and split, a row each


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
    raw: Raw, images: bool, split_seed: int, device: torch.device | str, seeds: Sequence[int]
) -> tuple[Split, Split, Split]:
    """The rows of runs with these ``seeds``, each of which draws its own; runs of one seed share its copy.

    Raises ValueError where a seed's training rows cannot be scaled.
    """
    distinct = list(dict.fromkeys(seeds))
    each = [scaled(raw, images, random_state(split_seed, seed)) for seed in distinct]
    return splits(each, device, torch.tensor([[distinct.index(seed)] for seed in seeds], device=device))


def random_state(split_seed: int, seed: int) -> int:
    """What scikit-learn draws the split of run seed ``seed`` from: numpy's way to make one seed of two. 32 bits"""
    return int(np.random.SeedSequence([split_seed, seed]).generate_state(1)[0])


def scaled(raw: Raw, images: bool, seed: int) -> Scaled:
    """Features [rows, *shape] float32 and target [rows], scaled by the training rows of a split, and that split [rows].

    Raises ValueError where the rows cannot be split, or nothing can be learned from its target.
    """
    task = TASKS[raw.task]
    split = assign(raw.target.size, raw.target if task.classes else None, raw.test, seed)
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

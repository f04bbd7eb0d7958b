"""Datasets, prepared once: split, scaled, stored as one file; and loaded as tensors on the device."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from study.axes.dataset import Dataset, Task
from study.plan.arm import split_sizes
from study.plan.sources import Sums

SPLITS = ("train", "val", "test")


class Split(NamedTuple):
    x: Tensor  # [rows, *shape] float32
    y: Tensor  # [rows] int64 classes, or [rows] float32 standardized targets


class Data(NamedTuple):
    task: Task
    shape: tuple[int, ...]  # of one row
    outputs: int  # classes, or 1
    train: Split
    val: Split
    test: Split


def prepare(dataset: Dataset, path: Path) -> None:
    """Read, split and scale ``dataset`` and write it to ``path`` (.npz) in one step.

    Raises ValueError where it cannot be split, holds values that are not finite, or is not what was planned.
    """
    Sums(path.parent / "sums.json").resolve(dataset, Path())
    raw = dataset.load()
    if not (np.isfinite(raw.features).all() and np.isfinite(raw.target).all()):
        raise ValueError(f"{dataset.name}: has values that are not finite")
    split = assign(raw.target, raw.task, raw.test, dataset.split_seed)
    train = split == 0
    features = scale(raw.features.astype(np.float64), train, dataset.images)
    target = raw.target
    if raw.task == "regression":
        if np.ptp(target[train]) == 0:
            raise ValueError(f"{dataset.name}: the target has one value only")
        target = (target - target[train].mean()) / target[train].std()
    features = features.astype(np.float32)
    target = target.astype(np.int64 if raw.task == "classification" else np.float32)
    about = {
        "dataset": dataset.model_dump(mode="json"),
        "task": raw.task,
        "classes": raw.classes,
        "sha256": checksum(features, split, target),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.npz")
    np.savez_compressed(beside, about=np.array(json.dumps(about)), features=features, target=target, split=split)
    os.replace(beside, path)


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


def checksum(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def load(path: Path, device: torch.device | str = "cpu") -> Data:
    """A prepared dataset as tensors on ``device``. Raises ValueError where the file is not what was prepared."""
    with np.load(path) as file:
        about = json.loads(str(file["about"]))
        features, target, split = file["features"], file["target"], file["split"]
    if checksum(features, split, target) != about["sha256"]:
        raise ValueError(f"{path}: is damaged; delete it, and it is prepared again")
    parts = [
        Split(
            torch.from_numpy(features[split == code]).to(device),
            torch.from_numpy(target[split == code]).to(device),
        )
        for code in range(3)
    ]
    classes = about["classes"]
    return Data(about["task"], features.shape[1:], classes or 1, *parts)

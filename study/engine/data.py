"""Datasets, prepared once and stored as one file; and loaded as tensors on the device."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from study.axes.dataset import Dataset, Raw, Task
from study.engine.split import OwnSplit, Split, Unsplit, random_state, scaled
from study.store.checksums import Sums

SPLITS = ("train", "val", "test")


class Data(NamedTuple):
    task: Task
    shape: tuple[int, ...]  # of one row
    outputs: int  # classes, or 1
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


def prepare(dataset: Dataset, path: Path) -> None:
    """Read ``dataset`` and write it to ``path`` (.npz) in one step: split and scaled, unless seeds draw the split.

    Then features and target are as they were read, and the split is that of seed 0.
    Raises ValueError where it cannot be split, holds values that are not finite, or is not what was planned.
    """
    Sums(path.parent / "sums.json").resolve(dataset, Path())
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
        "sha256": checksum(features, split, target),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.npz")
    np.savez_compressed(beside, about=np.array(json.dumps(about)), features=features, target=target, split=split)
    os.replace(beside, path)


def checksum(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def load(path: Path, device: torch.device | str = "cpu") -> Data:
    """A prepared dataset as tensors on ``device``. Raises ValueError where the file is not what was prepared."""
    with np.load(path) as file:
        about = json.loads(str(file["about"]))
        features, target, split = file["features"], file["target"], file["split"]
    if checksum(features, split, target) != about["sha256"]:
        raise ValueError(f"{path}: is damaged; delete it, and it is prepared again")
    task, classes, shape = about["task"], about["classes"], features.shape[1:]
    if about["dataset"].get("split") == "by_seed":
        raw = Raw(features, target, task, classes, split == 2 if about["given_test"] else None)
        unsplit = Unsplit(raw, about["images"], about["dataset"]["split_seed"], device)
        return Data(task, shape, classes or 1, *unsplit.draw([0]), unsplit=unsplit)
    train, val, test = (
        Split(
            torch.from_numpy(features[split == code]).to(device),
            torch.from_numpy(target[split == code]).to(device),
        )
        for code in range(3)
    )
    return Data(task, shape, classes or 1, train, val, test)

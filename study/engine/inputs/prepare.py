"""A dataset read, split and scaled, and stored as one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from study.axes.dataset import Dataset, split_sizes
from study.axes.datasets.raw import Raw
from study.store.checksums import check_unchanged
from study.store.files import replacing
from study.tasks import TASKS
from study.wording import sized

Fold = tuple[int, int]  # which part, from 0, and of how many
Scaled = tuple[np.ndarray, np.ndarray, np.ndarray]  # features, target and split, a row each


class Prepared(NamedTuple):
    """A dataset as it is stored: split and scaled; or as it was read and with the split of seed 0, where seeds draw."""

    features: np.ndarray  # [rows, *shape]
    target: np.ndarray  # [rows]
    split: np.ndarray  # [rows] 0, 1 or 2: train, validation, test
    about: dict[str, Any]

    @property
    def lines(self) -> list[str]:
        """What it was taken for, for a log."""
        sizes, rows = np.bincount(self.split).tolist(), self.about["rows"]
        parts = f"rows: {sizes[0]} training, {sizes[1]} validation, {sizes[2]} test"
        lines = [f"{parts}, each of {sized(self.features.shape[1:])}", *self.about["summary"]]
        if self.about["columns"]:
            lines.append(f"columns: {'; '.join(self.about['columns'])}")
        if self.about["classes"]:
            names = self.about["labels"] or range(self.about["classes"])
            each = (f"{name}: {count}" for name, count in zip(names, rows, strict=True))
            lines.append(f"rows of each class: {', '.join(each)}")
        return lines


def prepare(dataset: Dataset, path: Path) -> Prepared:
    """Read ``dataset`` and write it to ``path`` (.npz) in one step.

    Raises ValueError as ``read`` does, and where its files are not those that were planned.
    """
    check_unchanged(dataset)
    found = read(dataset)
    check_unchanged(dataset)  # nor while it was read
    with replacing(path) as beside:
        about = json.dumps(found.about | {"dataset": path.stem})
        np.savez_compressed(beside, **found._asdict() | {"about": np.array(about)})
    return found


def read(dataset: Dataset) -> Prepared:
    """``dataset``, ready to be stored.

    Raises ValueError where it is not what its class says, cannot be split, or has values that are not finite.
    """
    raw = dataset.load()
    facts: dict[str, Any] = {
        "known_task": raw.task,
        "known_rows": len(raw.target),
        "known_shape": raw.features.shape[1:],
        "known_counts": tuple(zip(raw.labels, np.bincount(raw.target).tolist(), strict=True)) if raw.labels else (),
        "given_test": raw.test is not None,
        "images": raw.features.ndim == 4,
    }
    for fact, found in facts.items():
        if (said := getattr(dataset, fact)) not in (None, (), found):
            raise ValueError(f"{dataset.title}: its class says {fact} = {said!r}, its data have {found!r}; correct it")
    raw.check_finite()
    raw = raw.sample(dataset.rows)
    if dataset.folds and raw.test is not None:
        raise ValueError(f"{dataset.name}: has a test split of its own; take folds out")
    fold = (dataset.fold, dataset.folds) if dataset.folds else None
    by_seed, images = dataset.split == "by_seed", facts["images"]
    try:
        seed = random_state(dataset.split_seed, 0) if by_seed else dataset.split_seed
        features, target, split = scaled(raw, images, seed, fold)
    except ValueError as error:
        raise ValueError(f"{dataset.name}: {error}") from error
    if by_seed:
        features, target = raw.features, raw.target
    about = {
        "split_seed": dataset.split_seed if by_seed else None,
        "task": raw.task,
        "classes": raw.classes,
        "labels": raw.labels,
        "rows": np.bincount(raw.target).tolist() if raw.classes else len(raw.target),
        "images": images,
        "given_test": raw.test is not None,
        "fold": fold,
        "columns": raw.columns,
        "summary": raw.summary,
    }
    return Prepared(features, target, split, about)


def random_state(split_seed: int, seed: int) -> int:
    """What scikit-learn draws the split of run seed ``seed`` from: numpy's way to make one seed of two. 32 bits"""
    return int(np.random.SeedSequence([split_seed, seed]).generate_state(1)[0])


def scaled(raw: Raw, images: bool, seed: int, fold: Fold | None = None) -> Scaled:
    """Features [rows, *shape] float32 and target [rows], scaled by the training rows of a split, and that split [rows].

    ``fold``: which, and of how many, is the test part. Raises ValueError where the rows cannot be split, or nothing can
    be learned from its target.
    """
    task = TASKS[raw.task]
    strata, test = raw.target if task.classes else None, raw.test
    if fold:
        which, folds = fold
        drawn = np.random.default_rng(seed).permutation(raw.target.size)
        dealt = drawn if strata is None else drawn[np.argsort(strata[drawn], kind="stable")]  # class after class
        test = np.zeros(raw.target.size, dtype=bool)
        test[dealt[which::folds]] = True
    split = assign(raw.target.size, strata, test, seed)
    known = filled(raw.features.astype(np.float64), split == 0)
    features = scale(known, split == 0, images).astype(np.float32)
    return features, task.scaled(raw.target, split == 0), split


def assign(count: int, strata: np.ndarray | None, test: np.ndarray | None, seed: int) -> np.ndarray:
    """0, 1 or 2 (train, validation, test) for every row, with the same shares of ``strata`` in each. [count] int8"""
    from sklearn.model_selection import train_test_split

    def part(rows: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        alike = None if strata is None else strata[rows]
        try:
            kept, taken = train_test_split(rows, test_size=size, random_state=seed, stratify=alike)
        except ValueError as error:
            fewest = "" if alike is None else f", of which the rarest class has {np.unique_counts(alike).counts.min()}"
            words = f"{len(rows)} rows{fewest}, are too few to be split; give each class 3 rows at least"
            raise ValueError(words) from error
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


def filled(features: np.ndarray, train: np.ndarray) -> np.ndarray:
    """NaN replaced by the median of what the training rows have in the same column."""
    if not (holes := np.isnan(features)).any():
        return features
    gaps = holes.any(axis=0)
    if holes[train].all(axis=0).any():
        raise ValueError("a column has no value in any training row, so that there is no median; leave it out (drop:)")
    medians = np.zeros(features.shape[1])
    medians[gaps] = np.nanmedian(features[train][:, gaps], axis=0)
    complete: np.ndarray = np.where(holes, medians, features)
    return complete


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

"""Data made on the spot and recipes over them, as large as digits: what the checks train."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch

from benchmarks.gpu.check import Bench
from study.axes.recipe import Recipe
from study.engine.inputs.data import Data, tensors
from study.engine.inputs.prepare import Prepared
from study.engine.record import Record
from study.store.layout import Store

ROWS, FEW = 1797, 250  # of digits, and for a quick try
CONVNET = {"name": "convnet", "channels": [16, 32], "batch_norm": False}
SPLITS = ("train", "val", "test")


def prepared(rows: int) -> Prepared:
    """Images of ten classes, 8 × 8: one for each class, and noise; split 60/20/20."""
    rng, fifth = np.random.default_rng(0), rows // 5
    target = rng.integers(0, 10, rows)
    features = rng.random((10, 1, 8, 8))[target] + rng.normal(0, 0.7, (rows, 1, 8, 8))
    split = np.repeat([0, 1, 2], [rows - 2 * fifth, fifth, fifth]).astype("int8")
    about = {"split_seed": None, "task": "classification", "classes": 10, "images": True, "given_test": False}
    return Prepared(features.astype("float32"), target, split, about)


def data(bench: Bench, device: torch.device | None = None) -> Data:
    return tensors(prepared(FEW if bench.quick else ROWS), device or bench.device)


def store(bench: Bench, *recipes: Recipe) -> Store:
    """A results folder in which the data of ``recipes`` lie."""
    found, content = Store(bench.folder), prepared(FEW if bench.quick else ROWS)
    for recipe in recipes:
        path = found.dataset(recipe.dataset_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **content._asdict() | {"about": np.array(json.dumps(content.about))})
    return found


def recipe(optimizer: str = "adam", lr: float = 0.003, **changes: Any) -> Recipe:
    """Adam on a 64-64-64-10 network, two epochs in batches of 32, unless ``changes`` say otherwise."""
    content = {
        "dataset": {"name": "digits"},
        "network": {"name": "mlp", "hidden": [64, 64]},
        "optimizer": {"name": optimizer, "lr": lr},
        "batch_size": 32,
        "epochs": 2,
    }
    return Recipe.model_validate_json(json.dumps(content | changes))


def difference(records: Sequence[Record], others: Sequence[Record]) -> dict[str, float]:
    """The largest relative differences between the numbers of records; 0 where all have the same bits.

    ``training``: of norms of gradients and weights.
    """
    pairs = list(zip(records, others, strict=True))
    if any((a.steps, a.reason, len(a.curve)) != (b.steps, b.reason, len(b.curve)) for a, b in pairs):
        return dict.fromkeys(("training", "losses", "accuracies"), float("inf"))
    rows = [both for a, b in pairs for both in zip(a.curve, b.curve, strict=True)]
    norms = chain(
        ((a.weight_norm, b.weight_norm) for a, b in pairs), ((a["grad_norm"], b["grad_norm"]) for a, b in rows)
    )
    return {
        "training": max(apart(a, b) for a, b in norms),
        "losses": max(apart(a[f"{split}_loss"], b[f"{split}_loss"]) for a, b in rows for split in SPLITS),
        "accuracies": max(apart(a[f"{split}_accuracy"], b[f"{split}_accuracy"]) for a, b in rows for split in SPLITS),
    }


def apart(a: float | None, b: float | None) -> float:
    if a is None or b is None:
        return 0.0 if a is b else float("inf")
    return abs(a - b) / max(abs(a), abs(b)) if a != b else 0.0

"""The split that a seed draws, by scikit-learn alone."""

from __future__ import annotations

import numpy as np
import torch
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from study.engine.inputs.data import Data, Split
from study.tasks import TASKS


def by_hand(name: str, seed: int, split_seed: int = 0) -> Data:
    """The rows of ``dataset: {name: …, split: by_seed}`` that a run with ``seed`` reads."""
    loaded = getattr(datasets, f"load_{name}")(**({"scaled": False} if name == "diabetes" else {}))
    state = int(np.random.SeedSequence([split_seed, seed]).generate_state(1)[0])
    classes = loaded.target if name != "diabetes" else None
    fifth = -(-len(loaded.target) // 5)
    both, test = train_test_split(np.arange(len(loaded.target)), test_size=fifth, random_state=state, stratify=classes)
    left = None if classes is None else classes[both]
    train, val = train_test_split(both, test_size=fifth, random_state=state, stratify=left)
    x, y = loaded.data, loaded.target
    if name == "digits":
        x = loaded.images[:, None] / loaded.images[train].max()
    else:
        x = StandardScaler().fit(x[train]).transform(x)
    if classes is None:
        y = StandardScaler().fit(y[train, None]).transform(y[:, None])[:, 0].astype(np.float32)
    each = [np.sort(rows) for rows in (train, val, test)]  # in the order of the file
    parts = [Split(torch.from_numpy(x[rows]).float(), torch.from_numpy(y[rows])) for rows in each]
    outputs = 1 if classes is None else int(classes.max()) + 1
    task = TASKS["regression" if classes is None else "classification"]
    return Data(task, x.shape[1:], outputs, *parts)

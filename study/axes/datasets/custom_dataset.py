"""A dataset of a person's own, by import path."""

from __future__ import annotations

from typing import Literal

from study.axes.custom import Custom
from study.axes.dataset import Dataset, Raw


class CustomDataset(Dataset, Custom):
    """Your own: ``factory(**settings)`` gives features [rows, …] and target [rows].

    Where ``test`` is given, so are then those of the test rows. A target of whole numbers, truth values or texts makes
    it a classification. ``rows_are``: images are [channels, height, width].
    """

    name: Literal["custom"] = "custom"
    known_task = None
    rows_are: Literal["features", "images"] = "features"
    test: Literal["drawn", "given"] = "drawn"

    @property
    def images(self) -> bool:  # type: ignore[override]
        return self.rows_are == "images"

    @property
    def given_test(self) -> bool:  # type: ignore[override]
        return self.test == "given"

    def load(self) -> Raw:
        """Raises ValueError where what the factory gives is not that."""
        import numpy as np
        import pandas as pd

        made = self.call()
        parts = [np.asarray(part) for part in made] if isinstance(made, tuple | list) else []
        wanted = 4 if self.given_test else 2
        sizes = [len(part) if part.ndim else 0 for part in parts]
        if len(parts) != wanted or sizes[::2] != sizes[1::2] or min(sizes) == 0:
            words = "features and target" + ", and those of the test rows" * self.given_test
            raise ValueError(f"{self.factory}: gave no {words}, as many rows of both")
        features, target = np.concatenate(parts[::2]).astype(np.float64), np.concatenate(parts[1::2])
        test = np.arange(len(target)) >= sizes[0] if self.given_test else None
        if not self.images:
            features = features.reshape(len(features), -1)
        if target.ndim > 1:
            raise ValueError(f"{self.factory}: its target has the shape {target.shape}; give one value a row")
        if target.dtype.kind == "f":
            return Raw(features, target.astype(np.float64), "regression", test=test)
        codes, classes = pd.factorize(target, sort=True)
        if (codes < 0).any():
            raise ValueError(f"{self.factory}: row {int((codes < 0).argmax())} of its target is missing; leave it out")
        if len(classes) < 2:
            raise ValueError(f"{self.factory}: its target has one class only; a classification needs two")
        return Raw(features, codes.astype(np.int64), "classification", len(classes), test, tuple(map(str, classes)))

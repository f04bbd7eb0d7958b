"""A dataset of a person's own, by import path."""

from __future__ import annotations

from typing import Literal

from study.axes.code import own_line
from study.axes.custom import Custom
from study.axes.dataset import LookedAt
from study.axes.datasets.raw import Found, Raw, Unfit
from study.wording import counted, listed, sized


class CustomDataset(LookedAt, Custom):
    """Your own: ``factory(**settings)`` gives features [rows, …] and target [rows].

    Where ``test`` is given, so are then those of the test rows. A target of whole numbers, truth values or texts makes
    it a classification. ``rows_are``: images are [channels, height, width].
    """

    name: Literal["custom"] = "custom"
    rows_are: Literal["features", "images"] = "features"
    test: Literal["drawn", "given"] = "drawn"

    def load(self) -> Raw:
        """Raises ValueError where the factory raises, or what it gives is not that; or not what was planned."""
        raw = self._read()
        if self.found and self.found.checksum not in ("", found := checksum(raw)):
            words = f"gives other data than when it was planned (SHA-256 {found}, then {self.found.checksum})"
            raise Unfit("factory", f"{self.factory}: {words}; seed what it draws, or run the same command again")
        return raw

    def look(self) -> Found:
        raw = self._read()
        try:
            found = self.examined(raw)
        except Unfit as error:
            raise self._unfit("; ".join(error.words)) from error
        return found.model_copy(update={"checksum": checksum(raw)})

    def _read(self) -> Raw:
        import numpy as np
        import pandas as pd

        try:
            made = self.call()
        except (Exception, SystemExit) as error:
            words = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
            raise Unfit("factory", f"{self.factory}: {words}{own_line(error)}; correct it") from error
        try:
            parts = [np.asarray(part) for part in made] if isinstance(made, tuple | list) else []
        except ValueError as error:
            raise self._unfit("rows of its features, or its target, differ in length; give one shape") from error
        given = self.test == "given"
        wanted = 4 if given else 2
        sizes = [len(part) if part.ndim else 0 for part in parts]
        if len(parts) != wanted or sizes[::2] != sizes[1::2] or min(sizes) == 0:
            words = "features and target" + ", and those of the test rows" * given
            numbers = f" of {listed([f'{size:,}' for size in sizes])} rows" if len(parts) == wanted else ""
            gave = f"{counted(len(parts), 'array')}{numbers}" if parts else type(made).__name__
            raise self._unfit(f"gave {gave}; give {words}, as many rows of both")
        for x in parts[::2]:
            if x.dtype.kind not in "buif":
                raise self._unfit(f"its features are of type {x.dtype}; give numbers")
            if x.shape[1:] != parts[0].shape[1:] or not x[0].size:
                shapes = " and ".join(sized(one.shape) for one in parts[::2])
                raise self._unfit(f"its features are {shapes}; give rows of one shape")
        for y in parts[1::2]:
            if y.ndim > 1:
                raise self._unfit(f"its target has the shape {y.shape}; give one value a row")
        features, target = np.concatenate(parts[::2]).astype(np.float64), np.concatenate(parts[1::2])
        test = np.arange(len(target)) >= sizes[0] if given else None
        if self.rows_are == "features":
            features = features.reshape(len(features), -1)
        elif features.ndim != 4:
            raise self._unfit(f"its features are {sized(features.shape)}, and images [rows, channels, height, width]")
        if target.dtype.kind == "f":
            return Raw(features, target.astype(np.float64), "regression", test=test)
        if target.dtype.kind not in "buiUSO":
            raise self._unfit(f"its target is of type {target.dtype}; give numbers, truth values or texts")
        kinds = {type(value).__name__ for value in target[~pd.isna(target)]} if target.dtype.kind == "O" else set()
        if len(kinds) > 1 or "float" in kinds:
            raise self._unfit(f"its target is of objects ({', '.join(sorted(kinds))}); give numbers, or texts")
        codes, classes = pd.factorize(target, sort=True)
        if (codes < 0).any():
            raise self._unfit(f"row {int((codes < 0).argmax()) + 1} of its target is missing; leave it out")
        if len(classes) < 2:
            raise self._unfit("its target has one class only; a classification needs two")
        return Raw(features, codes.astype(np.int64), "classification", len(classes), test, tuple(map(str, classes)))

    def _unfit(self, words: str) -> Unfit:
        return Unfit("factory", f"{self.factory}: {words}")


def checksum(raw: Raw) -> str:
    """SHA-256 of what a factory gave."""
    import hashlib

    import numpy as np

    found = hashlib.sha256(repr((raw.task, raw.labels, raw.features.shape)).encode())
    for part in (raw.features, raw.target):
        found.update(np.ascontiguousarray(part).data)
    return found.hexdigest()

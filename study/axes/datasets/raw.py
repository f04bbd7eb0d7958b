"""What data are as they were read, before they are split and scaled; and what planning needs to know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field

from study.axes.base import Frozen
from study.tasks import TASKS, TaskName
from study.wording import counted, sized

if TYPE_CHECKING:
    import numpy as np

LARGEST = 1e150  # of values, so that their squares are finite
FEWEST = 5  # rows: one to test, one to validate
SPLIT = 3  # rows of a class: one of them is drawn at most, and two can be split again
SAMPLE = 0  # seed of the rows that ``rows:`` takes: the same in every study


class Raw(NamedTuple):
    """A dataset as read, with all its rows: they are split, and scaled by the training rows, afterwards.

    ``features`` [rows, features], or [rows, channels, height, width] of images: any finite numbers. ``target`` [rows]:
    codes 0 … ``classes`` - 1 (int64) of a classification, values in their own unit (float64) of a regression, whose
    ``classes`` are 0. ``test`` [rows] bool: the rows of a test split that comes with the data; None: a fifth is drawn.
    ``labels``: of the classes, for people. ``missing``: NaN among the features is filled in by medians of the training
    rows. ``columns``: what each of a table was taken for; ``summary``: the same in a few phrases.
    """

    features: np.ndarray
    target: np.ndarray
    task: TaskName
    classes: int = 0
    test: np.ndarray | None = None
    labels: tuple[str, ...] = ()
    missing: bool = False
    columns: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()

    def sample(self, count: int | None) -> Raw:
        """So many rows, in their order: of every class, and of given test rows, their share (up to one row).

        None: all. Raises ValueError where there are fewer.
        """
        import numpy as np

        rows = len(self.target)
        if count is None:
            return self
        if count > rows:
            raise Unfit("rows", f"there are {rows} rows; give rows: {rows} at most, or take it out")
        order = np.random.default_rng(SAMPLE).permutation(rows)
        strata = self.target if TASKS[self.task].classes else np.zeros(rows)
        test = np.zeros(rows, dtype=bool) if self.test is None else self.test
        order = order[np.lexsort((strata[order], test[order]))]  # stable: alike rows stay as they were drawn
        taken = np.sort(order[((np.arange(count) + 0.5) * rows / count).astype(int)])
        return self._replace(
            features=self.features[taken],
            target=self.target[taken],
            test=None if self.test is None else self.test[taken],
        )

    def found(self, folds: int | None = None) -> Found:
        """What planning needs to know of it, and people want to. ``folds``: parts, of which one is the test part.

        Raises ValueError where it cannot be split.
        """
        import numpy as np

        rows, test_rows = len(self.target), 0 if self.test is None else int(self.test.sum())
        if self.test is not None and not test_rows:
            raise Unfit("path", "the test split that comes with the data is empty; fill it, or take it out")
        if folds and test_rows:
            raise Unfit("folds", "there is a test split already; take folds out")
        if folds and folds > rows:
            raise Unfit("folds", f"{rows} rows make no {folds} parts; give folds: {rows} at most")
        left = rows - (-(-rows // folds) if folds else test_rows)
        fewest = -(-left // 5)  # rows of a part that is drawn
        if rows < FEWEST or fewest < self.classes:
            needs = f"at least {max(FEWEST, 5 * self.classes - 4)}" + f" for {self.classes} classes" * bool(
                self.classes
            )
            raise Unfit("path", f"{left if folds else rows - test_rows} rows are too few to be split; give {needs}")
        if not self.classes and self.target.min() == self.target.max():
            raise Unfit("path", "the target has one value only; nothing can be learned from it")
        if self.features.min() == self.features.max():
            raise Unfit("path", "all features are the same in all rows; nothing can be learned from them")
        if self.features.ndim == 4 and self.features.max() <= 0:
            raise Unfit("path", "images have no value above 0, and pixels are divided by their maximum; give others")
        if self.classes:
            self._check_classes(folds)
        counts = np.bincount(self.target, minlength=self.classes).tolist() if self.classes else []
        names = self.labels or tuple(map(str, range(self.classes)))
        by_size = sorted(zip(counts, names, strict=True), key=lambda each: -each[0])
        return Found(
            task=self.task,
            rows=rows,
            test_rows=test_rows,
            shape=self.features.shape[1:],
            classes=self.classes,
            largest=by_size[0][::-1] if by_size else None,
            smallest=by_size[-1][::-1] if by_size else None,
            summary="; ".join(self.summary),
        )

    def check_finite(self) -> None:
        """Missing values of a table are filled in; all else is to be finite. Raises ValueError with row and column."""
        import numpy as np

        if not self.features.size or not self.features[:1].size:
            raise Unfit("path", f"the features are {sized(self.features.shape)}: there are none; give some")
        features = self.features.reshape(len(self.features), -1)
        if features.dtype.kind in "iu" and max(abs(int(features.min())), abs(int(features.max()))) > 2**53:
            raise Unfit("path", "features are whole numbers of more digits than are kept; give another unit")
        if features.dtype.kind != "f":
            features = np.zeros((len(features), 0))  # whole numbers are finite
        odd = np.isinf(features) if self.missing else ~np.isfinite(features)
        for what, wrong in (("features", odd.any(axis=1)), ("target", ~np.isfinite(self.target))):
            if wrong.any():
                row = int(wrong.argmax())
                where = f"row {row + 1}"
                if what == "features" and self.features.ndim == 2:
                    where += f", column {int(odd[row].argmax()) + 1}"
                words = f"{what} are" if what == "features" else f"the {what} is"
                raise Unfit("path", f"{words} not finite ({where}); correct it, or take it out")
        size = np.abs(self.target.astype(np.float64)).max()
        if size > LARGEST or 0 < size < 1 / LARGEST:
            raise Unfit(
                "path", f"values of the target are too large or too small to be scaled ({size:.3g}); give another unit"
            )
        largest = np.fmax.reduce(np.abs(features), axis=0, initial=0.0, dtype=np.float64)  # [features]
        for far, words in ((largest > LARGEST, "large"), ((largest > 0) & (largest < 1 / LARGEST), "small")):
            if far.any():
                column = (
                    f"column {int(far.argmax()) + 1} of the features: its values" if features.ndim == 2 else "values"
                )
                raise Unfit("path", f"{column} are too {words} to be scaled ({largest[far][0]:.3g}); give another unit")

    def _check_classes(self, folds: int | None) -> None:
        """Each is to be among the training rows, whatever split is drawn."""
        import numpy as np

        names = self.labels or tuple(map(str, range(self.classes)))
        drawn = self.target if self.test is None else self.target[~self.test]
        counts = np.bincount(drawn, minlength=self.classes).tolist()
        needed = SPLIT - 1 if self.test is not None else SPLIT + (folds == 2)
        if len({*self.target.tolist()}) < 2:
            raise Unfit("path", f"there is one class only, {names[self.target[0]]!r}; a classification needs two")
        unnamed = set() if self.labels else {*range(self.classes)}.difference(self.target.tolist())  # as 0 in 1 to 26
        rare = min((code for code in range(self.classes) if code not in unnamed), key=counts.__getitem__)
        if counts[rare] >= needed:
            return
        of = "" if self.test is None else " to train on"
        many = counted(counts[rare], "row") if counts[rare] else "no row"
        words = f"class {names[rare]!r} has {many}{of}, too few to be split; give each class {needed} at least"
        raise Unfit("path", words)


class Unfit(ValueError):
    """Data that cannot be used. ``setting``: of the dataset, that is to be changed; ``words``: each its own line."""

    def __init__(self, setting: str, *words: str) -> None:
        super().__init__("; ".join(words))
        self.setting, self.words = setting, words


class Absent(Unfit):
    """Data that are not there now, and may have been."""


class Found(Frozen):
    """What was read of data in files when they were planned with; it follows from them, so it is no part of an id."""

    task: TaskName
    rows: int
    test_rows: int = 0  # of them, where these are given
    shape: Annotated[tuple[int, ...], Field(strict=False)]  # of one row
    classes: int = 0
    largest: Annotated[tuple[str, int] | None, Field(strict=False)] = None  # class, and its rows
    smallest: Annotated[tuple[str, int] | None, Field(strict=False)] = None
    summary: str = ""  # of a table, what its columns were taken for; of arrays, which are left out
    checksum: str = ""  # of what is not in files of one's own

"""Datasets: four that scikit-learn carries with it, and what all others have in common.

Those in files are in ``study.axes.datasets.files``, tables in ``study.axes.datasets.table``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from study.axes.base import Axis, Choice, whole
from study.axes.datasets.raw import Found, Raw
from study.tasks import TASKS, TaskName

Seed = Annotated[int, Field(ge=0, lt=2**31)]
LONGEST = 80  # letters of a label


def one_line(text: str) -> str:
    if not text.strip() or len(text) > LONGEST or not text.isprintable():
        raise ValueError(f"give one line of at most {LONGEST} letters")
    return text


class Dataset(Choice):
    """What its class says of the data is planned with, before they are read; ``read`` refuses data that differ."""

    axis = Axis(
        "What is learned from.", "datasets", shared=True, step=whole, length="epoch",
        untunable="is what the arms are trained on; take it out",
    )  # fmt: skip
    internal = frozenset({"found"})
    aside = ("label", "path", "cache", "found")
    known_task: ClassVar[TaskName | None]  # which every class says; None where only the data tell
    images: ClassVar[bool | None] = False  # rows are [channels, height, width], scaled by their maximum; None: as found
    given_test: ClassVar[bool | None] = False  # some rows are a test split already; None: as found
    known_rows: ClassVar[int | None] = None  # how many, where that is known
    known_shape: ClassVar[tuple[int, ...]] = ()  # of one row, where that is known
    known_classes: ClassVar[int] = 0  # how many, where that is known
    known_counts: ClassVar[tuple[tuple[str, int], ...]] = ()  # rows of each class, where these differ much
    looked_at: ClassVar[bool] = False  # see ``LookedAt``
    split_seed: Seed = 0
    split: Literal["fixed", "by_seed"] = "fixed"  # by_seed: each run's seed draws its own, the same for all arms
    folds: Annotated[int, Field(ge=2, le=100)] | None = None  # parts of equal size, of which one is the test part
    fold: Annotated[int, Field(ge=0)] = 0  # which, from 0
    rows: Annotated[int, Field(ge=10)] | None = None  # so many, drawn by a fixed seed, with the shares of the classes
    label: Annotated[str, AfterValidator(one_line)] | None = None  # what pages and tables call it
    found: Found | None = None  # what planning read of it

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        concrete, said = isinstance(cls.model_fields["name"].default, str), getattr(cls, "known_task", "")
        if concrete and not isinstance(said, property) and said not in (None, *TASKS):
            known = " or ".join(f'"{task}"' for task in TASKS)
            raise TypeError(f"{cls.__name__} says no task; give known_task = {known}, None where only its data tell")

    @property
    def has_no_classes(self) -> bool:
        """Whether its task is known to have none."""
        return self.known_task is not None and not TASKS[self.known_task].classes

    @model_validator(mode="after")
    def has_so_many(self) -> Self:
        if self.rows and self.known_rows and self.rows > self.known_rows:
            raise ValueError(f"{self.name!r} has {self.known_rows} rows; give fewer")
        return self

    @model_validator(mode="after")
    def has_the_fold(self) -> Self:
        if self.folds is None and self.fold:
            raise ValueError(f"fold {self.fold} is of no folds; give folds: 5, say, too")
        if self.folds is not None and self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} is not one of 0 to {self.folds - 1}; give one of these")
        if self.folds and (self.given_test or (self.found and self.found.test_rows)):
            raise ValueError(f"{self.name!r} has a test split of its own; take folds out")
        return self

    @property
    def sizes(self) -> tuple[int, int, int] | None:
        """Rows for training, validation and test, where these are known before the data are read."""
        rows = self.found.rows if self.found else self.rows or self.known_rows
        if not rows or (self.given_test and not self.found):
            return None
        test = len(range(self.fold, rows, self.folds)) if self.folds else self.found.test_rows if self.found else 0
        if not test:
            return split_sizes(rows)
        fifth = -(-(rows - test) // 5)
        return rows - test - fifth, fifth, test

    @property
    def tests_drawn(self) -> bool:
        """Whether the test rows are known to be drawn from the others, since the data come without a test split."""
        return not self.found.test_rows if self.found else self.given_test is False

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row, where that is known before the data are read; else empty."""
        return self.found.shape if self.found else self.known_shape

    @property
    def classes(self) -> int:
        """How many, where that is known before the data are read; else 0."""
        return self.found.classes if self.found else self.known_classes

    @property
    def counts(self) -> tuple[tuple[str, int], tuple[str, int]] | None:
        """The largest and the smallest class with their rows, where these are known before the data are read."""
        if self.found:
            return (self.found.largest, self.found.smallest) if self.found.largest and self.found.smallest else None
        by_size = sorted(self.known_counts, key=lambda item: -item[1])
        return (by_size[0], by_size[-1]) if by_size and not self.rows else None

    @property
    def sources(self) -> tuple[str, ...]:
        """The files that are read; their bytes enter the id, their names do not. Raises FileNotFoundError."""
        return ()

    @property
    def title(self) -> str:
        return self.label or super().title

    @property
    def named(self) -> str:
        """What people know the data by."""
        return self.title

    def load(self) -> Raw:
        """All its rows. Raises ValueError where they cannot be used."""
        raise NotImplementedError

    def look(self) -> Found:
        """What planning keeps in mind of the data. Raises ValueError where they cannot be used."""
        return self.examined(self.load())

    def examined(self, raw: Raw) -> Found:
        """The same of all its rows, once they were read. Raises as ``look`` does."""
        raw.check_finite()
        return raw.sample(self.rows).found(self.folds)


class Digits(Dataset):
    """1,797 images of handwritten digits, 8 × 8 pixels, ten classes (UCI; Alpaydin and Kaynak, 1998)."""

    name: Literal["digits"] = "digits"
    known_task = "classification"
    images = True
    known_rows = 1797
    known_shape = (1, 8, 8)
    known_classes = 10

    def load(self) -> Raw:
        from sklearn.datasets import load_digits

        data = load_digits()
        return Raw(data.images[:, None], data.target, "classification", self.known_classes)


class BreastCancer(Dataset):
    """569 tumours, 30 measurements, two classes (UCI; Street et al., 1993)."""

    name: Literal["breast_cancer"] = "breast_cancer"
    known_task = "classification"
    known_rows = 569
    known_shape = (30,)
    known_classes = 2
    known_counts = (("malignant", 212), ("benign", 357))

    def load(self) -> Raw:
        from sklearn.datasets import load_breast_cancer

        data = load_breast_cancer()
        return Raw(
            data.data, data.target, "classification", self.known_classes, labels=tuple(map(str, data.target_names))
        )


class Wine(Dataset):
    """178 wines, 13 measurements, three cultivars (UCI; Aeberhard and Forina, 1991)."""

    name: Literal["wine"] = "wine"
    known_task = "classification"
    known_rows = 178
    known_shape = (13,)
    known_classes = 3

    def load(self) -> Raw:
        from sklearn.datasets import load_wine

        data = load_wine()
        return Raw(data.data, data.target, "classification", self.known_classes)


class Diabetes(Dataset):
    """442 patients, ten measurements, disease progression after a year (Efron et al., 2004). Regression."""

    name: Literal["diabetes"] = "diabetes"
    known_task = "regression"
    known_rows = 442
    known_shape = (10,)

    def load(self) -> Raw:
        from sklearn.datasets import load_diabetes

        data = load_diabetes(scaled=False)
        return Raw(data.data, data.target, "regression")


class LookedAt(Dataset):
    """Data that are read when they are planned with, once; what their class does not say of them is as it was found."""

    looked_at = True

    @property
    def known_task(self) -> TaskName | None:  # type: ignore[override]
        return getattr(self, "task", None) or (self.found.task if self.found else None)

    @property
    def images(self) -> bool | None:  # type: ignore[override]
        return len(self.found.shape) > 1 if self.found else None

    @property
    def given_test(self) -> bool | None:  # type: ignore[override]
        return self.found.test_rows > 0 if self.found else None


class FromFiles(LookedAt):
    path: Annotated[str, Field(min_length=1)]
    sha256: str | None = None  # of the source bytes; filled in at planning, refused where it differs

    @property
    def named(self) -> str:
        return self.label or Path(self.path).name

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.path,)

    def fingerprint(self, sums: list[str]) -> str:
        """One sum of those of the ``sources``, in their order."""
        import hashlib

        return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()


def split_sizes(rows: int) -> tuple[int, int, int]:
    """Rows for training, validation and test: 60/20/20 %, rounded up for the last two."""
    fifth = -(-rows // 5)
    return rows - 2 * fifth, fifth, fifth

"""Datasets: four that scikit-learn carries with it, folders of MNIST-format files, and tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from study.axes.base import Axis, Choice, whole
from study.tasks import TaskName

if TYPE_CHECKING:
    import numpy as np

Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Raw(NamedTuple):
    """A dataset as read: before splitting and scaling."""

    features: np.ndarray  # [rows, ...] any real numbers
    target: np.ndarray  # [rows] class codes 0 … classes - 1 (int64), or values (float64)
    task: TaskName
    classes: int  # 0 where the target has none
    test: np.ndarray | None  # [rows] bool: rows of a given test split


class Dataset(Choice):
    images: ClassVar[bool] = False  # rows are [channels, height, width], scaled by their maximum
    given_test: ClassVar[bool] = False  # some rows are a test split already
    rows: ClassVar[int | None] = None  # where known without reading
    split_seed: Seed = 0
    split: Literal["fixed", "by_seed"] = "fixed"  # by_seed: each run's seed draws its own, the same for all arms

    @property
    def known_task(self) -> TaskName | None:
        """The task where it is known before the data is read."""
        return "classification"

    @property
    def sources(self) -> tuple[str, ...]:
        """The files or folders that are read; their bytes enter the id, their names do not."""
        return ()

    def differing(self) -> dict[str, Any]:
        return {key: value for key, value in super().differing().items() if key != "path"}

    def check_sources(self) -> None:
        """What can be told of the files without reading them whole. Raises LookupError or OSError."""

    def load(self) -> Raw:
        raise NotImplementedError


DATASET = Axis(
    "What is learned from.",
    "datasets",
    Dataset,
    shared=True,
    step=whole,
    untunable="is what the arms are trained on; take it out",
)


class Digits(Dataset):
    """1,797 images of handwritten digits, 8 × 8 pixels, ten classes (UCI; Alpaydin and Kaynak, 1998)."""

    name: Literal["digits"] = "digits"
    images = True
    rows = 1797

    def load(self) -> Raw:
        from sklearn.datasets import load_digits

        data = load_digits()
        return Raw(data.images[:, None], data.target, "classification", 10, None)


class BreastCancer(Dataset):
    """569 tumours, 30 measurements, two classes (UCI; Street et al., 1993)."""

    name: Literal["breast_cancer"] = "breast_cancer"
    rows = 569

    def load(self) -> Raw:
        from sklearn.datasets import load_breast_cancer

        data = load_breast_cancer()
        return Raw(data.data, data.target, "classification", 2, None)


class Wine(Dataset):
    """178 wines, 13 measurements, three cultivars (UCI; Aeberhard and Forina, 1991)."""

    name: Literal["wine"] = "wine"
    rows = 178

    def load(self) -> Raw:
        from sklearn.datasets import load_wine

        data = load_wine()
        return Raw(data.data, data.target, "classification", 3, None)


class Diabetes(Dataset):
    """442 patients, ten measurements, disease progression after a year (Efron et al., 2004). Regression."""

    name: Literal["diabetes"] = "diabetes"
    rows = 442

    @property
    def known_task(self) -> TaskName:
        return "regression"

    def load(self) -> Raw:
        from sklearn.datasets import load_diabetes

        data = load_diabetes(scaled=False)
        return Raw(data.data, data.target, "regression", 0, None)


class FromFiles(Dataset):
    path: Annotated[str, Field(min_length=1)]
    sha256: str | None = None  # of the source bytes; filled in at planning, refused where it differs

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.path,)


class Idx(FromFiles):
    """A folder with the four files of MNIST's format, plain or .gz (LeCun et al., 1998)."""

    name: Literal["idx"] = "idx"
    images = True
    given_test = True

    @property
    def sources(self) -> tuple[str, ...]:
        from study.axes.idx import files

        return tuple(str(path) for path in files(Path(self.path)))

    def load(self) -> Raw:
        from study.axes.idx import load

        return load(Path(self.path))


class Table(FromFiles):
    """A Parquet or CSV file; every column but ``target`` is a feature, text columns as one column a value.

    A text, boolean or integer target with at most 50 values makes it a classification, unless ``task``
    says otherwise.
    """

    name: Literal["table"] = "table"
    target: Annotated[str, Field(min_length=1)]
    task: TaskName | None = None

    @property
    def known_task(self) -> TaskName | None:
        return self.task

    def check_sources(self) -> None:
        columns = header(Path(self.path))
        if self.target not in columns:
            raise LookupError(f"{self.path} has no column {self.target!r}; it has {', '.join(columns)}")

    def load(self) -> Raw:
        from study.axes.table import load

        return load(Path(self.path), self.target, self.task)


def header(path: Path) -> list[str]:
    """The names of a table's columns. Raises OSError where it is neither CSV nor Parquet."""
    try:
        if path.name.endswith((".csv", ".csv.gz")):
            import csv
            import gzip

            opened = gzip.open if path.suffix == ".gz" else open
            with opened(path, "rt", encoding="utf-8") as file:
                return next(csv.reader(file), [])
        import pyarrow.parquet as pq

        return list(pq.read_schema(path).names)
    except ValueError as error:  # not UTF-8, or not Parquet
        raise OSError(f"{path} cannot be read as {'CSV' if '.csv' in path.name else 'Parquet'}; {error}") from error

"""Datasets: four that scikit-learn carries with it, folders of MNIST-format files, and tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from study.axes.base import Axis, Choice, whole
from study.axes.custom import Custom
from study.tasks import TASKS, TaskName

if TYPE_CHECKING:
    import numpy as np

Seed = Annotated[int, Field(ge=0, lt=2**31)]
MAX_CLASSES = 50  # of the target of a table that does not say that it is a classification
IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


class Raw(NamedTuple):
    """A dataset as read, with all its rows: they are split, and scaled by the training rows, afterwards.

    ``features`` [rows, features], or [rows, channels, height, width] of images: any finite numbers. ``target`` [rows]:
    codes 0 … ``classes`` - 1 (int64) of a classification, values in their own unit (float64) of a regression, whose
    ``classes`` are 0. ``test`` [rows] bool: the rows of a test split that comes with the data; None: a fifth is drawn.
    """

    features: np.ndarray
    target: np.ndarray
    task: TaskName
    classes: int = 0
    test: np.ndarray | None = None


class Dataset(Choice):
    """What its class says of the data is planned with, before they are read; ``read`` refuses data that differ."""

    axis = Axis(
        "What is learned from.", "datasets", shared=True, step=whole,
        untunable="is what the arms are trained on; take it out",
    )  # fmt: skip
    known_task: ClassVar[TaskName | None]  # which every class says; None where only the data tell
    images: ClassVar[bool] = False  # rows are [channels, height, width], scaled by their maximum
    given_test: ClassVar[bool] = False  # some rows are a test split already
    rows: ClassVar[int | None] = None  # how many, where that is known
    split_seed: Seed = 0
    split: Literal["fixed", "by_seed"] = "fixed"  # by_seed: each run's seed draws its own, the same for all arms

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        concrete, said = isinstance(cls.model_fields["name"].default, str), getattr(cls, "known_task", "")
        if concrete and not isinstance(said, property) and said not in (None, *TASKS):
            known = " or ".join(f'"{task}"' for task in TASKS)
            raise TypeError(f"{cls.__name__} says no task; give known_task = {known}, None where only its data tell")

    @property
    def sources(self) -> tuple[str, ...]:
        """The files or folders that are read; their bytes enter the id, their names do not."""
        return ()

    def check_sources(self) -> None:
        """What can be told of the files without reading them whole. Raises LookupError or OSError."""

    def load(self) -> Raw:
        raise NotImplementedError


class Digits(Dataset):
    """1,797 images of handwritten digits, 8 × 8 pixels, ten classes (UCI; Alpaydin and Kaynak, 1998)."""

    name: Literal["digits"] = "digits"
    known_task = "classification"
    images = True
    rows = 1797

    def load(self) -> Raw:
        from sklearn.datasets import load_digits

        data = load_digits()
        return Raw(data.images[:, None], data.target, "classification", 10)


class BreastCancer(Dataset):
    """569 tumours, 30 measurements, two classes (UCI; Street et al., 1993)."""

    name: Literal["breast_cancer"] = "breast_cancer"
    known_task = "classification"
    rows = 569

    def load(self) -> Raw:
        from sklearn.datasets import load_breast_cancer

        data = load_breast_cancer()
        return Raw(data.data, data.target, "classification", 2)


class Wine(Dataset):
    """178 wines, 13 measurements, three cultivars (UCI; Aeberhard and Forina, 1991)."""

    name: Literal["wine"] = "wine"
    known_task = "classification"
    rows = 178

    def load(self) -> Raw:
        from sklearn.datasets import load_wine

        data = load_wine()
        return Raw(data.data, data.target, "classification", 3)


class Diabetes(Dataset):
    """442 patients, ten measurements, disease progression after a year (Efron et al., 2004). Regression."""

    name: Literal["diabetes"] = "diabetes"
    known_task = "regression"
    rows = 442

    def load(self) -> Raw:
        from sklearn.datasets import load_diabetes

        data = load_diabetes(scaled=False)
        return Raw(data.data, data.target, "regression")


class FromFiles(Dataset):
    aside = ("path",)
    path: Annotated[str, Field(min_length=1)]
    sha256: str | None = None  # of the source bytes; filled in at planning, refused where it differs

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.path,)


class Idx(FromFiles):
    """A folder with the four files of MNIST's format, plain or .gz (LeCun et al., 1998)."""

    name: Literal["idx"] = "idx"
    known_task = "classification"
    images = True
    given_test = True

    @property
    def sources(self) -> tuple[str, ...]:
        """Raises FileNotFoundError naming the first that is missing."""
        found = []
        for name in IDX_FILES:
            spellings = (name, name.replace("-idx", ".idx"))  # some copies of MNIST write "train-images.idx3-ubyte"
            paths = [Path(self.path, spelling + ending) for spelling in spellings for ending in ("", ".gz")]
            if not any(path.is_file() for path in paths):
                raise FileNotFoundError(f"{self.path}: has no {name} (nor {name}.gz)")
            found.append(str(next(path for path in paths if path.is_file())))
        return tuple(found)

    def load(self) -> Raw:
        import numpy as np

        train_x, train_y, test_x, test_y = (read_idx(Path(path)) for path in self.sources)
        for name, x, y in (("train", train_x, train_y), ("test", test_x, test_y)):
            if len(x) != len(y):
                raise ValueError(f"{self.path}: {len(x)} {name} images but {len(y)} labels")
        labels = np.concatenate([train_y, test_y]).astype(np.int64)
        test = np.arange(len(labels)) >= len(train_y)
        return Raw(np.concatenate([train_x, test_x])[:, None], labels, "classification", int(labels.max()) + 1, test)


class Table(FromFiles):
    """A Parquet or CSV file; every column but ``target`` is a feature, text columns as one column a value.

    A text, boolean or integer target with at most 50 values makes it a classification, unless ``task``
    says otherwise.
    """

    name: Literal["table"] = "table"
    target: Annotated[str, Field(min_length=1)]
    task: TaskName | None = None

    @property
    def known_task(self) -> TaskName | None:  # type: ignore[override]
        return self.task

    @property
    def csv(self) -> bool:
        return self.path.endswith((".csv", ".csv.gz"))

    def check_sources(self) -> None:
        from pyarrow import csv
        from pyarrow.parquet import read_schema

        options = csv.ParseOptions(newlines_in_values=True)  # within quotes
        try:
            schema = csv.open_csv(self.path, parse_options=options).schema if self.csv else read_schema(self.path)
        except ValueError as error:  # pyarrow's, or not UTF-8
            raise OSError(f"{self.path} cannot be read as {'CSV' if self.csv else 'Parquet'}; {error}") from error
        if self.target not in schema.names:
            raise LookupError(f"{self.path} has no column {self.target!r}; it has {', '.join(schema.names)}")
        if len(schema.names) == 1:
            raise OSError(f"{self.path} has no column but {self.target!r}; add what to predict it from")

    def load(self) -> Raw:
        """Raises ValueError where the target fits no task, a value is missing, or a feature is no number or text."""
        import numpy as np
        import pandas as pd
        from pandas.api.types import is_float_dtype, is_numeric_dtype

        frame = pd.read_csv(self.path) if self.csv else pd.read_parquet(self.path)
        holes = frame.columns[frame.isna().any()]
        if len(holes):
            raise ValueError(
                f"{self.path}: values are missing in {', '.join(map(str, holes))}; fill or drop them first"
            )
        target = frame.pop(self.target)
        features = pd.get_dummies(frame, dtype=float)
        for name, kind in features.dtypes.items():
            if not is_numeric_dtype(kind):  # booleans are
                raise ValueError(f"{self.path}: {name!r} is neither a number nor a text; convert or drop it")
        x, many = features.to_numpy(dtype=np.float64), target.nunique() > MAX_CLASSES
        task = self.task or ("regression" if many or is_float_dtype(target) else "classification")
        if TASKS[task].classes:
            codes, classes = pd.factorize(target, sort=True)
            if len(classes) < 2:
                raise ValueError(f"{self.path}: {self.target!r} has one value only; a classification needs two")
            return Raw(x, codes.astype(np.int64), task, len(classes))
        if not is_numeric_dtype(target):
            raise ValueError(
                f"{self.path}: {self.target!r} holds {target.nunique()} different texts: not a number to predict, and "
                f"too many classes (at most {MAX_CLASSES}, unless task: classification)"
            )
        return Raw(x, target.to_numpy(dtype=np.float64), task)


def read_idx(path: Path) -> np.ndarray:
    """The array in one IDX file (http://yann.lecun.com/exdb/mnist), plain or .gz.

    Raises ValueError where the file is not IDX or is cut short.
    """
    import gzip

    import numpy as np

    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES:
        raise ValueError(f"{path}: is not an IDX file")
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", count=dimensions, offset=4).astype(int)
    values = np.frombuffer(content, IDX_TYPES[content[2]], offset=4 + 4 * dimensions)
    if values.size != shape.prod():
        raise ValueError(f"{path}: holds {values.size} values where its header promises {shape.prod()}")
    return values.reshape(shape)


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
        return Raw(features, codes.astype(np.int64), "classification", len(classes), test)

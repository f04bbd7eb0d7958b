"""Datasets of arrays and images in files: MNIST's format, numpy's, and folders of images."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from study.axes.dataset import FromFiles
from study.axes.datasets.folders import pictures
from study.axes.datasets.raw import Raw, Unfit
from study.tasks import TASKS, TaskName
from study.wording import beginning, counted, listed, sized

if TYPE_CHECKING:
    import numpy as np

IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
CHANNELS = (1, 3, 4)  # that images may have
TOLD = 10  # images that are named
ARRAYS = ("x", "y", "x_test", "y_test")  # of an .npz file


class Idx(FromFiles):
    """A folder with the four files of MNIST's format, plain or .gz (LeCun et al., 1998); grey images or colour."""

    name: Literal["idx"] = "idx"
    known_task = "classification"
    images = True
    given_test = True

    @property
    def sources(self) -> tuple[str, ...]:
        """Raises FileNotFoundError naming the first that is missing."""
        found = []
        for name in IDX_FILES:
            colour = name.replace("idx3", "idx4")
            spellings = [each for kind in (name, colour) for each in (kind, kind.replace("-idx", ".idx"))]
            paths = [Path(self.path, spelling + ending) for spelling in spellings for ending in ("", ".gz")]
            if not any(path.is_file() for path in paths):
                if there := next(filter(os.path.lexists, paths), None):
                    raise OSError(f"{there}: is no file; give the file itself")
                raise FileNotFoundError(f"{self.path}: has no {name} (nor {name}.gz)")
            found.append(str(next(path for path in paths if path.is_file())))
        return tuple(found)

    def load(self) -> Raw:
        import numpy as np

        paths = [Path(path) for path in self.sources]
        train_x, train_y, test_x, test_y = (read_idx(path) for path in paths)
        for name, x, y in (("train", train_x, train_y), ("test", test_x, test_y)):
            if len(x) != len(y):
                raise Unfit("path", f"{self.path}: {len(x)} {name} images but {len(y)} labels")
        for path, y in ((paths[1], train_y), (paths[3], test_y)):
            if y.ndim != 1 or y.dtype.kind not in "ui" or (len(y) and y.min() < 0):
                raise Unfit("path", f"{path}: holds no labels; they are a list of whole numbers from 0 on")
        if train_x.shape[1:] != test_x.shape[1:]:
            words = f"train images are {sized(train_x.shape[1:])} and test images {sized(test_x.shape[1:])}"
            raise Unfit("path", f"{self.path}: {words}; give one size")
        labels = np.concatenate([train_y, test_y]).astype(np.int64)
        self._check_labels(train_y, test_y, paths)
        test = np.arange(len(labels)) >= len(train_y)
        features = channels_first(np.concatenate([train_x, test_x]), str(paths[0]))
        return Raw(features, labels, "classification", int(labels.max()) + 1, test)

    def _check_labels(self, train: np.ndarray, test: np.ndarray, paths: list[Path]) -> None:
        """Each number from the lowest label to the highest is to be one, and to be trained on."""
        import numpy as np

        known = np.unique(train)
        odd = ~np.isin(test, known)
        if odd.any():
            row = int(odd.argmax())
            raise Unfit("path", f"{paths[3]}: label {test[row]} (row {row + 1}) is of no training image; correct it")
        if len(known) and len(known) != int(known[-1]) - int(known[0]) + 1:
            gap = next(number for number in range(int(known[0]), int(known[-1])) if number not in known)
            row = int((train > gap).argmax())
            words = f"{paths[1]}: no image has label {gap}, and label {train[row]} is there (row {row + 1})"
            raise Unfit("path", f"{words}; correct it, or number the classes one after another")


class Npz(FromFiles):
    """A .npz file of numpy with the arrays x and y, and x_test and y_test where a test split is given.

    x is [rows, features], or images: [rows, height, width], with their channels before or after.
    """

    name: Literal["npz"] = "npz"
    task: TaskName | None = None

    def load(self) -> Raw:
        """Raises ValueError where an array is missing, holds no numbers, or does not fit the others."""
        import numpy as np

        arrays, others = self._arrays()
        left = (f"left out: {listed(others)}",) if others else ()
        x = np.concatenate([arrays[name] for name in ("x", "x_test") if name in arrays])
        y = np.concatenate([arrays[name].reshape(len(arrays[name])) for name in ("y", "y_test") if name in arrays])
        if x.dtype.kind not in "buif":
            raise Unfit("path", f"{self.path}: x holds {x.dtype}; give numbers")
        if x.ndim not in (2, 3, 4):
            raise Unfit("path", f"{self.path}: x has {counted(x.ndim, 'dimension')}; give [rows, features] or images")
        for name, values in (("x", x), ("y", y)):
            finite = np.isfinite(values) if values.dtype.kind == "f" else np.ones(len(values), dtype=bool)
            if not finite.all():
                row = int(np.argmin(finite.reshape(len(values), -1).all(axis=1)))
                raise Unfit("path", f"{self.path}: {name} is not finite in row {row + 1}; correct it or take it out")
        test = np.arange(len(x)) >= len(arrays["x"]) if "x_test" in arrays else None
        features = channels_first(x, f"{self.path}: x") if x.ndim > 2 else x
        task = self.task or ("regression" if y.dtype.kind == "f" else "classification")
        if not TASKS[task].classes:
            if y.dtype.kind not in "buif":
                raise Unfit("path", f"{self.path}: y holds {y.dtype}: no number to predict; say task: classification")
            return Raw(features, y.astype(np.float64), task, test=test, summary=left)
        names, codes = np.unique(y, return_inverse=True)
        if len(names) < 2:
            raise Unfit("path", f"{self.path}: y has one value only; a classification needs two")
        labels = tuple(f"{name:g}" if y.dtype.kind == "f" else str(name) for name in names)
        return Raw(features, codes.astype(np.int64), task, len(names), test, labels, summary=left)

    def _arrays(self) -> tuple[dict[str, np.ndarray], list[str]]:
        """Those that are read, and the names of others."""
        from zipfile import BadZipFile
        from zlib import error as BadStream

        import numpy as np

        try:
            with Path(self.path).open("rb") as content, np.load(content, allow_pickle=False) as file:
                arrays = {name: file[name] for name in ARRAYS if name in file}
                others = [name for name in file.files if name not in ARRAYS]
        except (ValueError, EOFError, AttributeError, TypeError, BadZipFile, BadStream) as error:
            raise Unfit(
                "path", f"{self.path}: is damaged, or no .npz file of numbers and texts; write it with numpy.savez"
            ) from error
        for name in ("x", "y", *(("x_test", "y_test") if arrays.keys() & {"x_test", "y_test"} else ())):
            if name not in arrays:
                raise Unfit("path", f"{self.path}: has no array {name!r}; write it with numpy.savez(…, x=x, y=y)")
        kinds = {"i" if arrays[y].dtype.kind == "u" else arrays[y].dtype.kind for y in ("y", "y_test") if y in arrays}
        if not kinds <= {*"bifUS"} or len(kinds) > 1:
            types = " and ".join(str(arrays[y].dtype) for y in ("y", "y_test") if y in arrays)
            raise Unfit("path", f"{self.path}: y holds {types}; give numbers, or texts")
        for x, y in (("x", "y"), ("x_test", "y_test")):
            if x not in arrays:
                continue
            if arrays[x].ndim == 0 or arrays[y].ndim == 0:
                raise Unfit("path", f"{self.path}: {x} or {y} is a single value; give arrays of rows")
            if not len(arrays[x]):
                raise Unfit("path", f"{self.path}: {x} has no rows; give some, or take {x} and {y} out")
            if arrays[y].shape not in ((len(arrays[x]),), (len(arrays[x]), 1)):
                words = f"{x} has {len(arrays[x])} rows but {y} is {sized(arrays[y].shape)}"
                raise Unfit("path", f"{self.path}: {words}; give one value a row")
            if arrays[x].shape[1:] != arrays["x"].shape[1:]:
                words = f"rows of x are {sized(arrays['x'].shape[1:])}, of {x} {sized(arrays[x].shape[1:])}"
                raise Unfit("path", f"{self.path}: {words}; give one shape")
        return arrays, others


class Images(FromFiles):
    """A folder of images with a folder for each class; or with ``train`` and ``test``, which have these."""

    name: Literal["images"] = "images"
    known_task = "classification"
    images = True
    mode: Annotated[Literal["L", "RGB"] | None, Field(description="Pillow's, to convert to: grey or colour.")] = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Part by part, class by class, in the order of their names. Raises FileNotFoundError where there is none."""
        if not Path(self.path).is_dir():
            raise FileNotFoundError(f"{self.path}: is no folder with a folder for each class")
        found = [str(image) for image in pictures(Path(self.path))]
        if not found:
            raise FileNotFoundError(f"{self.path}: holds no images in folders, one for each class")
        return tuple(found)

    def fingerprint(self, sums: list[str]) -> str:
        """Names of classes, and of train and test, count too: they say what an image is."""
        import hashlib

        whose = [Path(source).parent.relative_to(self.path).as_posix() for source in self.sources]
        return hashlib.sha256(repr([*zip(whose, sums, strict=True)]).encode()).hexdigest()

    def load(self) -> Raw:
        """Raises ValueError naming the files that are no images, or differ in size or in channels from the first."""
        import numpy as np
        from PIL import Image, UnidentifiedImageError

        sources = [Path(source) for source in self.sources]
        pixels: list[np.ndarray] = []
        broken, odd, first = list[Path](), list[tuple[Path, str]](), None
        for source in sources:
            try:
                with Image.open(source) as image:
                    if self.mode is None and image.mode not in ("L", "RGB"):
                        raise Unfit("mode", f"{source}: is of mode {image.mode}; say mode: RGB, or mode: L for grey")
                    read = np.asarray(image if self.mode is None else image.convert(self.mode))
            except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError):
                broken.append(source)
                continue
            if pixels and read.shape[:2] != pixels[0].shape[:2]:
                odd.append((source, f"{read.shape[1]} × {read.shape[0]}"))
                continue
            if pixels and read.shape != pixels[0].shape:
                words = f"{source} and {first}: one is grey, the other colour; say mode: RGB, or mode: L"
                raise Unfit("mode", words)
            first = first or source
            pixels.append(read)
        if broken:
            words = "is damaged, or no image; take it" if len(broken) == 1 else "are damaged, or no images; take them"
            raise Unfit("path", f"{listed(beginning([*map(str, broken)], TOLD))}: {words} out of the folder")
        if odd:
            size = f"{pixels[0].shape[1]} × {pixels[0].shape[0]}"
            others = listed(beginning([f"{source}: is {its} pixels" for source, its in odd], TOLD))
            raise Unfit("path", f"{others}, {first} {size}; bring all to one size")
        names = tuple(sorted({source.parent.name for source in sources}))
        if len(names) < 2:
            raise Unfit("path", f"{self.path}: has one class only, {names[0]!r}; a classification needs two folders")
        codes = np.array([names.index(source.parent.name) for source in sources], dtype=np.int64)
        parts = np.array([source.parent.parent.name for source in sources])
        test = parts == "test" if (Path(self.path) / "test").is_dir() else None
        stacked = np.stack(pixels)
        features = stacked[:, None] if stacked.ndim == 3 else stacked.transpose(0, 3, 1, 2)
        return Raw(np.ascontiguousarray(features), codes, "classification", len(names), test, names)


def channels_first(images: np.ndarray, where: str) -> np.ndarray:
    """[rows, channels, height, width] of images with their channels before or after, or with none.

    Raises ValueError where that cannot be told.
    """
    if images.ndim == 3:
        return images[:, None]
    if images.ndim != 4:
        raise Unfit("path", f"{where} has {counted(images.ndim, 'dimension')}; images have 3, or 4 with channels")
    before, after = images.shape[1] in CHANNELS, images.shape[3] in CHANNELS
    if before == after:
        words = "either the second or the last must be channels, 1, 3 or 4 of them"
        raise Unfit("path", f"{where} is {sized(images.shape)}: {words}")
    return images if before else images.transpose(0, 3, 1, 2)


def read_idx(path: Path) -> np.ndarray:
    """The array in one IDX file (http://yann.lecun.com/exdb/mnist), plain or .gz.

    Raises ValueError where the file is not IDX or is cut short.
    """
    import gzip
    import zlib

    import numpy as np

    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Unfit("path", f"{path}: is damaged, or no gzip file; get it again") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES or len(content) < 4 + 4 * content[3]:
        raise Unfit("path", f"{path}: is not an IDX file")
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", count=dimensions, offset=4).astype(int).tolist()
    if not shape:
        raise Unfit("path", f"{path}: holds a single value; give one for each row")
    body, kind = content[4 + 4 * dimensions :], np.dtype(IDX_TYPES[content[2]])
    if len(body) != prod(shape) * kind.itemsize:
        held = len(body) // kind.itemsize
        raise Unfit("path", f"{path}: holds {held} values where its header promises {prod(shape)}")
    return np.frombuffer(body, kind).reshape(shape)

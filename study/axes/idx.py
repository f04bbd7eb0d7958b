"""The IDX format of MNIST and its kin (http://yann.lecun.com/exdb/mnist)."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

from study.axes.dataset import Raw

if TYPE_CHECKING:
    import numpy as np

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def files(folder: Path) -> tuple[Path, ...]:
    """The four files in ``folder``, each plain or .gz.

    Raises FileNotFoundError naming the first that is missing.
    """
    found = []
    for name in NAMES:
        # Some copies of MNIST write "train-images.idx3-ubyte".
        spellings = [name, name.replace("-idx", ".idx")]
        candidates = [folder / (s + ending) for s in spellings for ending in ("", ".gz")]
        path = next((c for c in candidates if c.is_file()), None)
        if path is None:
            raise FileNotFoundError(f"{folder}: has no {name} (nor {name}.gz)")
        found.append(path)
    return tuple(found)


def read(path: Path) -> np.ndarray:
    """The array in one IDX file. Raises ValueError where the file is not IDX or is cut short."""
    import numpy as np  # planning looks for the files, and loads no numpy

    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in DTYPES:
        raise ValueError(f"{path}: is not an IDX file")
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", count=dimensions, offset=4).astype(int)
    values = np.frombuffer(content, DTYPES[content[2]], offset=4 + 4 * dimensions)
    if values.size != shape.prod():
        raise ValueError(f"{path}: holds {values.size} values where its header promises {shape.prod()}")
    return values.reshape(shape)


def load(folder: Path) -> Raw:
    import numpy as np

    train_x, train_y, test_x, test_y = (read(path) for path in files(folder))
    for name, x, y in (("train", train_x, train_y), ("test", test_x, test_y)):
        if len(x) != len(y):
            raise ValueError(f"{folder}: {len(x)} {name} images but {len(y)} labels")
    labels = np.concatenate([train_y, test_y]).astype(np.int64)
    test = np.arange(len(labels)) >= len(train_y)
    return Raw(np.concatenate([train_x, test_x])[:, None], labels, "classification", int(labels.max()) + 1, test)

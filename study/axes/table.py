"""Parquet and CSV tables as datasets; imported only when read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api import types

from study.axes.dataset import Raw
from study.tasks import TASKS, TaskName

MAX_CLASSES = 50


def load(path: Path, target: str, task: TaskName | None) -> Raw:
    """Features and target of a table.

    Raises ValueError where the target fits no task, a value is missing, or a feature is
    neither a number nor a text.
    """
    frame = pd.read_csv(path) if path.name.endswith((".csv", ".csv.gz")) else pd.read_parquet(path)
    holes = frame.columns[frame.isna().any()]
    if len(holes):
        raise ValueError(f"{path}: values are missing in {', '.join(map(str, holes))}; fill or drop them first")
    values = frame.pop(target)
    features = pd.get_dummies(frame, dtype=float)
    for name, kind in features.dtypes.items():
        if not types.is_numeric_dtype(kind):  # booleans are
            raise ValueError(f"{path}: {name!r} is neither a number nor a text; convert or drop it")
    x = features.to_numpy(dtype=np.float64)
    task = task or infer_task(values)
    if not TASKS[task].classes:
        if not types.is_numeric_dtype(values):
            raise ValueError(
                f"{path}: {target!r} holds {values.nunique()} different texts: not a number to predict, and too many "
                f"classes (at most {MAX_CLASSES}, unless task: classification)"
            )
        return Raw(x, values.to_numpy(dtype=np.float64), task, 0, None)
    codes, classes = pd.factorize(values, sort=True)
    if len(classes) < 2:
        raise ValueError(f"{path}: {target!r} has one value only; a classification needs two")
    return Raw(x, codes.astype(np.int64), task, len(classes), None)


def infer_task(values: pd.Series) -> TaskName:
    countable = not types.is_float_dtype(values)
    return "classification" if countable and values.nunique() <= MAX_CLASSES else "regression"

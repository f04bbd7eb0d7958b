"""What the columns of a table are taken for: numbers or categories; and what is refused, with its rows and what to add.

Rows are counted from 1, below the header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from study.axes.datasets.lookalikes import Wrong, check_categories, check_spelling, check_text, counting, names, rows
from study.axes.datasets.raw import FEWEST, SPLIT, Raw, Unfit
from study.errors import suggest
from study.tasks import TASKS, TaskName
from study.wording import beginning, counted

if TYPE_CHECKING:
    import pandas as pd

UNNAMED = r"Unnamed: \d+(\.\d+)?|\s*"  # as pandas calls columns without a name
KINDS = {  # of values that are neither numbers nor texts, for people
    "ndarray": "lists", "list": "lists", "dict": "records", "date": "dates", "time": "times", "NoneType": "nothing",
}  # fmt: skip
NAMED = 8  # columns
MAX_CLASSES = 50  # of a target that does not say that it is of a classification


class Given(NamedTuple):
    """What a study file says of a table. ``where``: how messages call it; ``csv``: whether ``read:`` says how it is."""

    where: str
    target: str
    csv: bool = False
    task: TaskName | None = None
    drop: Sequence[str] = ()
    missing: str | None = None
    numbers: Sequence[str] = ()
    categories: Sequence[str] = ()


class Column(NamedTuple):
    """``values`` [rows]: numbers (float, NaN where missing), or categories (texts or a category of pandas, or None)."""

    name: str
    values: pd.Series
    category: bool

    def __str__(self) -> str:
        return f"{self.name}: {counted(self.values.nunique(), 'value')}" if self.category else self.name


def encode(frame: pd.DataFrame, given: Given) -> Raw:
    """The table as numbers: its numbers first, then a column for each value of a category.

    Raises ValueError with everything that is wrong, each with its column, rows and what to add.
    """
    import numpy as np
    import pandas as pd

    frame = frame.set_axis(pd.RangeIndex(1, len(frame) + 1))
    frame.columns = [str(name) for name in frame.columns]
    _check_settings(frame, given)
    wrong, found = list[Wrong](), dict[str, Column]()
    for name in frame.columns.drop([*given.drop]):
        try:
            found[name] = _target(frame[name], given) if name == given.target else _feature(frame[name], given)
        except Wrong as error:
            wrong.append(error)
    if wrong:
        raise Unfit(wrong[0].setting, *(f"{given.where}: {error}" for error in wrong))
    target = found.pop(given.target)
    columns = [*found.values()]
    features = pd.DataFrame({column.name: column.values for column in columns})
    holes = [column.name for column in columns if column.values.isna().any()]
    whole = target.values.notna()  # what has no target is learned from in no way
    if given.missing == "drop":
        whole &= features.notna().all(axis=1)
    kept = frame.index[whole]
    if kept.empty:
        raise Unfit("missing", f"{given.where}: every row has a missing value; say drop: {names(holes)}")
    features = features.loc[kept]
    x = pd.get_dummies(features, columns=[c.name for c in columns if c.category], dtype=float)
    for name in holes if given.missing == "indicator" else ():  # a category that is missing is none of the values
        x[f"{name} is missing"] = features[name].isna().astype(float)
    y, task, labels = _codes(target.values.loc[kept], given)
    return Raw(
        x.to_numpy(dtype=np.float64),
        y,
        task,
        len(labels),
        labels=labels,
        missing=given.missing in ("median", "indicator"),
        columns=tuple(_told(column) for column in columns) + tuple(f"{name}: left out" for name in given.drop),
        summary=(*_summary(columns, holes, len(frame) - len(kept), given), *_odd(columns, target, kept, y, given)),
    )


def _check_settings(frame: pd.DataFrame, given: Given) -> None:
    for setting in ("drop", "numbers", "categories"):
        for name in getattr(given, setting):
            if name not in frame.columns:
                raise Unfit(setting, f"{given.where}: {suggest(name, frame.columns, 'column')}")
    if given.target in given.drop:
        raise Unfit("drop", f"{given.target!r} is what is to be learned; take it out of 'drop'")
    if both := {*given.numbers} & {*given.categories}:
        raise Unfit("categories", f"{min(both)!r} is in 'numbers' too; keep one")
    if {*frame.columns} <= {given.target, *given.drop}:
        raise Unfit("path", f"{given.where} has no column but {given.target!r}; add what to predict it from")
    if len(frame) < FEWEST:
        raise Unfit("path", f"{given.where} has {counted(len(frame), 'row')}; give {FEWEST} at least")


def _feature(values: pd.Series, given: Given) -> Column:
    """What a column is taken for. Raises Wrong where that must be said."""
    name = str(values.name)
    named = name in given.numbers or name in given.categories
    if re.fullmatch(UNNAMED, name) and not named:
        words = "has no name, as row numbers that were written with the table"
        raise Wrong(f"column {name!r} {words}; say drop: {names([name])}, or give it a name", "drop")
    column = _typed(values, given)
    known, gaps = column.values.dropna(), values.index[column.values.isna()]
    if known.empty:
        raise Wrong(f"{name!r} has no values; say drop: {names([name])}", "drop")
    if column.category and not named:
        check_categories(known)
    elif not named and (like := counting(known)):
        raise Wrong(f"{name!r} {like}; say drop: {names([name])}, or numbers: {names([name])}", "drop")
    if len(gaps) and given.missing is None:
        words = f"{len(gaps)} of {len(values)} values are missing in {name!r} ({rows(gaps)})"
        raise Wrong(f"{words}; say missing: median, indicator or drop, or drop: {names([name])}", "missing")
    return column


def _target(values: pd.Series, given: Given) -> Column:
    column, gaps = _typed(values, given), values.index[values.isna()]
    if len(gaps) == len(values):
        raise Wrong(f"{given.target!r} has no values; name another target", "target")
    if len(gaps) and given.missing is None:
        words = f"{len(gaps)} of {len(values)} values are missing in {given.target!r} ({rows(gaps)})"
        raise Wrong(f"{words}, which is to be learned; say missing: drop, and these rows are left out", "missing")
    return column


def _typed(values: pd.Series, given: Given) -> Column:
    """Numbers or categories, as they are written. Raises Wrong where values are neither, or infinite."""
    import numpy as np
    import pandas as pd
    from pandas.api import types

    name, known = str(values.name), values.dropna()
    left_out = f"or say drop: {names([name])}"
    if types.is_datetime64_any_dtype(values) or types.is_timedelta64_dtype(values):
        raise Wrong(f"{name!r} holds dates or times; make numbers of them, {left_out}", "drop")
    if types.is_complex_dtype(values):
        raise Wrong(f"{name!r} holds complex numbers; make two columns of them, {left_out}", "drop")
    if name in given.categories:
        return Column(name, known.map(_label).astype("category").reindex(values.index), True)
    if isinstance(values.dtype, pd.CategoricalDtype):
        if known.map(lambda value: isinstance(value, str)).all():
            check_spelling(known.astype(object), given.csv)
        return Column(name, values, True)
    if not types.is_numeric_dtype(values):
        odd = known[~known.map(lambda value: isinstance(value, str))]
        if odd.empty and len(known):
            check_text(known, name == given.target, given.csv)
            if name not in given.numbers:
                check_spelling(known, given.csv)
                return Column(name, values, True)
            raise Wrong(f"{name!r} holds texts ({known.iloc[0]!r}, row {known.index[0]}); take it out", "numbers")
        if len(odd) < len(known) or not odd.map(lambda value: isinstance(value, bool | float | int | Decimal)).all():
            kinds = " and ".join(sorted({KINDS.get(k := type(value).__name__, k) for value in known}))
            words = f"{name!r} is neither a number nor a text ({kinds}, {rows(odd.index)})"
            raise Wrong(f"{words}; convert it, {left_out}", "drop")
        if name != given.target or not odd.map(lambda value: isinstance(value, bool)).all():
            values = values.astype(float)
    if values.astype(float).nunique() < values.nunique() or (types.is_integer_dtype(values) and _too_long(known)):
        raise Wrong(
            f"{name!r} holds whole numbers of more digits than are kept, as identifiers; shorten them, {left_out}",
            "drop",
        )
    infinite = values.index[np.isinf(values.astype(float))]
    if len(infinite):
        raise Wrong(f"{name!r} is not finite ({rows(infinite)}); correct it, {left_out}", "path")
    return Column(name, values, False)


def _too_long(known: pd.Series) -> bool:
    return bool(len(known)) and max(abs(int(known.min())), abs(int(known.max()))) > 2**53


def _codes(target: pd.Series, given: Given) -> tuple[Any, TaskName, tuple[str, ...]]:
    """The target [rows] as ``Raw`` has it, its task, and the names of its classes."""
    import numpy as np
    import pandas as pd
    from pandas.api.types import is_float_dtype, is_numeric_dtype

    name, where, many = given.target, given.where, target.nunique() > MAX_CLASSES
    task = given.task or ("regression" if many or is_float_dtype(target) else "classification")
    if not TASKS[task].classes:
        if is_numeric_dtype(target):
            return target.to_numpy(dtype=np.float64), task, ()
        words = f"{where}: {name!r} holds {target.nunique()} different texts: no numbers to predict"
        more = f", and too many classes (at most {MAX_CLASSES}, unless task: classification)"
        raise Unfit("task", words + (more if many else "; say task: classification"))
    codes, classes = pd.factorize(target, sort=True)
    if len(classes) < 2:
        raise Unfit("target", f"{where}: {name!r} has one value only; a classification needs two")
    labels = tuple(map(_label, classes))
    sizes = np.bincount(codes)
    if sizes.min() < SPLIT:
        lone = int(sizes.argmin())
        place, few = rows(target.index[codes == lone]), "one row" if sizes[lone] == 1 else "two rows"
        words = f"{where}: {labels[lone]!r} is in {few} only of {name!r} ({place}), too few to be split"
        raise Unfit("target", f"{words}; take it out, or say task: regression")
    return codes.astype(np.int64), task, labels


def _label(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _told(column: Column) -> str:
    gaps = int(column.values.isna().sum())
    kind = str(column) if column.category else f"{column.name}: numbers"
    return f"{kind}, {gaps} missing" if gaps else kind


def _summary(columns: Sequence[Column], holes: Sequence[str], fewer: int, given: Given) -> tuple[str, ...]:
    """What the columns were taken for, in a few phrases."""
    numbers = [str(column) for column in columns if not column.category]
    texts = [str(column) for column in columns if column.category]
    found = [f"{counted(len(numbers), 'column')} of numbers ({_several(numbers)})"] * bool(numbers)
    found += [f"{counted(len(texts), 'column')} of categories ({_several(texts)})"] * bool(texts)
    found += [f"left out: {_several(given.drop)}"] * bool(given.drop)
    what = "missing values" if given.missing == "drop" else f"no {given.target}"
    found += [f"{counted(fewer, 'row')} with {what} left out"] * bool(fewer)
    if holes and given.missing != "drop":
        filled = [name for name in holes if name in numbers]
        also = ", and a column of its own tells" * (given.missing == "indicator")
        found += [f"where {_several(filled)} is missing it is the median of the training rows{also}"] * bool(filled)
        none = [name for name in holes if name not in numbers]
        found += [f"where {_several(none)} is missing it is none of its values{also}"] * bool(none)
    return tuple(found)


def _odd(columns: Sequence[Column], target: Column, kept: pd.Index, y: Any, given: Given) -> Iterator[str]:
    """Columns that are the same in all rows, and such as are the target itself, in words or units of their own."""
    import numpy as np
    import pandas as pd

    known = [Column(column.name, column.values.loc[kept], column.category) for column in columns]
    if same := [column.name for column in known if column.values.nunique(dropna=False) == 1]:
        yield f"the same in all rows: {_several(same)}"
    classes, telling = TASKS[given.task].classes if given.task else y.dtype.kind == "i", []
    order = pd.factorize(y)[0]
    for column in known if classes or np.ptp(y) else ():
        if column.values.isna().any() or column.values.nunique() < 2:
            continue
        if classes:
            alike = np.array_equal(pd.factorize(column.values)[0], order)
        else:
            with np.errstate(all="ignore"):  # values that are too large or too small are refused later
                alike = not column.category and abs(np.corrcoef(column.values.astype(float), y)[0, 1]) > 1 - 1e-12
        telling += [column.name] * bool(alike)
    if telling:
        yield f"tells {target.name} exactly: {_several(telling)}"


def _several(columns: Sequence[str]) -> str:
    return ", ".join(beginning(columns, NAMED))

"""Tables: CSV and Parquet files, and those of OpenML, all read by one set of rules (``columns``)."""

from __future__ import annotations

import codecs
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator

from study.axes.base import Frozen
from study.axes.dataset import FromFiles, LookedAt
from study.axes.datasets.columns import Given, encode
from study.axes.datasets.raw import Absent, Found, Raw, Unfit
from study.errors import nearest, suggest
from study.tasks import TaskName

if TYPE_CHECKING:
    import pandas as pd

Character = Annotated[str, Field(min_length=1, max_length=1)]
Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)]
COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".tar")  # which pandas unpacks
NO_TEXT = {  # how files begin that are something else → what they are, and what to do
    b"PK\x03\x04": "a zip archive, as those of Excel are; save it as CSV, or unpack it",
    b"\xd0\xcf\x11\xe0": "a file of Excel; save it as CSV",
    b"\x1f\x8b": "compressed by gzip; unpack it, or call it .gz",
    b"version https://git-lfs": "a pointer of Git LFS; fetch the file itself (git lfs pull)",
    b"<!DOCTYPE": "a web page; fetch the file itself",
    b"<html": "a web page; fetch the file itself",
}
SEPARATORS = {";": ";", "\t": r"\t", "|": "|", ",": ","}  # that a header may have, as they are written in YAML


class Csv(Frozen):
    """How a CSV file is written, by the names of ``pandas.read_csv``."""

    sep: Annotated[str, Field(min_length=1)] = ","
    decimal: Character = "."
    thousands: Character | None = None
    encoding: str = "utf-8"
    quotechar: Character = '"'
    comment: Character | None = None
    skiprows: Annotated[int, Field(ge=0)] = 0
    skipinitialspace: bool = False
    na_values: Names = ()
    keep_default_na: bool = True

    @field_validator("encoding")
    @classmethod
    def is_known(cls, encoding: str) -> str:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise ValueError("give an encoding, such as utf-8, latin-1 or utf-16") from None
        return encoding

    @field_validator("sep")
    @classmethod
    def is_pattern(cls, sep: str) -> str:
        try:
            re.compile(sep if len(sep) > 1 else "")
        except re.error:
            raise ValueError("give one character, or a regular expression") from None
        return sep

    def options(self) -> dict[str, Any]:
        """For pandas."""
        usual = len(self.sep) == 1 or self.sep == r"\s+"
        given = {"engine": "c", "low_memory": False} if usual else {"engine": "python"}
        return self.model_dump() | {"na_values": list(self.na_values), "index_col": False} | given


class Tabular(LookedAt):
    """Columns of which ``target`` is learned from the others."""

    images = False
    given_test = False
    target: Annotated[str, Field(min_length=1)] | None = None
    task: TaskName | None = None
    drop: Names = ()  # columns that are left out
    missing: Literal["median", "drop", "indicator"] | None = None  # what becomes of missing values
    numbers: Names = ()  # columns that are numbers, though they look like row numbers or identifiers
    categories: Names = ()  # columns of names, though they look like numbers or have many values

    def given(self, where: str, target: str, csv: bool = False) -> Given:
        return Given(where, target, csv, self.task, self.drop, self.missing, self.numbers, self.categories)


class Table(Tabular, FromFiles):
    """A Parquet or CSV file; every column but ``target`` and those in ``drop`` is a feature, texts one column a value.

    A text, boolean or integer target with at most 50 values makes it a classification, unless ``task``
    says otherwise.
    """

    name: Literal["table"] = "table"
    target: Annotated[str, Field(min_length=1)]
    read: Csv | None = None

    def load(self) -> Raw:
        """Raises ValueError naming file, column and row of what cannot be used, and what would be right."""
        csv = not self._is_parquet()
        return encode(self._csv() if csv else self._parquet(), self.given(self.path, self.target, csv))

    def _is_parquet(self) -> bool:
        with Path(self.path).open("rb") as file:
            found = file.read(4) == b"PAR1"
        if found and self.read:
            raise Unfit("read", f"{self.path} is Parquet, of which everything is known; take 'read' out")
        return found or self.path.endswith((".parquet", ".pq"))

    def _parquet(self) -> pd.DataFrame:
        import pandas as pd
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            names = pq.read_schema(self.path).names
            self._check_names(names)
            frame = pd.read_parquet(self.path)
        except (pa.ArrowException, OSError) as error:
            raise Unfit("path", f"{self.path} is damaged, or no Parquet; write it again") from error
        return frame.reset_index(level=self.target) if self.target in frame.index.names else frame

    def _csv(self) -> pd.DataFrame:
        import pandas as pd

        options = (self.read or Csv()).options()
        self._check_bytes(options["encoding"])
        try:
            # As texts: pandas gives names that are there twice new ones, and to a longer first row an index.
            texts = options | {"header": None, "dtype": str, "na_filter": False}
            self._check_names([str(name) for name in pd.read_csv(self.path, nrows=1, **texts).iloc[0]])
            pd.read_csv(self.path, nrows=2, **texts)
            frame: pd.DataFrame = pd.read_csv(self.path, **options)
        except UnicodeError as error:
            words = f"{self.path} is not {options['encoding']}"
            raise Unfit("read", f"{words}; say how it is written: read: {{encoding: latin-1}}, or utf-16") from error
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise Unfit("path", f"{self.path}{_in_words(str(error))}") from error
        except (OSError, EOFError, ValueError) as error:
            if isinstance(error, Unfit | FileNotFoundError):
                raise
            raise Unfit("path", f"{self.path} is damaged, or cannot be read as CSV; write it again") from error
        return frame

    def _check_bytes(self, encoding: str) -> None:
        """Refuse what is no text: other formats, and files with zero bytes, as are left by a torn write."""
        with Path(self.path).open("rb") as file:
            beginning = file.read(64)
            for begin, what in NO_TEXT.items():
                if beginning.startswith(begin) and not self.path.endswith(COMPRESSED):
                    raise Unfit("path", f"{self.path} is {what}")
            if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")) or self.path.endswith(COMPRESSED):
                return
            line, part = 1, beginning
            while part:
                if (place := part.find(0)) >= 0:
                    line += part.count(b"\n", 0, place)
                    words = f"{self.path}, line {line}: holds a zero byte; it is damaged"
                    raise Unfit("path", f"{words}, or say how it is written: read: {{encoding: utf-16}}")
                line += part.count(b"\n")
                part = file.read(2**20)

    def _check_names(self, names: list[str]) -> None:
        """Refuse a header in which a name is there twice, or in which there is no target."""
        twice = next((name for name in names if name and names.count(name) > 1), None)
        if twice is not None:
            places = [i + 1 for i, name in enumerate(names) if name == twice]
            listed = " and ".join(map(str, places[:2]))
            raise Unfit("path", f"{self.path} has the column {twice!r} twice, as columns {listed}; rename one")
        bare: dict[str, str] = {}
        for name in names:
            if name.strip() and (like := bare.setdefault(" ".join(name.split()), name)) != name:
                words = f"{self.path} has the columns {like!r} and {name!r}, which differ in spaces only"
                raise Unfit("path", f"{words}; rename one")
        if self.target not in names:
            other = next((sep for sep in SEPARATORS if len(names) == 1 and sep in names[0]), None)
            if other:
                words = f"{self.path} has {names[0][:60]!r} for a header; say how it is separated"
                raise Unfit("read", f'{words}: read: {{sep: "{SEPARATORS[other]}"}}')
            close = nearest(self.target, names)
            hint = f"did you mean {close!r}?" if close else f"it has {', '.join(names)}"
            raise Unfit("target", f"{self.path} has no column {self.target!r}; {hint}")


class OpenML(Tabular):
    """A dataset of openml.org, by ``id``, or by ``data`` (its name there) and ``version``; kept once it was fetched."""

    name: Literal["openml"] = "openml"
    id: Annotated[int, Field(ge=1)] | None = None
    data: Annotated[str, Field(min_length=1)] | None = None
    version: Annotated[int, Field(ge=1)] | None = None
    cache: Annotated[str, Field(min_length=1)] | None = None  # a folder; ~/scikit_learn_data, or SCIKIT_LEARN_DATA
    md5: str | None = None  # of the data; filled in at planning, refused where it differs

    def load(self) -> Raw:
        """Raises ValueError where it cannot be fetched, or is not what was planned."""
        return self.fetch()[0]

    def look(self) -> Found:
        raw, checksum = self.fetch()
        return self.examined(raw).model_copy(update={"checksum": checksum})

    def fetch(self) -> tuple[Raw, str]:
        """The data, and the MD5 that OpenML tells of them and scikit-learn checks."""
        from urllib.error import URLError

        from sklearn.datasets import fetch_openml

        if [self.id is None, self.data is None, self.version is None] not in (
            [False, True, True],
            [True, False, False],
        ):
            raise Unfit("id", "give id: 61, or data: iris and version: 1")
        where = f"openml {self.id or f'{self.data}, version {self.version}'}"
        which = {"data_id": self.id} if self.id else {"name": self.data, "version": self.version}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of tries that are made again
                options = {"data_home": self.cache, "as_frame": True, "parser": "auto", "n_retries": 1, "delay": 0.1}
                bunch = fetch_openml(**which, **options)
        except (URLError, OSError) as error:
            words = f"{where} cannot be fetched here; check its number"
            words += ", or fetch it once where there is a network, and give that folder as cache:"
            raise Absent("id" if self.id else "data", words) from error
        except ValueError as error:  # there is none, it is sparse, or what was kept is damaged
            words = f"{where} is not there, or no table that scikit-learn can read; give another"
            raise Unfit("id" if self.id else "data", words) from error
        checksum = str(bunch.details["md5_checksum"])
        if self.md5 not in (None, checksum):
            raise Unfit("md5", f"the MD5 of {where} is {checksum}; correct it, or restore the folder")
        frame = bunch.frame
        target = self.target or (bunch.target_names[0] if len(bunch.target_names) == 1 else None)
        if target is None or target not in frame:
            words = suggest(target, frame.columns, "column") if target else "has no one target; give one of its columns"
            raise Unfit("target", f"{where}: {words}")
        return encode(frame, self.given(where, target)), checksum


def _in_words(error: str) -> str:
    """What pandas says of a file, for people."""
    if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", error):
        wanted, line, saw = found.groups()
        return (
            f", line {line} has {saw} values, and those above {wanted}: a name is missing in the header, quotes are "
            "missing, or there is another separator (read: {sep: …})"
        )
    if found := re.search(r"EOF inside string starting at row (\d+)", error):
        return f", line {int(found[1]) + 1}: a text in quotes does not end; correct it, or say read: {{quotechar: …}}"
    if "No columns to parse" in error:
        return " is empty; give a file with a header and rows"
    return " cannot be read as CSV; say how it is written (read: {sep: …, quotechar: …})"

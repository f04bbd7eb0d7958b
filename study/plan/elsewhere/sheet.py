"""A CSV or Parquet file as people export it: its columns by name, and where a row is for who looks it up."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Collection
from io import StringIO
from pathlib import Path

from study.errors import nearest
from study.wording import beginning, listed, plural, show

Cell = str | int | float | bool | None  # None: empty
EMPTY = ("", "NA", "N/A", "null", "None")  # as exports write a cell without a value; NaN is a value
SEPARATORS = (",", ";", "\t")
LISTED = 12  # columns, and rows, that a line names


class Sheet:
    """``names``: its columns; ``rows``: how many; ``lines``: of a CSV, the line that each row ends on."""

    def __init__(self, path: Path) -> None:
        """Raises ValueError where the file is not what its name says, or has no rows."""
        self.path, self.name = path, path.name
        self.lines: list[int] = []
        self._cells: dict[str, list[Cell]] = {}
        if path.suffix in (".parquet", ".pq"):
            self.names, self.rows = self._parquet()
        else:
            self.names, self.rows = self._csv()
        if not self.rows:
            raise ValueError(f"{self.name} has no rows")

    def _parquet(self) -> tuple[list[str], int]:
        import pyarrow.parquet as pq  # only where there is one

        try:
            about = pq.ParquetFile(self.path)
        except ValueError as error:
            raise ValueError(f"{self.name} cannot be read as Parquet; {error}") from None
        return list(about.schema_arrow.names), about.metadata.num_rows

    def _csv(self) -> tuple[list[str], int]:
        content = self.path.read_bytes()
        try:
            text = (gzip.decompress(content) if self.path.suffix == ".gz" else content).decode("utf-8-sig")
        except (UnicodeDecodeError, OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{self.name} cannot be read as UTF-8 text ({error}); export it as CSV in UTF-8") from None
        first = text.partition("\n")[0]
        reader = csv.reader(StringIO(text), delimiter=max(SEPARATORS, key=first.count))
        cells: list[list[str]] = []
        try:
            names = [name.strip() for name in next(reader, [])]
            for row in filter(None, reader):
                if len(row) != len(names):
                    where = f"{self.name}, line {reader.line_num}"
                    raise ValueError(f"{where} has {len(row)} cells, and the header {len(names)}; make them as many")
                cells.append(row)
                self.lines.append(reader.line_num)
        except csv.Error as error:
            raise ValueError(f"{self.name}, line {reader.line_num} is no CSV ({error}); export it again") from None
        self._cells = dict(zip(names, map(list, zip(*cells, strict=True)), strict=False)) if cells else {}
        return names, len(cells)

    def column(self, name: str) -> list[Cell]:
        """The cells of a column. [rows] Raises LookupError where there is none, or two of the name."""
        if name not in self.names:
            close, more = nearest(name, self.names), len(self.names) - LISTED
            known = f"it has {', '.join(self.names[:LISTED])}" + f" and {more} more" * (more > 0)
            hint = f"did you mean {close!r}?" if close else known
            raise LookupError(f"{show(name)} is no column of {self.name}; {hint}")
        if self.names.count(name) > 1:
            raise LookupError(f"{self.name} has {self.names.count(name)} columns {name!r}; rename all but one")
        if name not in self._cells:
            import pyarrow.parquet as pq

            self._cells[name] = pq.read_table(self.path, columns=[name])[name].to_pylist()
        return [_cell(value) for value in self._cells[name]]

    def repeated(self) -> list[list[int]]:
        """Rows that are the same in every column, those of each kind together. No column may be named twice."""
        kinds: dict[tuple[Cell, ...], list[int]] = {}
        for row, cells in enumerate(zip(*map(self.column, self.names), strict=True)):
            kinds.setdefault(cells, []).append(row)
        return [rows for rows in kinds.values() if len(rows) > 1]

    def at(self, rows: Collection[int]) -> str:
        """``sweep.csv, lines 3, 7 and 9``: where rows are, the first of many."""
        places = [str(self.lines[row] if self.lines else row + 1) for row in sorted(rows)]
        word = plural(len(rows), "line" if self.lines else "row")
        return f"{self.name}, {word} {listed(beginning(places, LISTED))}"


def _cell(value: object) -> Cell:
    if isinstance(value, str):
        text = value.strip()
        return None if text in EMPTY else text
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def number(cell: Cell) -> float | None:
    """A cell as a number, which may be infinite or NaN; None where it is none."""
    if cell is None or isinstance(cell, bool) or (isinstance(cell, str) and "_" in cell):  # float("1_0") is 10
        return None
    try:
        return float(cell)
    except ValueError:
        return None

"""Files are written in one step: beside, then renamed into place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def write_if_changed(path: Path, text: str) -> bool:
    """Write ``text`` in one step, only where the file's content differs. Whether it was written."""
    try:
        if path.read_text(encoding="utf-8") == text:
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
    return True


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write zstd Parquet in one step: beside, then rename."""
    import pyarrow.parquet as pq  # planning writes none

    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(table, beside, compression="zstd")
    os.replace(beside, path)

"""Files are written in one step: beside, then renamed into place."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from study.store.disk import telling, unfinished
from study.store.seal import KEY, metadata, seal

if TYPE_CHECKING:
    import pyarrow as pa


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Where the block writes what is renamed to ``path`` at its end, or removed where it raises; the folder is made.

    Raises DiskFull where there is no room for it, Unwritable where its folder is only read.
    """
    beside = unfinished(path)
    try:
        with telling(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield beside
            os.replace(beside, path)
    except BaseException:
        with suppress(OSError):  # as where its folder cannot be made
            beside.unlink(missing_ok=True)
        raise


@contextmanager
def alone(folder: Path) -> Iterator[Path]:
    """``folder``, made where it is missing; what other processes do alone in it waits while the block runs."""
    with telling(folder):
        folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # no locks here: each file is written in one step all the same
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(descriptor)


def is_taken(folder: Path) -> bool:
    """Whether a process is known to do something ``alone`` in a folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        return is_held(descriptor)
    finally:
        os.close(descriptor)


def is_held(descriptor: int) -> bool:
    """Whether another process is known to hold a file locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there are no locks here
        return False
    return False


def write_if_changed(path: Path, text: str) -> bool:
    """Write ``text`` in one step, only where the file's content differs. Whether it was written."""
    if path.exists() and path.read_bytes() == text.encode():
        return False
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")
    return True


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write zstd Parquet in one step, with checksums of its pages, and of all of it."""
    import pyarrow.parquet as pq  # planning writes none

    others = {name: value for name, value in (table.schema.metadata or {}).items() if name != KEY}  # as it was read
    table = table.replace_schema_metadata(others or None)
    with replacing(path) as beside:
        with pq.ParquetWriter(beside, table.schema, compression="zstd", write_page_checksum=True) as writer:
            writer.write_table(table)
            writer.add_key_value_metadata(metadata(path))
        seal(beside)

"""What a Parquet file says of itself, so that it is taken for nothing else: whose it is, and a checksum of its bytes.

Under the key ``evenhand`` of its metadata stands a JSON object: its ``table``, whose it is, and the SHA-256 of the
whole file, in which zeros take the place of that sum. Pages have checksums besides (CRC-32), for those who know nothing
of this. Files that were written before there were seals, or by other programs, have none: their columns say whose they
are.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.axes.recipe import RECIPE
from study.errors import Damaged, Unreadable
from study.store.layout import Block, owner

if TYPE_CHECKING:
    import pyarrow as pa

KEY = b"evenhand"  # in a footer, then the length of what follows
SEAL = re.compile(
    KEY + rb'.{1,9}?(?P<about>\{"table": "[^{}]*"sha256": "(?P<sum>[0-9a-f]{64})"\})', re.DOTALL
)  # in a footer
PART = re.compile(KEY + rb'|\{"table": "[^{}]*"sha256": "')  # of one
BLANK = b"0" * 64
END = b"PAR1"
ARRAYS = ("features", "target", "split", "about")  # of a prepared dataset
ASIDE = ".damaged"  # after the name of what was set aside


def metadata(path: Path) -> dict[bytes, bytes]:
    """For the Parquet file at ``path``, which is still to be sealed."""
    return {KEY: json.dumps({**owner(path), "sha256": BLANK.decode()}).encode()}


def seal(path: Path) -> None:
    """Put the sum into a file that was written with ``metadata``."""
    content = path.read_bytes()
    place = _place(content)
    assert place
    with path.open("r+b") as file:
        file.seek(place.start("sum"))
        file.write(hashlib.sha256(content).hexdigest().encode())


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raises Damaged where what the block reads is a folder, Unreadable where it is closed to this user, or the disk
    has lost it."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EISDIR:
            raise Damaged(path, "is a folder, not a file") from None
        if error.errno in (errno.EACCES, errno.EPERM, errno.EIO):
            raise Unreadable(path, f"cannot be read ({os.strerror(error.errno).lower()})") from None
        raise


def check(path: Path, older: bool = False) -> bool:
    """Whether a Parquet file is sealed. Raises Damaged where it is not what was written, or not where it belongs.

    ``older``: it may be of an older recipe version too.
    """
    with readable(path):
        content = path.read_bytes()
    if content[:4] != END or content[-4:] != END:
        raise Damaged(path, "is damaged: it is not a whole Parquet file")
    place = _place(content)
    if not place:
        if PART.search(content, _footer(content)):
            raise Damaged(path, "is damaged: its checksum cannot be read")
        _check_columns(path, older)
        return False
    blank = content[: place.start("sum")] + BLANK + content[place.end("sum") :]
    if hashlib.sha256(blank).hexdigest().encode() != place["sum"]:
        raise Damaged(path, "is damaged: it has changed since it was written (SHA-256)")
    found, whose = json.loads(place["about"]), owner(path)
    del found["sha256"]
    if older and found.get("recipe_version", RECIPE) < RECIPE:
        whose["recipe_version"] = found["recipe_version"]
    if found != whose:
        raise Damaged(path, f"is not its own: it holds {_named(found)}")
    return True


def check_archive(path: Path) -> None:
    """Raises Damaged where a prepared dataset (.npz) is not what was written: its archive has checksums (CRC-32)."""
    from zipfile import ZipFile

    with readable(path):
        content = path.open("rb")  # what else the system has against that is no damage
    try:
        with content, ZipFile(content) as archive:
            whole = archive.testzip() is None and {*archive.namelist()} == {f"{name}.npy" for name in ARRAYS}
    except MemoryError:
        raise
    except Exception:  # of many kinds, by what the byte that changed was for
        whole = False
    if not whole:
        raise Damaged(path, "is damaged")


def set_aside(damaged: Damaged) -> Damaged:
    """Move a file that is not what was written out of the way; returns the same, and what became of it.

    Raises Damaged where it cannot be moved, or may be whole.
    """
    if isinstance(damaged, Unreadable):
        raise Unreadable(damaged.path, f"{damaged.why}; change that, or take it away")
    path, aside = damaged.path, damaged.path.with_name(damaged.path.name + ASIDE)
    try:
        os.replace(path, aside)
    except OSError as error:
        raise Damaged(path, f"{damaged.why}; it cannot be moved ({error.strerror}): take it away") from None
    return Damaged(path, f"{damaged.why}; it is now {aside.name}, and the next run of the study makes it again")


def read_parquet(path: Path, schema: pa.Schema | None = None) -> pa.Table:
    """A file that was checked. Raises Damaged where it is not what was written there, and then it is set aside."""
    try:
        check(path)
        return read_table(path, schema)
    except Damaged as damaged:
        raise set_aside(damaged) from None


def read_table(path: Path, schema: pa.Schema | None = None, columns: Sequence[str] | None = None) -> pa.Table:
    """A Parquet file, or some ``columns`` of it, as in ``schema``: null where the file is older than a column.

    By this thread alone: pyarrow's own ``read_table`` starts others, and waits forever where the system refuses them.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        there = set(file.schema_arrow.names)
        wanted = columns or (file.schema_arrow if schema is None else schema).names
        table = file.read([name for name in wanted if name in there], use_threads=False)
    if schema is None:
        return table
    fields = [schema.field(name) for name in wanted]
    cells = [table[f.name].cast(f.type) if f.name in there else pa.nulls(len(table), f.type) for f in fields]
    return pa.Table.from_arrays(cells, schema=pa.schema(fields, table.schema.metadata))


def _footer(content: bytes) -> int:
    """Where the footer of a Parquet file begins."""
    return max(0, len(content) - 8 - int.from_bytes(content[-8:-4], "little"))


def _place(content: bytes) -> re.Match[bytes] | None:
    """The seal of a file, and in it its sum."""
    return SEAL.search(content, _footer(content))


def _check_columns(path: Path, older: bool) -> None:
    """The same of a file without a seal, as far as its columns say."""
    import pyarrow as pa

    whose = owner(path)
    wanted: dict[str, set[Any]] = {name: {whose[name]} for name in ("arm", "search", "recipe_version") if name in whose}
    if older:
        wanted["recipe_version"] = {*range(1, RECIPE + 1)}
    if "seeds" in whose:
        wanted["seed"] = set(Block.parse(str(whose["seeds"])).seeds)
    try:
        table = read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise Damaged(path, f"is damaged: it cannot be read ({' '.join(str(error).split())[:80]})") from None
    for name, expected in wanted.items():
        found = set(table[name].to_pylist()) - {None} if name in table.column_names else set()
        if not found <= expected or (name == "seed" and whose["table"] == "runs" and found != expected):
            raise Damaged(path, f"is not its own: its {name} is {', '.join(map(str, sorted(found, key=str)[:3]))}")


def _named(found: Mapping[str, Any]) -> str:
    """``the runs of arm 0a1b2c3d4e5f, seeds 0-5``."""
    parts = [f"{name} {value}" for name, value in found.items() if name != "table"]
    return f"the {found.get('table')} of {', '.join(parts)}"

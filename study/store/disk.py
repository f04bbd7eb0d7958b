"""A disk that is full, or only read, told in one line; and what processes that died left on it."""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
SCRATCH = "evenhand-"  # how temporary folders begin
LITTLE = 16 * 1024  # bytes: libraries that fail for want of room do not all say so


class Unwritable(OSError):
    """Nothing can be written in a folder."""


class DiskFull(Unwritable):
    """A folder has no room left."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder}: the disk is full; free some space there, and run again")


@contextmanager
def telling(folder: Path) -> Iterator[None]:
    """What the block raises because ``folder`` is full is raised as DiskFull; where it is only read, as Unwritable."""
    try:
        yield
    except Unwritable:
        raise
    except Exception as error:
        if is_full(folder) or (isinstance(error, OSError) and error.errno in FULL):
            raise DiskFull(folder) from None
        if isinstance(error, OSError) and error.errno in CLOSED and not os.access(_there(folder), os.W_OK):
            words = f"nothing can be written there ({os.strerror(error.errno).lower()}); change that, and run again"
            raise Unwritable(f"{folder}: {words}") from None
        raise


def _there(folder: Path) -> Path:
    """A folder, or the one that it would be made in."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def is_full(folder: Path) -> bool:
    """Whether nothing more can be written to a folder, or to the one that it would be made in."""
    try:
        disk = os.statvfs(_there(folder))
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < LITTLE or (disk.f_files > 0 and disk.f_favail == 0)


def unfinished(path: Path, host: str | None = None, process: int | None = None) -> Path:
    """What a process, this one where none is given, writes before it takes the place of ``path``."""
    return path.with_name(f".{host or socket.gethostname()}.{process or os.getpid()}.{path.name}")


def sweep(folders: Iterable[Path]) -> None:
    """Remove what processes of this host that are gone had begun to write in ``folders``."""
    for folder in folders:
        with suppress(OSError):  # no such folder, or it is not ours to write in
            for path in _left(folder, "."):
                path.unlink(missing_ok=True)


def _left(folder: Path, prefix: str) -> Iterator[Path]:
    """What processes of this host that are gone left in a folder under names that begin so."""
    begun = re.compile(rf"{re.escape(prefix + socket.gethostname())}\.(\d+)\..+")
    for name in os.listdir(folder):
        if (found := begun.fullmatch(name)) and not exists(int(found[1])):
            yield folder / name


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A temporary folder of this process, which says whose it is; those of processes that are gone are removed."""
    sweep_scratch()
    return tempfile.TemporaryDirectory(prefix=f"{SCRATCH}{socket.gethostname()}.{os.getpid()}.")


def sweep_scratch() -> None:
    """Remove the temporary folders, of this user, of processes of this host that are gone."""
    with suppress(OSError):  # there is no place for temporary files
        for path in _left(Path(tempfile.gettempdir()), SCRATCH):
            with suppress(OSError):  # somebody else has just removed it
                if path.lstat().st_uid == os.getuid():
                    shutil.rmtree(path, ignore_errors=True)


def exists(process: int, born: str | None = None) -> bool:
    """Whether there is a process of that id on this host; the one that was ``born`` then, where that is given."""
    if process <= 0:  # these mean others, and no process has them
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is another user's
        pass
    return born is None or birth(process) in (None, born)


def birth(process: int) -> str | None:
    """What tells a process from a later one of its id: when it began, after which start of this host; None where nobody
    knows.
    """
    with suppress(OSError, IndexError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        about = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        state, *fields = about.rpartition(")")[2].split()
        return "ended" if state in "ZX" else f"{fields[18]} {boot}"  # nobody may ever ask a zombie for its end
    return None

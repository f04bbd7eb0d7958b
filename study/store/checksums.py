"""Checksums of files, and what data are in them, remembered.

That is a shortcut for planning: a file is read again only when its size, mtime, ctime or inode changed. Whoever uses
what is in it reads it whole, whatever is remembered.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from pydantic import ValidationError

from study.axes.base import canonical, digest
from study.axes.custom import Custom
from study.axes.dataset import Dataset, FromFiles
from study.axes.datasets.raw import Found, Unfit
from study.axes.datasets.table import OpenML
from study.axes.recipe import id_of_data
from study.store.notes import read_note, write_note

FOUND = "//found"  # where it stands what is in files; no path begins so
READER = 2  # raised by hand when other data are accepted, or are taken for something else


class Sums:
    """SHA-256 of files. ``memory``: where they are remembered once ``keep`` is called.

    A copy may keep its mtime, so that ctime and inode count too.
    """

    def __init__(self, memory: Path) -> None:
        self.memory = memory
        self._known: dict[str, object] = {}
        with suppress(OSError, ValueError):
            self._known = {**read_note(memory)}
        found = self._known.get(FOUND)
        self._found: dict[str, object] = found if isinstance(found, dict) else {}
        self._new = False

    def sum(self, path: Path) -> str:
        """Raises OSError where the file cannot be read."""
        status = path.stat()
        if not (S_ISREG(status.st_mode) or S_ISDIR(status.st_mode)):
            raise OSError(f"{str(path)!r} is neither a file nor a folder; give a file")
        stamp = _stamp(status)
        name = os.path.relpath(path, self.memory.parent)  # so that a store can be moved
        known = self._known.get(name)
        if isinstance(known, list) and known[:-1] == stamp:
            return str(known[-1])
        found = file_sum(path)
        self._known[name] = [*stamp, found]
        self._new = True
        return found

    def knows(self, path: Path) -> bool:
        """Whether a file was read already, and is the same to all appearances."""
        known = self._known.get(os.path.relpath(path, self.memory.parent))
        return isinstance(known, list) and known[:-1] == _stamp(path.stat())

    def keep(self) -> None:
        """Remember what was read, where that can be written: it only saves reading."""
        if self._new:
            known = self._known | ({FOUND: self._found} if self._found else {})
            with suppress(OSError):
                write_note(self.memory, json.dumps(known, sort_keys=True))
            self._new = False

    def digest(self, paths: Iterable[Path]) -> str:
        """One sum of the names and contents of those files that exist; empty where none does."""
        found = [(path.name, self.sum(path)) for path in paths if path.exists()]
        return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:12] if found else ""

    def resolve(self, dataset: Dataset, folder: Path) -> Dataset:
        """The dataset with its path taken relative to ``folder``, its checksum, and what is ``found`` in its files.

        It is read where that is not remembered. Raises OSError where a file cannot be read, ValueError where it is not
        the one the study file asks for, or cannot be learned from.
        """
        if isinstance(dataset, FromFiles):
            dataset = self._placed(dataset, folder)
        elif isinstance(dataset, OpenML) and dataset.cache:
            dataset = dataset.model_copy(update={"cache": str(folder / dataset.cache)})
        if not dataset.looked_at:
            return dataset
        found = self._look(dataset)
        more = {"md5": found.checksum} if isinstance(dataset, OpenML) else {}
        return dataset.model_copy(update={"found": found, **more})

    def _placed(self, dataset: FromFiles, folder: Path) -> FromFiles:
        placed = dataset.model_copy(update={"path": str(folder / dataset.path)})
        try:
            sums = [self.sum(Path(path)) for path in placed.sources]
        except FileNotFoundError as error:
            words = f"there is no file {error.filename!r}" if error.filename else str(error)
            raise FileNotFoundError(f"{words}; give a path relative to the study file") from None
        except IsADirectoryError as error:
            raise IsADirectoryError(f"{error.filename!r} is a folder; give a file") from None
        except NotADirectoryError as error:
            raise NotADirectoryError(f"{error.filename!r} is not in a folder; give a path that exists") from None
        except OSError as error:
            if error.strerror is None:
                raise
            raise OSError(f"{error.filename!r} cannot be read ({error.strerror.lower()}); give another") from None
        except ValueError:  # a zero byte
            raise Unfit("path", f"{dataset.path!r} is no path; give that of a file") from None
        found = placed.fingerprint(sums)
        if dataset.sha256 not in (None, found):
            words = f"the SHA-256 of {dataset.path!r} is {found}, not {dataset.sha256}"
            raise Unfit("sha256", f"{words}; correct it, or restore the file")
        return placed.model_copy(update={"sha256": found})

    def _look(self, dataset: Dataset) -> Found:
        """What is in the files of a dataset: remembered, or read now.

        What code gives is remembered once it was prepared, and trained on: nobody knows what else it depends on.
        """
        whole = {name: value for name, value in dataset.differing().items() if not name.startswith("split")}
        key = digest(canonical({"reader": READER, **whole}))
        made = (self.memory.parent / f"{id_of_data(dataset)}.npz").exists()
        if key in self._found and (made or not isinstance(dataset, Custom)):
            with suppress(ValidationError):
                return Found.model_validate(self._found[key])
        try:
            found = dataset.look()
        except (Unfit, OSError):
            raise
        except Exception as error:  # whatever a library says of a file that nobody thought of
            words = f"{getattr(dataset, 'path', dataset.title)} cannot be read ({type(error).__name__}); write it again"
            raise Unfit("path", words) from error
        check_unchanged(dataset)  # else what was found would be remembered of what was there before
        self._found[key] = found.model_dump(mode="json")
        self._new = True
        return found


def _stamp(status: os.stat_result) -> list[int]:
    """What changes when a file does."""
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def file_sum(path: Path) -> str:
    """SHA-256 of what is in a file now. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_unchanged(dataset: Dataset) -> None:
    """Read all files of a ``dataset`` that was planned. Raises ValueError with both sums where they are others now."""
    if not isinstance(dataset, FromFiles) or dataset.sha256 is None:
        return
    found = dataset.fingerprint([file_sum(Path(path)) for path in dataset.sources])
    if found != dataset.sha256:
        words = f"the SHA-256 of {dataset.path!r} is {found}, and was {dataset.sha256} when it was planned"
        raise Unfit("path", f"{words}; restore it, or run the same command again")

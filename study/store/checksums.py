"""Checksums of files, remembered: a file is read again only when its size, mtime or ctime changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from study.axes.dataset import Dataset, FromFiles
from study.store.files import write_if_changed


class Sums:
    """SHA-256 of files. ``memory``: where they are remembered once ``keep`` is called.

    A copy may keep its mtime, so that ctime counts too.
    """

    def __init__(self, memory: Path) -> None:
        self.memory = memory
        try:
            known = json.loads(memory.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            known = {}
        self._known: dict[str, object] = known if isinstance(known, dict) else {}
        self._new = False

    def sum(self, path: Path) -> str:
        """Raises OSError where the file cannot be read."""
        status = path.stat()
        stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        name = os.path.relpath(path, self.memory.parent)  # so that a store can be moved
        known = self._known.get(name)
        if isinstance(known, list) and known[:-1] == stamp:
            return str(known[-1])
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        self._known[name] = [*stamp, found]
        self._new = True
        return found

    def keep(self) -> None:
        """Remember what was read."""
        if self._new:
            write_if_changed(self.memory, json.dumps(self._known, sort_keys=True) + "\n")
            self._new = False

    def digest(self, paths: Iterable[Path]) -> str:
        """One sum of the names and contents of those files that exist; empty where none does."""
        found = [(path.name, self.sum(path)) for path in paths if path.exists()]
        return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:12] if found else ""

    def resolve(self, dataset: Dataset, folder: Path) -> Dataset:
        """The dataset with its path taken relative to ``folder`` and its checksum filled in.

        Raises OSError where a file cannot be read, ValueError where it is not the one the study file asks for.
        """
        if not isinstance(dataset, FromFiles):
            return dataset
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
        found = sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()
        if dataset.sha256 not in (None, found):
            raise ValueError(f"the SHA-256 of {dataset.path!r} is {found}; correct it, or restore the file")
        placed.check_sources()
        return placed.model_copy(update={"sha256": found})

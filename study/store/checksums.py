"""Checksums of the files that datasets are read from, remembered by path, size and mtime."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from study.axes.dataset import Dataset, FromFiles
from study.store.files import write_if_changed


class Sums:
    """SHA-256 of source files; a file is read again only when its size or mtime changed."""

    def __init__(self, memory: Path) -> None:
        self.memory = memory
        try:
            known = json.loads(memory.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            known = {}
        self._known: dict[str, str] = known if isinstance(known, dict) else {}

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

    def sum(self, path: Path) -> str:
        status = path.stat()
        key = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"
        if key not in self._known:
            with path.open("rb") as file:
                self._known[key] = hashlib.file_digest(file, "sha256").hexdigest()
            write_if_changed(self.memory, json.dumps(self._known, indent=1, sort_keys=True) + "\n")
        return self._known[key]

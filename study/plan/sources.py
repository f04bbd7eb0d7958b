"""Checksums of the files that datasets are read from, remembered by path, size and mtime."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from study.axes.dataset import Dataset, FromFiles
from study.plan.store import write_if_changed


class Sums:
    """SHA-256 of source files; a file is read again only when its size or mtime changed."""

    def __init__(self, memory: Path) -> None:
        self.memory = memory
        try:
            self._known: dict[str, str] = json.loads(memory.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            self._known = {}

    def resolve(self, dataset: Dataset, folder: Path) -> Dataset:
        """The dataset with its path taken relative to ``folder`` and its checksum filled in.

        Raises FileNotFoundError, or ValueError where the file is not the one the study file asks for.
        """
        if not isinstance(dataset, FromFiles):
            return dataset
        placed = dataset.model_copy(update={"path": str(folder / dataset.path)})
        total = hashlib.sha256("".join(self.sum(Path(path)) for path in placed.sources).encode())
        single = len(placed.sources) == 1
        found = self.sum(Path(placed.sources[0])) if single else total.hexdigest()
        if dataset.sha256 not in (None, found):
            raise ValueError(f"{dataset.path}: its SHA-256 is {found}, not {dataset.sha256}; the file has changed")
        return placed.model_copy(update={"sha256": found})

    def sum(self, path: Path) -> str:
        status = path.stat()
        key = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"
        if key not in self._known:
            with path.open("rb") as file:
                self._known[key] = hashlib.file_digest(file, "sha256").hexdigest()
            write_if_changed(self.memory, json.dumps(self._known, indent=1, sort_keys=True) + "\n")
        return self._known[key]

"""Made-up data in the shape of a dataset that need not be prepared yet: enough to see how long a step takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from study.axes.dataset import Dataset, Task
from study.engine.data import Data
from study.engine.split import Split
from study.plan.arm import split_sizes

LARGEST = 2**26  # bytes of files that are read for their shape
HELD_OUT = 64  # rows of validation and of test


class Form(NamedTuple):
    task: Task
    shape: tuple[int, ...]  # of one row
    outputs: int
    rows: int  # for training
    all_rows: int

    @classmethod
    def of(cls, dataset: Dataset, prepared: Path) -> Form:
        """From the prepared file where it is there, else from what the dataset is known to be, else from its files.

        Raises ValueError where these are too large to be read for that.
        """
        if prepared.exists():
            return cls._of_file(prepared)
        if dataset.rows and dataset.shape and dataset.known_task:
            train = split_sizes(dataset.rows)[0]
            return cls(dataset.known_task, dataset.shape, dataset.outputs, train, dataset.rows)
        if sum(Path(source).stat().st_size for source in dataset.sources) > LARGEST:
            raise ValueError(f"{dataset.name} is read when it is prepared, and its shape is not known before")
        raw = dataset.load()
        given = 0 if raw.test is None else int(raw.test.sum())
        others = len(raw.target) - given
        train = others - -(-others // 5) if given else split_sizes(others)[0]
        return cls(raw.task, raw.features.shape[1:], raw.classes or 1, train, len(raw.target))

    @classmethod
    def _of_file(cls, path: Path) -> Form:
        with np.load(path) as file:
            about, split = json.loads(str(file["about"])), file["split"]
            with file.zip.open("features.npy") as features:  # its head says the shape
                np.lib.format.read_magic(features)
                shape, _, _ = np.lib.format.read_array_header_1_0(features)
        return cls(about["task"], shape[1:], about["classes"] or 1, int((split == 0).sum()), len(split))

    def mockup(self, batch_size: int, device: torch.device) -> Data:
        """A few whole batches."""
        generator = torch.Generator().manual_seed(0)
        size = min(batch_size, self.rows)

        def split(rows: int) -> Split:
            x = torch.randn(rows, *self.shape, generator=generator)
            classes = self.task == "classification"
            y = torch.randint(self.outputs, (rows,), generator=generator) if classes else x.flatten(1).mean(1)
            return Split(x.to(device), y.to(device))

        return Data(
            self.task, self.shape, self.outputs, split(size * max(1, 128 // size)), split(HELD_OUT), split(HELD_OUT)
        )

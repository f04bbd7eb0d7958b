"""Runs that were not trained here, as a plan has them: from which files, with which sums."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from study.axes.base import Frozen
from study.plan.elsewhere.models import RunsFile, RunsMetric


class PlannedRuns(Frozen):
    """Runs that were not trained here, as they were when the study was planned. Paths are as seen from here."""

    file: RunsFile
    sha256: str
    curves_sha256: str | None
    metrics: dict[str, RunsMetric]  # that are read
    seeds: dict[str, tuple[int, ...]]  # of the runs of each arm

    @property
    def name(self) -> str:
        """Of the file, without its folder, which is somebody's own."""
        return Path(self.file.path).name

    @property
    def read(self) -> dict[str, Any]:
        """What is read of the file: metric → its column, and what that is."""
        return {name: one.model_dump(mode="json") for name, one in self.metrics.items()}

    @property
    def paths(self) -> list[Path]:
        return [Path(self.file.path), *([Path(self.file.curves.path)] if self.file.curves else [])]

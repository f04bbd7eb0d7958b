"""Runs that were not trained here, as a plan has them: from which files, with which sums."""

from __future__ import annotations

from pathlib import Path

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
    def paths(self) -> list[Path]:
        return [Path(self.file.path), *([Path(self.file.curves.path)] if self.file.curves else [])]

"""Snakemake as a user calls it, in a folder of its own."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self

import pytest

from tests.workflow import warm

ROOT = Path(__file__).parents[2]


@dataclass
class Place:
    """A folder with a study file; results go to ``results/`` in it."""

    folder: Path
    study: str = "study.yaml"

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def snakemake(
        self, *arguments: str, config: str = "", environment: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.CompletedProcess[str]:
        command, variables = self._command(*arguments, config=config), self._variables | environment
        return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=300, check=False)

    def start(self) -> subprocess.Popen[str]:
        """Snakemake in a process group of its own, as a terminal has it; both streams as one."""
        return subprocess.Popen(
            self._command(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._variables,
            start_new_session=True,
        )

    @property
    def _variables(self) -> dict[str, str]:
        # Where SLURM's commands are installed, its plugin would look for a controller for ten seconds.
        return {**os.environ, "SLURM_CONF": "/dev/null", "COLUMNS": "200"}

    def _command(self, *arguments: str, config: str = "") -> list[str]:
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        command += ["--workflow-profile", str(ROOT / "profiles" / "default"), "--directory", str(self.folder)]
        command += ["--cores", "2", "--resources", "gpu=2", *arguments]
        return [*command, "--config", f"study={self.study}", *shlex.split(config)]

    def jobs(self, config: str = "", *arguments: str) -> dict[str, int]:
        """The jobs that a dry run plans, by rule."""
        done = self.snakemake("--dry-run", *arguments, config=config)
        assert done.returncode == 0, done.stderr
        table = re.findall(r"^\s*(data|job|time|collect|table|figure|report) +(\d+)", done.stderr + done.stdout, re.M)
        return {rule: int(count) for rule, count in table}

    def records(self) -> dict[str, tuple[int, bytes]]:
        """mtime and content of every record."""
        return {
            str(path.relative_to(self.results)): (path.stat().st_mtime_ns, path.read_bytes())
            for path in sorted(self.results.glob("arms/*/runs-*.parquet"))
        }

    def copy(self, folder: Path) -> Self:
        shutil.copytree(self.folder, folder)
        return type(self)(folder, self.study)


class WarmPlace(Place):
    """Where Snakemake, and what its rules call, need not load anything."""

    def snakemake(
        self, *arguments: str, config: str = "", environment: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.CompletedProcess[str]:
        _, _, _, *command = self._command(*arguments, config=config)  # of python -m snakemake
        return warm.snakemake(command, self._variables | environment)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The smoke study, run once, for all of pytest-xdist's workers; tests that change anything take a copy."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    place = WarmPlace(shared / "finished")
    with (shared / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (end := place.folder / "end.txt").exists():
            place.folder.mkdir(exist_ok=True)
            study = (ROOT / "config" / "smoke.yaml").read_text()
            one = study.replace("baseline:", "style: {formats: [svg]}  # the others take as long\nbaseline:", 1)
            (place.folder / place.study).write_text(one)
            done = place.snakemake()
            assert done.returncode == 0, done.stdout + done.stderr
            end.write_text(done.stderr + done.stdout)
    return place


@pytest.fixture
def place(finished: Place, tmp_path: Path) -> WarmPlace:
    return WarmPlace(finished.copy(tmp_path / "copy").folder)

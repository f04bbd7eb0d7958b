"""One try of a fault: a tiny study in a folder of its own, the calls of it, and what became of them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from tests.workflow import warm
from tests.workflow.conftest import ROOT, Place

Records = Mapping[str, tuple[int, bytes]]  # mtime and content
TRACEBACK = re.compile(r"^.*Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*.*", re.MULTILINE)
LONGEST = 240.0  # seconds: a call that takes longer hangs
STUDY = """study: tiny
baseline:
  dataset: {name: table, path: data.csv, target: y}
  network: linear
  optimizer: sgd
  batch_size: 16
  epochs: 40
seeds: 6
style: {formats: [svg]}
tune:
  optimizer.lr: {log: [0.01, 1.0], points: 3}
  by_seed: false
  seeds: 2
  select: val_loss
  extend: 1
comparisons:
  batches:
    vary: {batch_size: [16, 32]}
    metrics: [test_loss]
    claims:
      - {metric: test_loss, better: batch_size=16, than: batch_size=32}
"""


def data(rows: int = 200) -> str:
    """A table that can be learned from."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(rows, 3))
    y = np.where(x[:, 0] + 0.5 * draw.normal(size=rows) > 0, "yes", "no")
    lines = [f"{a:.4f},{b:.4f},{c:.4f},{label}" for (a, b, c), label in zip(x, y, strict=True)]
    return "\n".join(["a,b,c,y", *lines]) + "\n"


@dataclass
class Outcome:
    """What became of a try; ``tracebacks`` and ``hangs`` of all its calls."""

    lost: int = 0  # runs that are not in the report at the end
    wrong: int = 0  # runs with other values than undisturbed
    again: int = 0  # files of finished runs that were made again
    tracebacks: int = 0
    hangs: int = 0
    words: list[str] = field(default_factory=list)  # what is not right, for a person

    @property
    def is_right(self) -> bool:
        return not (self.lost or self.wrong or self.again or self.tracebacks or self.hangs or self.words)


class Hang(Exception):
    """A call that does not end."""


class Case(Place):
    """``said``: what each call printed; ``excused``: files that a fault damaged, so that they are made again;
    ``made_again``: how many others are not after a call what they were before it; ``warm``: whether Snakemake, and what
    its rules call, need not load anything.
    """

    def __init__(self, folder: Path, study: str = STUDY) -> None:
        super().__init__(folder)
        self.whole = 0.0  # seconds, about, of a call that is not disturbed
        self.said: list[str] = []
        self.excused: set[str] = set()
        self.made_again = 0
        self.warm = False
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.study).write_text(study)
        (folder / "data.csv").write_text(data())

    def _command(self, *arguments: str, config: str = "") -> list[str]:
        python, module, snakemake, *rest = super()._command(*arguments, config=config)
        return [str(warm.started() / "bin" / snakemake), *rest] if self.warm else [python, module, snakemake, *rest]

    def taken_over(self, other: Place) -> Case:
        """With the results that ``other`` has."""
        for name in ("results", ".snakemake"):
            shutil.copytree(other.folder / name, self.folder / name)
        return self

    @contextmanager
    def running(
        self, prefix: Sequence[str] = (), more: Mapping[str, str] = {}, config: str = ""
    ) -> Iterator[subprocess.Popen[str]]:
        """A call under way, in a session of its own; what it printed is kept at its end."""
        log = self.folder / f"call-{len(self.said)}.txt"
        self.said.append("")
        place, before = len(self.said) - 1, self.records()
        with log.open("w") as out:
            process = subprocess.Popen(
                [*prefix, *self._command(config=config)],
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                env=self._variables | more,
                start_new_session=True,
            )
            try:
                yield process
                process.wait(LONGEST)
            except subprocess.TimeoutExpired:
                raise Hang(f"call {place}") from None
            finally:
                if process.poll() is None:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                self.said[place] = log.read_text(errors="replace")
                self.made_again += changed(before, self.records(), self.excused)

    def call(self, prefix: Sequence[str] = (), more: Mapping[str, str] = {}, config: str = "") -> int:
        """Its exit status."""
        with self.running(prefix, more, config) as process:
            pass
        return process.returncode

    def again(self) -> int:
        """What a person does after any fault: unlock, and call again; once more after whoever was still at it."""
        self.unlock()
        status = self.call()
        if status and "is still at it" in self.said[-1]:
            self.wait_for_orphans()
            status = self.call()
        return status

    def unlock(self) -> None:
        """As Snakemake asks for where it was killed."""
        if any((self.folder / ".snakemake" / "locks").glob("*")):
            self.snakemake("--unlock")

    def processes(self) -> list[int]:
        """Those that work in its folder."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if Path(os.readlink(path / "cwd")) == self.folder and int(path.name) != os.getpid():
                    found.append(int(path.name))
        return found

    def wait_for_orphans(self) -> None:
        end = time.monotonic() + LONGEST
        while self.processes():
            if time.monotonic() > end:
                raise Hang("an orphan")
            time.sleep(0.05)

    def job(self, seconds: float = 120.0) -> int | None:
        """The process of a job that has begun; None where none does."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for process in self.processes():
                with suppress(OSError):
                    words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
                    if b"job" in words and words[0].endswith(b"python") and self._begun():
                        return process
            time.sleep(0.02)
        return None

    def _begun(self) -> bool:
        return any(self.results.glob("searches/started-*")) or any(self.results.glob("arms/*/started-*"))

    def values(self) -> pd.DataFrame:
        """What the study says of every run."""
        runs = pd.read_parquet(self.results / "studies" / "tiny" / "runs.parquet")
        numbers = [name for name in runs.columns if runs[name].dtype.kind == "f" and name != "seconds"]
        return runs.set_index(["arm", "seed"])[["status", *numbers]].sort_index()


def changed(before: Records, after: Records, excused: Collection[str]) -> int:
    """How many records were made again, or are gone."""
    return sum(after.get(name) != was for name, was in before.items() if name not in excused)


def before_us(trace: str) -> bool:
    """Whether a person stopped Snakemake while it began, before it read our Snakefile: it shows where."""
    return trace.splitlines()[-1] == "KeyboardInterrupt" and str(ROOT) not in trace


def judged(case: Case, status: int, truth: pd.DataFrame) -> Outcome:
    """``status``: of the last call; ``truth``: the values of a study that nothing disturbed."""
    found = [trace[0] for text in case.said for trace in TRACEBACK.finditer(text) if not before_us(trace[0])]
    outcome = Outcome(again=case.made_again, tracebacks=len(found), words=[trace[-1500:] for trace in found])
    if status:
        outcome.words.append(f"exit status {status}: {case.said[-1][-1500:]}")
    try:
        found = case.values().reindex(columns=truth.columns)  # what is null of all runs has no kind
    except OSError as error:
        outcome.words.append(f"no report: {error}")
        outcome.lost = len(truth)
        return outcome
    there = found[found["status"] == "finished"]
    outcome.lost = len(truth.index.difference(there.index))
    both = truth.index.intersection(there.index)
    one, other = truth.loc[both].to_numpy(dtype=object), there.loc[both].to_numpy(dtype=object)
    outcome.wrong = int(((one != other) & ~(pd.isna(one) & pd.isna(other))).any(axis=1).sum()) if len(both) else 0
    if not (case.results / "studies" / "tiny" / "report.html").exists():
        outcome.words.append("no page")
    return outcome

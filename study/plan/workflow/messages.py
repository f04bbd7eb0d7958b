"""What Snakemake tells when it begins and ends: where training runs, what failed, where the report is."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from study.errors import Damaged, printed
from study.plan.cost import length
from study.plan.damage import failed, failed_timing, lost
from study.plan.limits import visible
from study.plan.workflow.dag import Dag
from study.store.disk import DiskFull, is_full
from study.store.failures import told_once
from study.store.seal import read_parquet
from study.wording import counted, plural


class Shortened(logging.Filter):
    """For Snakemake's logger: where its own writing fails, what the system says of it stands for the traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "exception", None) in ("OSError", "PermissionError"):
            record.msg, record.args = record.getMessage().strip().splitlines()[-1], ()
        return True


class Ended(logging.Filter):
    """For Snakemake's logger, which alone tells that somebody asked it to end, as by Ctrl-C."""

    by_request = False

    def filter(self, record: logging.LogRecord) -> bool:
        self.by_request |= record.getMessage().startswith("Terminating processes on user request")
        return True


class NothingToDo(logging.Filter):
    """For Snakemake's logger: where it has nothing to do it ends without a word on the report, which is said here."""

    def __init__(self, dag: Dag, folder: str) -> None:
        super().__init__()
        self.dag, self.folder = dag, folder

    def filter(self, record: logging.LogRecord) -> bool:
        if record.getMessage().startswith("Nothing to be done"):
            atexit.register(print, *end(self.dag, self.folder), sep="\n", file=sys.stderr)
        return True


def start(dag: Dag, executor: str = "local", logs: Sequence[str] = ()) -> str:
    """Where training will run; and, where Snakemake draws no progress bars, the log to follow."""
    follow = [] if sys.stderr.isatty() else [f"Each job as it begins and ends: {log}" for log in logs]
    return "\n".join([_where(dag, executor), *follow])


def _where(dag: Dag, executor: str) -> str:
    """The devices, and how many jobs share at a time where nobody said."""
    if dag.cached:
        runs = sum(length(blocks) for blocks in dag.plan.missing(dag.store).values())
        lacking = f" {counted(runs, 'run')} {plural(runs, 'is')} missing, and left out." if runs else ""
        return f"cached=true: nothing is trained; the report is drawn from the records that are there.{lacking}"
    if not dag.to_do and not dag.to_time:
        return "Nothing to train: the report is drawn from the records that are there."
    if dag.limits.cluster:
        return f"Training and timing are submitted as jobs ({executor}); everything else runs here."
    gpus = len(visible())
    where = f"Training runs on {counted(gpus, 'GPU')}."
    if not gpus:
        where = "No GPU that torch can use: training runs on the CPU."
    if dag.limits.gpu is None:
        where += f" No --resources gpu= was given: jobs share {counted(dag.gpu_limit, 'device')}."
    return where


def end(dag: Dag, folder: str = "", interrupted: bool = False) -> list[str]:
    """Where the report is, and one line per failure.

    ``interrupted``: whether somebody asked for the end.
    ``folder``: the working folder as a person named it (``--directory``), from where they stand.
    """

    def place(path: str | Path) -> str:
        return os.path.join(folder, path)

    lines = [
        f"{'INTERRUPTED' if f.is_interrupted else 'FAILED'} {dag.plan.names[f.arm]}, {f.what}{more}: {f.why}"
        f" (log: {place(f.log)})"
        for f, more in told_once(failed(dag.plan, dag.store))
    ]
    if dag.to_time and (why := failed_timing(dag.plan, dag.store)):
        lines.append(f"FAILED timing: {why[0]} (log: {place(why[1])})")
    until = "study is run without cached=true" if dag.cached else "same command is run again"
    lines += [
        f"DAMAGED {place(each.aside)}: what it held is missing until the {until}" for each in lost(dag.plan, dag.store)
    ]
    jobs = sum(not Path(receipt).exists() for receipt in dag.to_do)
    undone = [f"{jobs} of {counted(len(dag.to_do), 'job')}"] * bool(jobs) + ["the timing"] * bool(dag.to_time)
    if is_full(dag.store.root):
        lines.append(str(DiskFull(dag.store.root)))
    elif lines and not dag.cached:
        lines.append("The same command again does only what is missing.")
    elif undone:
        cause = "Interrupted. " * interrupted
        lines.append(f"{cause}Not done: {' and '.join(undone)}. The same command again goes on from here.")
    if (dag.folder / "report.html").exists():
        lines.append(report_of(dag.folder, folder))
    return list(map(printed, lines))


def is_something_to_draw(dag: Dag) -> bool:
    """Whether a study that stopped has something to show: runs, failures; or a report that shows another state."""
    there = any(dag.store.present(dag.plan.arms).values()) or dag.plan.given or failed(dag.plan, dag.store)
    return bool(there) or (dag.folder / "report.html").exists()


def report_of(study: Path, folder: str = "") -> str:
    """Where the report of a study is, whose folder that is, and of how many runs."""
    return f"Report: {os.path.join(folder, study / 'report.html')}{_coverage(study / 'runs.parquet')}"


def _coverage(runs: Path) -> str:
    """`` (288 of 288 runs)``, and how many of them diverged; nothing where that table is to be made again."""
    try:
        status = read_parquet(runs)["status"].to_pylist()
    except (OSError, Damaged):
        return ""
    diverged = status.count("diverged")
    there = f"{status.count('finished') + diverged} of {len(status)} runs"
    return f" ({there}, {diverged} diverged)" if diverged else f" ({there})"

"""Runs of a script of somebody's own: one process for each, and what it wrote down as a record."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

import torch

from study.axes.recipe import Recipe
from study.axes.trainer import Command
from study.engine.lines import LogError, read
from study.engine.pack import Slice
from study.engine.record import Record
from study.engine.signals import Interrupted
from study.run.attempt import identity
from study.store.checksums import file_sum
from study.store.failures import alive, holder
from study.store.files import write_if_changed
from study.store.layout import Store

POLL = 0.05  # seconds between looks at the clock, and for signals
LINGER = 1.0  # seconds that are waited for the rest of what it printed, where somebody else may hold that open
GRACE = 30.0  # seconds that a script has to write its checkpoint once it is asked to end
SHORT = 5.0  # the same, of one that is past its timeout
LAST = 3  # lines of its output that a reason has
WIDTH = 160  # characters of each
THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
ROOT = Path(__file__).parents[2]


class ScriptError(Exception):
    """Why a script left no record of a run, in one line."""


class Scripts:
    """The runs of scripts in one job, one after another, each in a folder of its own until its records are written.

    ``home``: the folder of the study file, in which scripts run; ``signals``: a list of those that ask to stop, to
    which whoever hears them adds.
    """

    def __init__(self, store: Store, home: str | Path, device: torch.device, signals: list[int]) -> None:
        self.store, self.home, self.device, self.signals = store, Path(home), device, signals

    def train(self, unit: str, runs: Slice) -> list[Record] | Exception:
        """The records of a slice that a unit, by name, wants; or why there are none.

        Raises Interrupted where a signal asked for the end.
        """
        try:
            return [
                self._trained(runs.recipe, seed, self.store.scripts(unit) / f"{runs.recipe.id}-{seed}")
                for seed in runs.seeds
            ]
        except Exception as error:  # the others of its job go on
            return error

    def remove(self, unit: str) -> None:
        """What was kept of a unit, by name, whose records are written, or that failed."""
        shutil.rmtree(self.store.scripts(unit), ignore_errors=True)

    def _trained(self, recipe: Recipe, seed: int, place: Path) -> Record:
        """One run: of a script that ended before its records were written, what it left."""
        trainer, done, checkpoint = recipe.trainer, place / "done", place / "checkpoint"
        assert isinstance(trainer, Command)
        if done.exists():
            return self._record(seed, logs_in(place), seconds_in(done), None)
        place.mkdir(parents=True, exist_ok=True)
        end_orphan(place / "lock")
        with (place / "lock").open("w", encoding="utf-8") as lock:
            with suppress(OSError):  # no locks here
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not checkpoint.exists():
                for log in logs_in(place):
                    log.unlink()  # it begins anew
            log = place / f"log-{len(logs_in(place)):04d}.jsonl"
            log.touch()
            settings = place / "recipe.json"
            write_if_changed(settings, json.dumps(recipe.told(), indent=1) + "\n")
            given = {"recipe": settings, "log": log, "checkpoint": checkpoint}
            words = trainer.words({name: path.absolute() for name, path in given.items()} | {"seed": seed})
            began = time.monotonic()
            why = watch(self._start(words, recipe.gpus, lock), trainer.timeout, self.signals)
        trainer.check(self.home, file_sum)  # whoever edits it now makes other runs, of another id
        logs = logs_in(place)
        seconds = None if len(logs) > 1 else round(time.monotonic() - began, 3)  # of one that went on nobody knows
        record = self._record(seed, logs, seconds, why)
        write_if_changed(done, json.dumps(seconds))
        shutil.rmtree(checkpoint) if checkpoint.is_dir() else checkpoint.unlink(missing_ok=True)
        return record

    def _start(self, words: list[str], gpus: int, lock: IO[str]) -> subprocess.Popen[bytes]:
        """Start the script, which then holds the lock, as whatever it starts does: see ``end_orphan``."""
        # SLURM's warning reaches every process, and ends one that does not expect it; it gets SIGTERM from here.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        try:
            process = subprocess.Popen(
                words,
                cwd=self.home,
                env=environment(self.device, gpus),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # signals come from here alone
                pass_fds=[lock.fileno()],
            )
        except OSError as error:
            raise ScriptError(f"{words[0]!r} cannot be started: {error.strerror or error}") from None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        lock.write(json.dumps(identity(process.pid)))
        lock.flush()
        return process

    def _record(self, seed: int, logs: Sequence[Path], seconds: float | None, why: str | None) -> Record:
        """Of what the starts of a script wrote; ``why``: it failed. One whose numbers are not finite diverged."""
        try:
            rows = read(logs)
        except LogError as error:
            raise ScriptError(f"{why}; and {error}" if why else str(error)) from None
        if why and rows.diverged is None:
            raise ScriptError(why)
        if not rows.curve and rows.diverged is None:
            raise ScriptError("ended without a line in its log: it writes one for each evaluation to {log}")
        if rows.unknown and rows.diverged is None and not rows.metrics:
            raise ScriptError(f"no line of its log has a metric, but {'; '.join(rows.unknown)}")
        if rows.unknown:
            print(f"seed {seed}: left out of what the script wrote: {'; '.join(rows.unknown)}", flush=True)
        return rows.record(seed, seconds)


class Output(Thread):
    """Prints what a script prints, as it comes; ``last``: its last lines."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.stream, self.last = stream, deque[str](maxlen=LAST)
        self.start()

    def run(self) -> None:
        with self.stream:
            for line in self.stream:
                if words := line.decode(errors="replace").rstrip():
                    with suppress(OSError):  # as of a full disk: a script that nobody listens to would hang
                        print(words, flush=True)
                    self.last.append(words.strip()[:WIDTH])

    def after(self, why: str) -> str:
        """A reason, and what it printed last."""
        return f"{why}; it said last: {' | '.join(self.last)}" if self.last else f"{why}; it printed nothing"


def logs_in(place: Path) -> list[Path]:
    """What each start of a run has written, in order."""
    return sorted(place.glob("log-*.jsonl"))


def seconds_in(done: Path) -> float | None:
    """How long a run took that ended, where that is known; of a damaged file it is not."""
    with suppress(ValueError):
        found = json.loads(done.read_text(encoding="utf-8"))
        return found if isinstance(found, float) else None
    return None


def watch(process: subprocess.Popen[bytes], timeout: float | None, signals: list[int]) -> str | None:
    """Wait for a script, and print what it prints; returns why it failed, None where it did not.

    Raises Interrupted once one of ``signals`` asks for the end, which the script is asked for, too.
    """
    assert process.stdout is not None
    output, began, late = Output(process.stdout), time.monotonic(), False
    try:
        while process.poll() is None and not late:
            output.join(POLL)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0 if output.is_alive() else POLL)  # it is about to end, once it has closed its output
            if signals:
                ask_to_end(process, GRACE)
                raise Interrupted(f"{signal.Signals(signals[0]).name}; the next start goes on from there")
            late = timeout is not None and time.monotonic() - began > timeout
        if late:
            ask_to_end(process, SHORT)
    except KeyboardInterrupt:
        ask_to_end(process, GRACE)
        raise
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # whatever it started ends with it
        code = process.wait()
        output.join(LINGER)
    if late:
        return output.after(f"took longer than its timeout of {timeout:g} s")
    if code == 0:
        return None
    return output.after(f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}")


def ask_to_end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """SIGTERM to a script and to all that it started, and so many seconds for what they do then."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def end_orphan(lock: Path) -> None:
    """End a script that lives on though its job was killed: it holds ``lock``, which says who it is."""
    while alive(lock):
        about = holder(lock)  # nothing where it was not told yet
        if about.get("host", socket.gethostname()) != socket.gethostname():  # there that number is another process
            raise ScriptError(f"its script still runs on {about['host']}: end it there, and run again")
        with suppress(KeyError, ProcessLookupError, PermissionError):
            os.killpg(about["pid"], signal.SIGKILL)
        time.sleep(POLL)


def environment(device: torch.device, threads: int) -> dict[str, str]:
    """Of a script: that of the user, its devices, and as many threads as its job has."""
    given = dict(os.environ)
    given.pop("PYTHONSAFEPATH", None)  # set for our own verbs, as is the first part of PYTHONPATH
    paths = [path for path in given.pop("PYTHONPATH", "").split(os.pathsep) if path and Path(path) != ROOT]
    programs = [os.path.dirname(sys.executable), *given.get("PATH", os.defpath).split(os.pathsep)]
    given |= {"PATH": os.pathsep.join(dict.fromkeys(programs)), "PYTHONUNBUFFERED": "1"}
    given |= {"PYTHONPATH": os.pathsep.join(paths)} if paths else {}
    given |= {} if device.type == "cuda" else {"CUDA_VISIBLE_DEVICES": ""}  # a lease has set those of a job
    return given | dict.fromkeys(THREADS, str(threads))

"""The faults: what each does to a study that runs, or that has run. The call after it has to end well."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.faults.case import LONGEST, STUDY, Case, data
from tests.faults.damage import cut, damaged, damaged_on_the_way, flipped


class Fault(NamedTuple):
    """``tries``: in a whole campaign; ``each``: faults in each. ``finished``: it comes after the study was run once."""

    name: str
    does: Callable[[Case, Random], None]
    tries: int = 1
    each: int = 1
    finished: bool = False
    study: str = STUDY
    folder: str = "place"


class NotTried(Exception):
    """The fault could not be made, or was not taken as one."""


def in_a_row(does: Callable[[Case, Random], None], many: int) -> Callable[[Case, Random], None]:
    """The same fault to so many calls, one after the other."""

    def do(case: Case, rng: Random) -> None:
        for i in range(many):
            if i:
                case.wait_for_orphans()
                case.unlock()
            does(case, rng)

    return do


def to_snakemake(number: signal.Signals, many: int = 1) -> Callable[[Case, Random], None]:
    """So many signals at random moments of one call."""

    def does(case: Case, rng: Random) -> None:
        with case.running() as process:
            began = time.monotonic()
            for moment in sorted(rng.uniform(0.5, case.whole) for _ in range(many)):
                time.sleep(max(0.0, began + moment - time.monotonic()))
                if process.poll() is None:
                    (os.killpg if number in OF_A_TERMINAL else os.kill)(process.pid, number)
                    if number == signal.SIGSTOP:
                        time.sleep(1)
                        os.kill(process.pid, signal.SIGCONT)

    return does


def to_job(number: signal.Signals, many: int = 1) -> Callable[[Case, Random], None]:
    """So many signals to the process that trains, at random moments."""

    def does(case: Case, rng: Random) -> None:
        with case.running():
            if process := case.job():
                for _ in range(many):
                    time.sleep(rng.uniform(0, 2))
                    try:
                        os.kill(process, number)
                        if number == signal.SIGSTOP:
                            time.sleep(1)
                            os.kill(process, signal.SIGCONT)
                    except ProcessLookupError:
                        break  # it was faster

    return does


def five(
    to: Callable[[signal.Signals, int], Callable[[Case, Random], None]], number: signal.Signals
) -> Callable[[Case, Random], None]:
    """Five signals: one to each of five calls, or all to one call where it goes on after them."""
    return to(number, 5) if number == signal.SIGSTOP else in_a_row(to(number, 1), 5)


def worker_killed(case: Case, rng: Random) -> None:
    """Or what workers are forked from."""
    with case.running():
        if process := case.job():
            end = time.monotonic() + 60
            while time.monotonic() < end:
                below = children(process)
                workers = [worker for one in below for worker in children(one)]
                if len(workers) > 1 or process not in case.processes():
                    break
                time.sleep(0.05)
            time.sleep(rng.uniform(0, 1))
            for one in rng.sample(workers or below, 1) if rng.random() < 0.8 else below:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)


def children(process: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True).stdout
    return [int(one) for one in found.split()]


@contextmanager
def mounted(*arguments: str) -> Iterator[None]:
    """``arguments``: of mount, the folder last. Only root can."""
    subprocess.run(["mount", *arguments], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", arguments[-1]], check=True)


def full_disk(case: Case, rng: Random) -> None:
    """A small disk for the results is filled at a random moment; what is on it moves to a larger one."""
    case.results.mkdir()
    disk = case.folder / "disk"
    disk.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=3m", "tmpfs", str(case.results)):
        with case.running() as process:
            end = time.monotonic() + rng.uniform(0.0, case.whole)
            while time.monotonic() < end and process.poll() is None:
                time.sleep(0.02)
            room = os.statvfs(case.results)
            spare = rng.choice([0, 0, 4096, 16384, 65536])
            with (case.results / "filler").open("wb") as filler:
                left = max(0, room.f_bavail * room.f_frsize - spare)
                with suppress(OSError):
                    filler.write(b"\0" * left)
        (case.results / "filler").unlink()
        subprocess.run(["cp", "-a", f"{case.results}/.", str(disk)], check=True)
    case.results.rmdir()
    disk.rename(case.results)


def read_only(case: Case, rng: Random) -> None:
    """No file of the results can be opened to be written to from a random moment on."""
    case.results.mkdir()
    with case.running() as process:
        end = time.monotonic() + rng.uniform(0.0, case.whole)
        while time.monotonic() < end and process.poll() is None:
            time.sleep(0.02)
        with mounted("--bind", str(case.results), str(case.results)):
            subprocess.run(["mount", "-o", "remount,ro,bind", str(case.results)], check=True)
            process.wait(LONGEST)


def beside(case: Case, rng: Random, folder: Path, text: str) -> None:
    """Two calls at a time on one store."""
    other = Case(folder, text) if folder != case.folder else case
    config = f"'results={case.results}'" if other is not case else ""
    with case.running():
        time.sleep(rng.uniform(0, case.whole / 2))
        other.call(config=config)
    case.said += other.said if other is not case else []


def same_folder(case: Case, rng: Random) -> None:
    beside(case, rng, case.folder, STUDY)


def other_folder(case: Case, rng: Random) -> None:
    """A copy of the study file is refused while the first is there; so it is called something else."""
    beside(case, rng, case.folder.with_name("other"), STUDY.replace("study: tiny", "study: twin"))


def shared_arms(case: Case, rng: Random) -> None:
    text = STUDY.replace("study: tiny", "study: wider").replace("[16, 32]", "[16, 32, 64]")
    beside(case, rng, case.folder.with_name("wider"), text)


def limited(option: str, low: int, high: int) -> Callable[[Case, Random], None]:
    def does(case: Case, rng: Random) -> None:
        case.call(prefix=["bash", "-c", f'ulimit -{option} {rng.randint(low, high)}; exec "$@"', "bash"])

    return does


def no_shared_memory(case: Case, rng: Random) -> None:
    script = 'mount -t tmpfs -o ro,size=4k tmpfs /dev/shm; exec "$@"'
    case.call(prefix=["unshare", "-m", "bash", "-c", script, "bash"])


def no_home(case: Case, rng: Random) -> None:
    gone = str(case.folder / "gone")
    case.call(more={"HOME": gone, "TMPDIR": gone, "XDG_CACHE_HOME": gone})


def clock(case: Case, rng: Random) -> None:
    """Files are from the future, and from long ago."""
    for path in (case.folder).rglob("*"):
        if path.is_file() and rng.random() < 0.5:
            then = time.time() + rng.choice([-1, 1]) * rng.uniform(60, 10 * 365 * 86400)
            os.utime(path, (then, then))


def edited_study(case: Case, rng: Random) -> None:
    """While it runs the file asks for more, then for what it asked for before."""
    with case.running():
        time.sleep(rng.uniform(0, case.whole))
        (case.folder / case.study).write_text(STUDY.replace("seeds: 6", "seeds: 7"))
    (case.folder / case.study).write_text(STUDY)


def edited_data(case: Case, rng: Random) -> None:
    with case.running():
        time.sleep(rng.uniform(0, case.whole))
        (case.folder / "data.csv").write_text(data().replace("yes", "Yes", 3))
    (case.folder / "data.csv").write_text(data())


def nothing(case: Case, rng: Random) -> None:
    case.call()


def braces(case: Case, rng: Random) -> None:
    """Snakemake takes them for wildcards in the folder that it works in, which is refused; a study may lie in one."""
    if case.call() != 2 or case.results.exists():
        raise NotTried(f"not refused: {case.said[-1]}")
    case.folder = case.folder.rename(case.folder.with_name("place"))
    inner = case.folder / "{study} {0}"
    inner.mkdir()
    for name in (case.study, "data.csv"):
        (case.folder / name).rename(inner / name)
    case.study = f"{inner.name}/{case.study}"


SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP, signal.SIGHUP, signal.SIGINT)
OF_A_TERMINAL = (signal.SIGHUP, signal.SIGINT)  # which sends them to a whole process group
SMALLER = STUDY.replace("epochs: 40", "epochs: 4")
TWO = SMALLER.replace("epochs: 4", "epochs: 4\n  gpus: 2").replace("points: 3", "points: 2")
HOSTILE = {
    "quotes": "a 'quoted' \"place\"",
    "newline": "two\nlines",
    "globs": "a*b?[c]",
    "250 letters": "l" * 250,
    "others": "$HOME; & #é %s",
}
FAULTS = [
    *(Fault(f"{each.name} to Snakemake", five(to_snakemake, each), 2, 5) for each in SIGNALS),
    *(Fault(f"{each.name} to a job", five(to_job, each), 2, 5) for each in SIGNALS),
    Fault("full disk", full_disk, 5),
    Fault("read-only results", read_only, 3),
    Fault("flipped bytes, one at a time", damaged(flipped, 1), 5, finished=True),
    Fault("flipped bytes, 5 at a time", damaged(flipped, 5), 5, 5, finished=True),
    Fault("flipped bytes, 60 at a time", damaged(flipped, 60), 7, 60, finished=True),
    Fault("flipped bytes, 10 while it runs", damaged_on_the_way(flipped, 10), 5, 10, finished=True),
    Fault("files cut short, 2 at a time", damaged(cut, 2), 4, 2, finished=True),
    Fault("files cut short, 10 at a time", damaged(cut, 10), 3, 10, finished=True),
    Fault("files cut short, 3 while it runs", damaged_on_the_way(cut, 3), 4, 3, finished=True),
    Fault("two calls in a folder", same_folder, 2),
    Fault("two folders, one store", other_folder, 2),
    Fault("two studies that share arms", shared_arms, 2),
    Fault("a worker of two killed", worker_killed, 3, study=TWO),
    Fault("ulimit -v", limited("v", 300_000, 3_000_000), 3),
    Fault("ulimit -n", limited("n", 12, 64), 3),
    Fault("no /dev/shm", no_shared_memory),
    Fault("no HOME, no TMPDIR", no_home),
    Fault("clocks that differ", clock, 2, finished=True),
    Fault("edited study", edited_study, 2),
    Fault("edited data", edited_data, 2),
    *(Fault(f"path with {name}", nothing, folder=folder, study=SMALLER) for name, folder in HOSTILE.items()),
    Fault("path with braces", braces, folder="{place} {0} {{x}}", study=SMALLER),
]

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

from tests.faults.case import STUDY, Case, data


class Fault(NamedTuple):
    """``share``: of the tries that are asked for. ``finished``: it comes after the study was run once."""

    name: str
    does: Callable[[Case, Random], None]
    share: float = 1.0
    finished: bool = False
    study: str = STUDY
    folder: str = "place"


def to_snakemake(number: signal.Signals) -> Callable[[Case, Random], None]:
    """A signal at a random moment."""

    def does(case: Case, rng: Random) -> None:
        with case.running() as process:
            time.sleep(rng.uniform(0.5, case.whole))
            if process.poll() is None:
                (os.killpg if number in OF_A_TERMINAL else os.kill)(process.pid, number)
                if number == signal.SIGSTOP:
                    time.sleep(1)
                    os.kill(process.pid, signal.SIGCONT)

    return does


def to_job(number: signal.Signals) -> Callable[[Case, Random], None]:
    """A signal to the process that trains, at a random moment."""

    def does(case: Case, rng: Random) -> None:
        with case.running():
            if process := case.job():
                time.sleep(rng.uniform(0, 2))
                try:
                    os.kill(process, number)
                    if number == signal.SIGSTOP:
                        time.sleep(1)
                        os.kill(process, signal.SIGCONT)
                except ProcessLookupError:
                    pass  # it was faster

    return does


def worker_killed(case: Case, rng: Random) -> None:
    with case.running():
        if process := case.job():
            end = time.monotonic() + 30
            while len(workers := children(process)) < 2 and time.monotonic() < end:
                time.sleep(0.05)
            time.sleep(rng.uniform(0, 1))
            for one in rng.sample(workers, min(1, len(workers))):
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)


def children(process: int) -> list[int]:
    """Processes below it that no other is below."""
    found = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True).stdout.split()
    below = {int(one): children(int(one)) for one in found}
    return [leaf for one, more in below.items() for leaf in (more or [one])]


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
    """The results cannot be written to from a random moment on."""
    case.results.mkdir()
    with mounted("--bind", str(case.results), str(case.results)), case.running() as process:
        end = time.monotonic() + rng.uniform(0.0, case.whole)
        while time.monotonic() < end and process.poll() is None:
            time.sleep(0.02)
        subprocess.run(["mount", "-o", "remount,ro,bind", str(case.results)], check=False)


def damaged(change: Callable[[bytes, Random], bytes], many: int) -> Callable[[Case, Random], None]:
    """``change`` so many files of a finished study, of every kind; a call finds some of that only while it collects."""

    def does(case: Case, rng: Random) -> None:
        files = sorted(path for path in case.results.rglob("*") if path.is_file() and path.stat().st_size)
        kinds = sorted({path.suffix for path in files})
        for _ in range(many):
            kind = rng.choice(kinds)
            path = rng.choice([one for one in files if one.suffix == kind and one.name != "history.json"] or files[:1])
            path.write_bytes(change(path.read_bytes(), rng))
            if path.parent.parent.name == "arms":  # both files of a block are made again
                case.excused |= {str(one.relative_to(case.results)) for one in path.parent.glob("runs-*")}
            if path.parent.name == "searches":
                case.excused |= {str(one.relative_to(case.results)) for one in case.results.glob("arms/*/runs-*")}
        case.call()

    return does


def flipped(content: bytes, rng: Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << rng.randrange(8))]) + content[place + 1 :]


def cut(content: bytes, rng: Random) -> bytes:
    return content[: rng.randrange(len(content))]


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


SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP, signal.SIGHUP, signal.SIGINT)
OF_A_TERMINAL = (signal.SIGHUP, signal.SIGINT)  # which sends them to a whole process group
TWO = STUDY.replace("epochs: 40", "epochs: 40\n  gpus: 2")
HOSTILE = {
    "quotes": "a 'quoted' \"place\"",
    "newline": "two\nlines",
    "braces": "{place} {0} {{x}}",
    "globs": "a*b?[c]",
    "long": "l" * 200,
    "others": "$HOME; & #é %s",
}
FAULTS = [
    *(Fault(f"{each.name} to Snakemake", to_snakemake(each)) for each in SIGNALS),
    *(Fault(f"{each.name} to a job", to_job(each)) for each in SIGNALS),
    Fault("full disk", full_disk),
    Fault("read-only results", read_only, 0.3),
    Fault("10 flipped bytes", damaged(flipped, 10), finished=True),
    Fault("5 files cut short", damaged(cut, 5), finished=True),
    Fault("two calls in a folder", same_folder, 0.3),
    Fault("two folders, one store", other_folder, 0.3),
    Fault("two studies that share arms", shared_arms, 0.3),
    Fault("a worker of two killed", worker_killed, 0.3, study=TWO),
    Fault("ulimit -v", limited("v", 300_000, 3_000_000), 0.5),
    Fault("ulimit -n", limited("n", 12, 64), 0.3),
    Fault("no /dev/shm", no_shared_memory, 0.1),
    Fault("no HOME, no TMPDIR", no_home, 0.1),
    Fault("clocks that differ", clock, 0.3, finished=True),
    Fault("edited study", edited_study, 0.3),
    Fault("edited data", edited_data, 0.3),
    *(Fault(f"path with {name}", nothing, 0.0, folder=folder) for name, folder in HOSTILE.items()),
]

"""Two studies on a SLURM of our own, run once; the tests look at what they left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from study.plan.file.expand import prepare
from study.plan.jobs import jobs
from study.plan.limits import Limits
from study.store.layout import Store
from tests.slurm import accounting
from tests.slurm.cluster import Cluster, unavailable
from tests.workflow.conftest import ROOT, Place
from tests.workflow.conftest import finished as finished  # a fixture
from tests.workflow.processes import training

SLURM, SHORT = Limits(cluster=True, jobs=100), 0.01  # so short a job holds one arm of the interrupted study
LONG = 200.0  # seconds that anything here may take on a busy machine


@dataclass
class Job:
    """One of SLURM's jobs, and what training said in it first."""

    id: str
    rule: str  # with its wildcards, as Snakemake tells SLURM
    state: str
    node: str
    start: datetime
    end: datetime
    gpus: int
    cores: int
    log: str

    @property
    def devices(self) -> set[str]:
        [line] = [line for line in self.log.splitlines() if "CUDA_VISIBLE_DEVICES=" in line]
        return set(line.partition("CUDA_VISIBLE_DEVICES=")[2].split(","))

    def overlaps(self, other: Job) -> bool:
        """Whether both ran at one time, for more than the second that SLURM's clock resolves."""
        shared = min(self.end, other.end) - max(self.start, other.start)
        return self.id != other.id and shared.total_seconds() > 1

    def beside(self, other: Job) -> bool:
        """Whether both ran on one node at one time."""
        return self.node == other.node and self.overlaps(other)


@dataclass
class Ran:
    smoke: Place
    interrupted: Place
    many: Place
    alone: Place  # smoke, without SLURM; of all tests, never changed
    ids: dict[str, str]  # of the interrupted study: the job that trains an arm, by its label
    killed: str  # the id of SLURM's job that was killed after its first pack, of those of many small arms
    before: dict[Path, bytes]  # what it had made by then
    jobs: list[Job]
    output: dict[str, str]  # what each Snakemake printed, by study

    def of(self, rule: str) -> list[Job]:
        return [job for job in self.jobs if job.rule.startswith(rule)]


@pytest.fixture(scope="session")
def installed() -> None:
    reason = unavailable()
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def cluster(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("slurm"), accounted=accounting.unavailable() is None)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def ran(cluster: Cluster, finished: Place, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Smoke, whose Snakemake is itself a job; beside it a study of which one job is cancelled and one out of time, and
    a study of many arms.
    """

    def place(name: str, study: Path) -> Place:
        folder = tmp_path_factory.mktemp(name)
        shutil.copy(study, folder)
        return Place(folder, study.name)

    smoke = place("smoke", ROOT / "config" / "smoke.yaml")
    interrupted = place("interrupted", Path(__file__).with_name("interrupted.yaml"))
    many = place("many", Path(__file__).with_name("many.yaml"))
    plan = prepare(interrupted.folder / interrupted.study, Store(interrupted.results))
    arms = {arm.label: arm.arm for arm in plan.comparisons[0].arms}
    made = jobs(plan, Store(interrupted.results), SLURM, SHORT)
    trained = {unit.arm.id: job.id for job in made for unit in job.blocks}
    ids = {label: trained[arm] for label, arm in arms.items()}
    head = ["--parsable", "--comment=head", "--mem=2000", "--time=30", f"--output={smoke.folder}/output.txt"]
    cluster("sbatch", *head, "--wrap", " ".join(snakemake(smoke)))
    said: dict[str, str] = {}  # by job, of those that do not live to the end
    with (
        ThreadPoolExecutor() as pool,
        started(cluster, interrupted, f"job_minutes={SHORT}"),
        started(cluster, many),
    ):
        killing = pool.submit(kill_after_a_pack, cluster, many, said)
        interrupt(cluster, interrupted, arms, ids, said)
        killed, before = killing.result()
    cluster.until(lambda: not cluster("squeue", "-h"), LONG, pause=1.0)
    places = (smoke, interrupted, many)
    output = {place.folder.name[:-1]: (place.folder / "output.txt").read_text() for place in places}
    ran = [read(job, list(places), said) for job in cluster.jobs()]
    return Ran(smoke, interrupted, many, finished, ids, killed, before, ran, output)


@contextmanager
def started(cluster: Cluster, place: Place, *config: str) -> Iterator[None]:
    """Snakemake is under way; in the end it is waited for."""
    with (place.folder / "output.txt").open("w") as file:
        command = [*snakemake(place), *config]
        process = subprocess.Popen(command, env=cluster.environment, stdout=file, stderr=file)
        try:
            yield
            process.wait(LONG)
        finally:
            process.kill()


def kill_after_a_pack(cluster: Cluster, place: Place, said: dict[str, str]) -> tuple[str, dict[Path, bytes]]:
    """Cancel the job of many small arms as soon as there are records; its id, and these."""

    def records() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in place.results.glob("arms/*/runs-0-3.parquet")}

    own = ""

    def under_way() -> bool:
        """Between two packs no arm is; and a mark may go while it is read."""
        nonlocal own
        for path in place.results.glob("arms/*/started-0-3.json"):
            with suppress(OSError, ValueError):
                own = json.loads(path.read_text())["log"]
        return bool(own and records())

    cluster.until(under_way, LONG)
    running = [job for job in cluster.jobs() if job["JobState"] == "RUNNING"]
    [job] = [job["JobId"] for job in running if Path(own).stem in job["Comment"]]
    said[job] = (place.folder / own).read_text()
    cluster("scancel", "--signal=KILL", job)
    return job, records()


def snakemake(place: Place) -> list[str]:
    """The command of docs/clusters.md, but for looks at the queue that suit a small cluster."""
    return [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(place.folder)),
        *("--workflow-profile", str(ROOT / "profiles" / "slurm"), "--slurm-init-seconds-before-status-checks", "2"),
        *("--config", f"study={place.study}"),
    ]


def interrupt(cluster: Cluster, place: Place, arms: dict[str, str], ids: dict[str, str], said: dict[str, str]) -> None:
    """Cancel one job, and cut the time of another so that SLURM warns it, while both are in the midst of training."""
    with ThreadPoolExecutor() as pool:  # at once, because neither trains for long
        labels = ("cancelled", "out of time")
        cancelled, late = pool.map(lambda label: held(cluster, place, arms[label], ids[label], said), labels)
    cluster("scancel", cancelled[0])
    [began] = [datetime.fromisoformat(job["StartTime"]) for job in cluster.jobs() if job["JobId"] == late[0]]
    # Its warning comes 30 seconds before the end: of time that is over already nobody is warned.
    minutes = int((datetime.now() - began).total_seconds() + 40) // 60 + 1
    cluster("scontrol", "update", f"JobId={late[0]}", f"TimeLimit={minutes}")
    # With each of its signals SLURM sends SIGCONT, which wakes them.
    cluster.until(lambda: not any(Path(f"/proc/{process}").exists() for _, process in (cancelled, late)), LONG)


def held(cluster: Cluster, place: Place, arm: str, own: str, said: dict[str, str]) -> tuple[str, int]:
    """The job and the process that train ``arm``, stopped in the midst of it, however fast this machine is."""
    process = training(place, arm, LONG)
    os.kill(process, signal.SIGSTOP)
    [job] = [job["JobId"] for job in cluster.jobs() if own in job["Comment"] and job["JobState"] == "RUNNING"]
    said[job] = (place.results / "logs" / "job" / f"{own}.log").read_text()
    return job, process


def read(job: dict[str, str], places: list[Place], said: dict[str, str]) -> Job:
    rule, _, wildcards = job["Comment"].removeprefix("rule_").partition("_wildcards_")
    logs = [place.results / "logs" / rule / f"{wildcards.replace('_', '-')}.log" for place in places]
    log = said.get(job["JobId"]) or "".join(log.read_text() for log in logs if log.exists())
    return Job(
        id=job["JobId"],
        rule=f"{rule} {wildcards}".strip(),
        state=job["JobState"],
        node=job["NodeList"],
        start=datetime.fromisoformat(job["StartTime"]),
        end=datetime.fromisoformat(job["EndTime"]),
        gpus=int(job.get("TresPerJob", "gres:gpu:0").rpartition(":")[2]),
        cores=int(job["NumCPUs"]),
        log=log,
    )

"""What Snakemake asks when it builds its DAG: which files are wanted, which are missing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any

from study.axes.base import digest
from study.axes.custom import Custom
from study.errors import Damaged, Mistakes, Refused, refuse, suggest
from study.plan.arm import Arm
from study.plan.damage import inspect, inspect_datasets
from study.plan.file.expand import prepare
from study.plan.file.yaml import parse
from study.plan.history import Freshness, History
from study.plan.jobs import MINUTES, Job, jobs
from study.plan.limits import CLUSTER, HERE, Limits
from study.plan.plan import Plan
from study.store.checksums import Sums
from study.store.disk import sweep, sweep_scratch
from study.store.files import write_if_changed
from study.store.layout import DEFAULT_RESULTS, Store
from study.wording import counted

WILDCARD = re.compile(r"\{.*\}", re.DOTALL)  # in a path
KEYS = ("study", "results", "cached", "job_minutes")  # of --config
DEFAULT_STUDY = "config/article.yaml"


class Dag:
    """One study in one store. ``cached`` means: train and time nothing, report on what is there."""

    def __init__(
        self, plan: Plan, store: Store, cached: bool, limits: Limits = CLUSTER, job_minutes: float = MINUTES
    ) -> None:
        self.plan, self.store, self.cached, self.limits, self.job_minutes = plan, store, cached, limits, job_minutes
        self.folder = store.study(plan.study)
        self.damaged: list[str] = []  # a line for each file that was set aside when this was built

    @cached_property
    def jobs(self) -> dict[str, Job]:
        """What is missing, by the id of the job that makes it."""
        made = [] if self.cached else jobs(self.plan, self.store, self.limits, self.job_minutes)
        return {job.id: job for job in made}

    @property
    def to_train(self) -> dict[str, Arm]:
        """The arms whose runs jobs train, by id."""
        return {unit.arm.id: unit.arm for job in self.jobs.values() for unit in job.blocks}

    @classmethod
    def build(cls, config: Mapping[str, Any], limits: Limits = HERE, main: bool = True) -> Dag:
        """From Snakemake's ``--config``. Outside the main process, in a cluster's job, only plan.json is read.

        Raises Refused with all mistakes of the study file, or where an arm to train needs more than ``limits``.
        """
        unknown = [key for key in config if key not in KEYS]
        if unknown:
            raise Refused([f"--config {key}: {suggest(key, KEYS, 'key')}" for key in unknown])
        store = Store(str(config.get("results", DEFAULT_RESULTS)))
        for what, folder in (("--config results", str(store.root)), ("the working folder", os.getcwd())):
            if main and WILDCARD.search(folder):
                raise Refused([f"{what}: {folder!r} has braces, which Snakemake takes for a wildcard; give another"])
        given = str(config.get("cached", False)).lower()
        if given not in ("true", "false"):
            raise Refused([f"--config cached: {given!r} is refused; give true or false"])
        cached = given == "true"
        minutes = config.get("job_minutes", MINUTES)
        if isinstance(minutes, bool) or not isinstance(minutes, int | float) or not 0 < minutes < inf:
            raise Refused([f"--config job_minutes: {refuse(minutes, 'a number above 0')}"])
        path = Path(str(config.get("study", DEFAULT_STUDY)))
        if not main:
            name = _pointer(store, path).read_text(encoding="utf-8").splitlines()[0]
            return cls(Plan.load(store.study(name) / "plan.json"), store, cached)
        dag = cls(prepare(path, store, remember=True, cached=cached), store, cached, limits, minutes)
        if taken := namesake(dag.plan, path, store):
            raise Refused([f"{path}: {taken}"])
        try:
            sums = Sums(store.sums(dag.plan.study))
            dag.damaged = inspect(dag.plan, store, sums)
            dag.damaged += inspect_datasets(dag.read, sums)
        except Damaged as damaged:
            raise Refused([str(damaged)]) from None
        dag.refuse_too_large()
        dag.sweep()
        History.read(dag.plan, store)  # refused now where it is damaged, not when the study is under way
        dag.write()
        write_if_changed(_pointer(store, path), f"{dag.plan.study}\n{os.path.relpath(path, store.root)}\n")
        return dag

    @classmethod
    def of_nothing(cls) -> Dag:
        """For unlocking, which is of a folder, whatever its study: no file of it is read, and nothing is written."""
        plan = Plan(study="", title="", target=None, comparisons=(), arms={}, seeds={}, timing=None)
        return cls(plan, Store(DEFAULT_RESULTS), cached=True)

    def write(self) -> None:
        """Write the plan, and what is still to be done, for whoever does it: only where that changed."""
        present = {} if self.cached else self.store.present(self.plan.arms)
        bare = {arm for arm, blocks in present.items() if blocks and not self.store.recipe(arm).exists()}
        self.plan.write(self.store, {*self.to_train, *bare})
        for job in self.jobs.values():
            job.write(self.store)
        Freshness(self.plan, self.store).expect(self.cached)

    def sweep(self) -> None:
        """Remove what killed processes had begun to write: in the store's folders, and in those of arms to train; and
        their temporary folders."""
        folders = [*(path for path in self.store.root.glob("*") if path.name != "arms")]
        folders += [*self.store.root.glob("logs/*"), *(Path(folder) for folder, _, _ in os.walk(self.folder))]
        sweep({*folders, *map(self.store.arm, self.to_train)})
        sweep_scratch()

    def file(self, name: str) -> str:
        """A file of this study."""
        return str(self.folder / name)

    @property
    def to_do(self) -> list[str]:
        """The receipts of all jobs."""
        return [str(self.store.receipt(job)) for job in self.jobs]

    @property
    def is_done(self) -> bool:
        """Whether by now all is there that was wanted."""
        wanted = [*self.to_do, *self.to_time, self.file("report.html")]
        trained = self.cached or not self.plan.missing(self.store)
        return trained and all(Path(path).exists() for path in wanted)

    def job(self, job: str) -> Job:
        """A job by its id: as it was written, where a part of it is there by now."""
        return self.jobs.get(job) or Job.load(self.store.job(job))

    @property
    def read(self) -> list[Path]:
        """The prepared datasets that are wanted for what will be trained or timed."""
        datasets = {dataset for job in self.jobs.values() for dataset in job.datasets}
        datasets |= {arm.dataset_id for arm in self.wanted} if self.to_time else set()
        return sorted(map(self.store.dataset, datasets))

    @cached_property
    def lacking(self) -> frozenset[Path]:
        """What jobs read and is not there yet. Of the rest Snakemake is not told: it is written in one step, so that a
        mark of Snakemake's, which a kill left, that it is incomplete says nothing.
        """
        wanted = [*map(self.store.dataset, self.plan.datasets), self.store.dry(self.plan.dry_id)]
        return frozenset(path for path in wanted if not path.exists())

    def _lacking(self, paths: Iterable[Path]) -> list[str]:
        return sorted(str(path) for path in {*paths} & self.lacking)

    def datasets(self, job: str) -> list[str]:
        """The datasets that a job reads and that must be prepared for it."""
        return self._lacking(map(self.store.dataset, self.job(job).datasets))

    def datasets_of(self, arms: Mapping[str, Arm]) -> list[str]:
        """The same of what is done with ``arms``."""
        return self._lacking(self.store.dataset(arm.dataset_id) for arm in arms.values())

    def dry(self, job: str) -> list[str]:
        """What is to say that the code of a person's own works that a job trains with, where there is some."""
        units = self.job(job)
        arms = [unit.arm.outline for unit in units.blocks] + [unit.search.first_recipe for unit in units.searches]
        own = any(isinstance(choice, Custom) for recipe in arms for choice in recipe.choices)
        return self._lacking([self.store.dry(self.plan.dry_id)] if own else [])

    @property
    def to_time(self) -> list[str]:
        """The timing, where it is wanted and missing."""
        timing = None if self.cached else self.plan.untimed(self.store)
        return [str(self.store.timing(timing.id))] if timing else []

    @property
    def timed_searches(self) -> list[str]:
        """The receipts of the jobs with a search whose choice changes what is timed."""
        wanted = {*self.plan.timed_searches}
        jobs = [job.id for job in self.jobs.values() if wanted.intersection(unit.search.id for unit in job.searches)]
        return [str(self.store.receipt(job)) for job in jobs]

    @property
    def wanted(self) -> list[Arm]:
        """The arms that will be trained or timed, those of the most devices first."""
        wanted = self.to_train | (self.plan.timed if self.to_time else {})
        return sorted(wanted.values(), key=lambda arm: (-arm.gpus, arm.id))

    def refuse_too_large(self) -> None:
        """Raise Refused where an arm that will be trained or timed needs more devices than a job may have."""
        reasons = {arm.id: reason for arm in self.wanted if (reason := self.limits.refusal(arm.gpus))}
        for arm in [*reasons][:1]:
            also = f" (and {counted(len(reasons) - 1, 'more arm')})" * (len(reasons) > 1)
            raise Refused([f"{self.plan.names[arm]}{also} {reasons[arm]}"])

    @cached_property
    def gpu_limit(self) -> int:
        """Devices that jobs share on this machine."""
        return self.limits.devices(_most(self.wanted))

    @property
    def timing_gpus(self) -> int:
        """All that jobs share here, so that nothing runs beside the timing; on a cluster what its largest arm takes."""
        return _most(self.plan.timed.values()) if self.limits.cluster else self.gpu_limit

    @property
    def timing_threads(self) -> int:
        return _most(self.plan.timed.values()) if self.limits.cluster else self.limits.cores or 1


def _most(arms: Iterable[Arm]) -> int:
    """Devices of the largest arm."""
    return max((arm.gpus for arm in arms), default=1)


def _pointer(store: Store, study: Path) -> Path:
    """Where a job on another machine finds the plan of ``study`` without reading it: its name, then its own path.

    That is relative to the store, so that both can be copied together.
    """
    return store.root / "studies" / f".{digest(str(study.absolute()))}.plan"


def namesake(plan: Plan, path: Path, store: Store) -> str | None:
    """What is wrong where another study file, which is there still, has the same name and so the same results."""
    for pointer in sorted(store.root.glob("studies/.*.plan")):
        name, _, written = pointer.read_text(encoding="utf-8", errors="replace").partition(
            "\n"
        )  # of one damaged, no name
        other = Path(os.path.abspath(store.root / written.strip()))
        if name != plan.study or not other.is_file() or other.samefile(path):
            continue
        with suppress(Refused):  # it is no study file any more
            content = parse(other, Mistakes(""))
            if isinstance(content, dict) and content.get("study") == name:
                return f"study: {name!r} is the name of {other} too; rename one, or give another store (results=)"
    return None

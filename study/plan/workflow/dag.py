"""What Snakemake asks when it builds its DAG: which files are wanted, which are missing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from study.errors import Refused, suggest
from study.plan.file.read import prepare
from study.plan.history.records import Basis
from study.plan.history.stated import note_stated
from study.plan.limits import CLUSTER, HERE, Limits
from study.plan.plan import Plan
from study.store.failures import Failure, failures
from study.store.files import write_if_changed
from study.store.layout import Block, Store

DEFAULT_STUDY, DEFAULT_RESULTS = "config/article.yaml", "results"


class Dag:
    """One study in one store. ``cached`` means: train and time nothing, report on what is there."""

    def __init__(self, plan: Plan, store: Store, cached: bool, limits: Limits = CLUSTER) -> None:
        self.plan, self.store, self.cached, self.limits = plan, store, cached, limits
        self.folder = store.study(plan.study)
        self.gaps: dict[str, list[Block]] = {} if cached else plan.missing(store)

    @classmethod
    def build(cls, config: Mapping[str, Any], limits: Limits = HERE, main: bool = True) -> Dag:
        """From Snakemake's ``--config``. Outside the main process, in a cluster's job, only plan.json is read.

        Raises Refused with all mistakes of the study file, or where an arm to train needs more than ``limits``.
        """
        unknown = [key for key in config if key not in ("study", "results", "cached")]
        if unknown:
            raise Refused([f"--config {key}: {suggest(key, ('study', 'results', 'cached'), 'key')}" for key in unknown])
        store = Store(str(config.get("results", DEFAULT_RESULTS)))
        cached = str(config.get("cached", False)).lower()
        if cached not in ("true", "false"):
            raise Refused([f"--config cached: {cached!r} is refused; give true or false"])
        path = Path(str(config.get("study", DEFAULT_STUDY)))
        if not main:
            return cls(Plan.load(_remembered(store, path)), store, cached == "true")
        dag = cls(prepare(path, store), store, cached == "true", limits)
        dag.refuse_too_large()
        note_stated(dag.plan, store)
        dag.plan.write(store, dag.gaps)
        dag.note_expected()
        write_if_changed(_pointer(store, path), f"{dag.plan.study}\n")
        return dag

    def name(self, arm: str) -> str:
        """An arm for people: the first comparison that has it, its label there, its id."""
        found = next(c for c in self.plan.comparisons if arm in c.trained)
        return f"{found.name}, {found.trained[arm]} ({arm})"

    def file(self, name: str) -> str:
        """A file of this study."""
        return str(self.folder / name)

    def note_expected(self) -> None:
        """Write down what the report draws on: what is there, or will be once everything missing is made."""
        present = self.store.present(self.plan.arms)
        blocks = {arm: sorted(present[arm] + self.gaps.get(arm, [])) for arm in self.plan.arms}
        timing = self.plan.timing
        timed = timing and (not self.cached or self.store.timing(timing.id).exists())
        names = {
            "records": {arm: [str(block) for block in found] for arm, found in blocks.items()},
            "timing": timing.id if timing and timed else None,
            "failures": [f"{f.arm}/{f.block}: {f.reason}" for f in self.failures()] if self.cached else [],
        }
        Basis(self.plan, self.store).expect(names)

    def failures(self) -> list[Failure]:
        """Of the jobs whose records are missing."""
        return [failure for arm in self.plan.missing(self.store) for failure in failures(self.store, arm)]

    @cached_property
    def to_train(self) -> list[str]:
        """The records that are still missing."""
        return [str(self.store.runs(arm, block)) for arm, blocks in self.gaps.items() for block in blocks]

    @cached_property
    def to_tune(self) -> frozenset[str]:
        """The arms whose settings are still to be chosen."""
        return frozenset(self.plan.to_tune(self.store, self.gaps))

    @property
    def to_time(self) -> list[str]:
        """The timing, where it is wanted and missing."""
        timing = self.plan.timing and self.store.timing(self.plan.timing.id)
        return [str(timing)] if timing and not self.cached and not timing.exists() else []

    @property
    def timed_datasets(self) -> list[str]:
        ids = {self.plan.arms[arm].dataset_id for arm in (self.plan.timing.arms if self.plan.timing else ())}
        return sorted(str(self.store.dataset(i)) for i in ids)

    def dataset(self, arm: str) -> str:
        return str(self.store.dataset(self.plan.arms[arm].dataset_id))

    def tuning(self, arm: str) -> list[str]:
        """What the training of an arm takes its settings from; nothing where they are not tuned."""
        return [str(self.store.tuning(arm))] if self.plan.arms[arm].tune else []

    def trials(self, arm: str) -> list[str]:
        """The tuning that makes the same first trials as that of ``arm``, if it is or will be there.

        None of an arm that is tuned: an input still to be made would have Snakemake tune it again. None of one whose
        last tuning failed, which would take the others down with it.
        """
        source = self.plan.sources.get(arm)
        if source is None or self.store.tuning(arm).exists():
            return []
        coming = source in self.to_tune and not self.store.failed(source, "tuning").exists()
        return [str(self.store.tuning(source))] if coming or self.store.tuning(source).exists() else []

    @property
    def timed_tunings(self) -> list[str]:
        return [str(self.store.tuning(arm)) for arm in self.plan.timed_tunings]

    def gpus(self, arm: str) -> int:
        """Devices that a job of this arm takes."""
        return self.plan.arms[arm].gpus

    @property
    def wanted(self) -> list[str]:
        """The arms that will be trained or timed, those of the most devices first."""
        timed = self.plan.timing.arms if self.plan.timing and self.to_time else ()
        return sorted({*self.gaps, *timed}, key=self.gpus, reverse=True)

    def refuse_too_large(self) -> None:
        """Raise Refused where an arm that will be trained or timed needs more devices than a job may have."""
        for arm in self.wanted[:1]:
            reason = self.limits.refusal(self.gpus(arm))
            if reason:
                others = sum(self.limits.refusal(self.gpus(other)) is not None for other in self.wanted) - 1
                also = f" (and {others} more arm{'s' * (others > 1)})" * (others > 0)
                raise Refused([f"{self.name(arm)}{also} {reason}"])

    @cached_property
    def gpu_limit(self) -> int:
        """Devices that jobs share on this machine."""
        return self.limits.devices(max(map(self.gpus, self.wanted[:1]), default=1))

    @property
    def timing_gpus(self) -> int:
        """All that jobs share here, so that nothing runs beside the timing; on a cluster what its largest arm takes."""
        return self._largest_timed if self.limits.cluster else self.gpu_limit

    @property
    def timing_threads(self) -> int:
        return self._largest_timed if self.limits.cluster else self.limits.cores or 1

    @property
    def _largest_timed(self) -> int:
        return max(map(self.gpus, self.plan.timing.arms if self.plan.timing else ()), default=1)


def _pointer(store: Store, study: Path) -> Path:
    """Where a job on another machine finds the plan of ``study`` without reading the study file."""
    name = str(study).replace("/", "%")
    return store.root / "studies" / f".{name}.plan"


def _remembered(store: Store, study: Path) -> Path:
    name = _pointer(store, study).read_text(encoding="utf-8").strip()
    return store.study(name) / "plan.json"

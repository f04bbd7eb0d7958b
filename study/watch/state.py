"""How far a study is, as the files of its store tell. Nothing is written, moved or held: whoever trains notices
nothing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from study.errors import Damaged
from study.plan.cost import length
from study.plan.damage import failed
from study.plan.history import Freshness
from study.plan.jobs import BlockUnit, Costs, Job, SearchUnit
from study.plan.plan import Plan, PlannedComparison
from study.plan.search import Search
from study.store.failures import Failure
from study.store.files import is_taken
from study.store.layout import Block, Store, owned
from study.store.searches import selections
from study.watch.curves import METRICS, mean_curve
from study.watch.processes import Process, host_of, processes

Gaps = Mapping[str, Sequence[Block]]  # by arm: the seeds that are missing


class ArmState(NamedTuple):
    """``searched``: how many of its ``searches``, which choose the settings of its runs, are done.

    ``curve``: the mean of its runs at each evaluation.
    """

    name: str
    runs: int
    wanted: int
    searched: int
    searches: int
    is_running: bool
    has_failed: bool
    curve: list[float]

    @property
    def is_done(self) -> bool:
        return self.runs == self.wanted and self.searched == self.searches


class ComparisonState(NamedTuple):
    """``metric``: of the curves."""

    name: str
    metric: str
    arms: list[ArmState]


class Left(NamedTuple):
    """Seconds of training that are left, with as many jobs at a time as now; ``guessed``: nothing tells of speeds."""

    seconds: float
    at_once: int
    guessed: bool


class State(NamedTuple):
    """``timed``: whether the timing is there; None where none is wanted. ``timing``: the host where it is made now.

    ``busy``: whether any job of the store is at work. ``page``: the report, if there is one; ``report``: once it shows
    all. ``drawing``: whether it is being drawn.
    """

    plan: Plan
    comparisons: list[ComparisonState]
    processes: list[Process]
    failures: list[Failure]
    timed: bool | None
    timing: str | None
    busy: bool
    left: Left | None
    page: Path | None
    report: Path | None
    drawing: bool


class Watcher:
    """Looks at one study again and again; what does not change any more is read once."""

    def __init__(self, study: str, store: Store) -> None:
        self.store, self.file = store, store.study(study) / "plan.json"
        self._stamp: tuple[int, int] | None = None
        self._done = set[tuple[str, str]]()  # searches, by id, and the selections that they were extended for
        self._searches: dict[str, list[Search]] = {}

    def look(self) -> State | None:
        """How far it is now; None before a first call has planned it."""
        try:
            self._load()
        except (OSError, Damaged):  # a damaged one is written anew by the next call
            return None
        plan, store = self.plan, self.store
        gaps, lacking = plan.missing(store), self._lacking()
        at_work = processes(store, gaps, lacking)
        failures = failed(plan, store)
        timed = store.timing(plan.timing.id).exists() if plan.timing else None
        trained = not gaps and not lacking and timed is not False
        here = [each for each in plan.comparisons if each.here]
        folder = store.study(plan.study)
        page = page if (page := folder / "report.html").exists() else None
        drawing = is_taken(folder)
        return State(
            plan=plan,
            comparisons=[self._comparison(each, lacking, at_work, failures) for each in here],
            processes=at_work,
            failures=failures,
            timed=timed,
            timing=host_of(store, "time", plan.timing.id) if plan.timing and not timed else None,
            busy=bool(at_work or host_of(store, "job") or host_of(store, "time")),
            left=self._left(gaps, lacking, at_work) if gaps or lacking else None,
            page=page,
            report=page if page and trained and not drawing and self._is_new(page) else None,
            drawing=drawing,
        )

    def _load(self) -> None:
        status = self.file.stat()
        if self._stamp != (stamp := (status.st_mtime_ns, status.st_size)):
            self.plan = Plan.load(self.file)
            self.plan.declare()
            self._searches, self._stamp = {arm: self.plan.searches_of(arm) for arm in self.plan.arms}, stamp

    def _lacking(self) -> dict[str, SearchUnit]:
        """The searches that are not done, by id, with the selections that each is still to be extended for."""
        found: dict[str, SearchUnit] = {}
        for arm, searches in self._searches.items():
            by = self.plan.arms[arm].selection
            for search in searches if by else []:
                assert by
                if (search.id, by.name) not in self._done:
                    self._done |= {(search.id, name) for name in selections(self.store, search.id)}
                if (search.id, by.name) not in self._done:
                    wanted = found[search.id].selections if search.id in found else ()
                    found[search.id] = SearchUnit(search=search, selections=tuple({*wanted, by}))
        return found

    def _comparison(
        self,
        comparison: PlannedComparison,
        lacking: Mapping[str, object],
        at_work: Sequence[Process],
        failures: Sequence[Failure],
    ) -> ComparisonState:
        blocks = self.store.present(comparison.trained)
        running = {arm for process in at_work for arm in process.blocks}
        searching = {search for process in at_work for search in process.searches}
        failed = {failure.arm for failure in failures if not failure.is_interrupted}
        first = [comparison.target.metric] if comparison.target else []
        curves = {
            metric: {arm: mean_curve(self.store, arm, blocks[arm], metric) for arm in comparison.trained}
            for metric in dict.fromkeys([*first, *METRICS])
        }
        metric = next((metric for metric, each in curves.items() if any(each.values())), METRICS[0])
        states = []
        for arm in comparison.trained:
            searches = [search.id for search in self._searches[arm]]
            states.append(
                ArmState(
                    name=comparison.names[arm],
                    runs=sum(len(seeds) for _, seeds in owned(blocks[arm], comparison.seeds)),
                    wanted=comparison.seeds,
                    searched=len(searches) - len(lacking.keys() & {*searches}),
                    searches=len(searches),
                    is_running=arm in running or not searching.isdisjoint(searches),
                    has_failed=arm in failed,
                    curve=curves[metric][arm],
                )
            )
        return ComparisonState(comparison.name, metric, states)

    def _left(self, gaps: Gaps, lacking: Mapping[str, SearchUnit], at_work: Sequence[Process]) -> Left:
        """By what jobs say that they have left, and what receipts tell of the same shapes."""
        plan, costs, seconds, longest, guessed = self.plan, Costs(self.plan, self.store), 0.0, 0.0, False
        known = bool(costs.speeds.known or costs.speeds.by_run)
        runs, searches = {arm: length(blocks) for arm, blocks in gaps.items()}, dict(lacking)
        for process in at_work:
            with suppress(OSError, Damaged):
                job = Job.load(self.store.job(process.job))
                mine = costs.seconds(job) if process.left is None else process.left
                seconds, longest = seconds + mine, max(longest, mine)
                guessed |= process.left is None and not known
                for unit in job.searches:
                    searches.pop(unit.search.id, None)
                for block in job.blocks:
                    runs[block.arm.id] = max(0, runs.get(block.arm.id, 0) - len(block.block.seeds))
        blocks = [BlockUnit(arm=plan.arms[arm], block=Block(0, number - 1)) for arm, number in runs.items() if number]
        seconds += costs.seconds(Job(searches=tuple(searches.values()), blocks=tuple(blocks)))
        at_once = max(1, len(at_work))
        return Left(max(longest, seconds / at_once), at_once, guessed or (bool(blocks or searches) and not known))

    def _is_new(self, page: Path) -> bool:
        """Whether it was drawn from all that is there: after the plan, and after the tables, of these records."""
        before = [self.file, *self.store.tables(self.plan.study)]
        with suppress(FileNotFoundError):
            drawn = page.stat().st_mtime_ns
            return (
                all(path.stat().st_mtime_ns <= drawn for path in before)
                and not Freshness(self.plan, self.store).newer()
            )
        return False

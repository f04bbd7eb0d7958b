"""What is left of a study to run: its jobs, and the packs that each trains one after the other."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

from study.plan.arm import Arm
from study.plan.cost import steps_of
from study.plan.plan import Plan
from study.run.mockup import Form
from study.run.search import PACK
from study.run.stopwatch import MAX_STEPS, WARM_UP
from study.run.timing import operations
from study.store.layout import Block, Store


class Kind(NamedTuple):
    """Packs of one kind take equally long for a step."""

    operations: Hashable
    runs: int  # stacked
    settings: int  # different arms among them: each is stepped by an optimizer of its own


class Load(NamedTuple):
    """Part of a job: ``times`` packs of a kind in turn."""

    kind: Kind
    arm: Arm
    times: int
    steps: int  # of each pack
    evaluated: int  # rows, by each pack


class Job(NamedTuple):
    arm: str  # id; of the timing job empty
    devices: int
    loads: Sequence[Load]


def to_do(plan: Plan, store: Store, gaps: dict[str, list[Block]], forms: Mapping[str, Form]) -> Iterator[Job]:
    """The jobs of tuning, training and timing that are left."""
    to_tune = plan.to_tune(store, gaps)
    taken = {arm for arm, source in plan.sources.items() if source in to_tune or store.tuning(source).exists()}
    for arm_id in to_tune:
        yield Job(arm_id, 1, list(_tuning(plan.arms[arm_id], forms, taken_over=arm_id in taken)))
    for arm_id, blocks in gaps.items():
        arm = plan.arms[arm_id]
        for block in blocks:
            runs = len(block.seeds)
            # A lone run is trained beside a copy of itself; without stacking runs are trained in turn.
            load = _load(arm, max(2, runs), 1, forms) if arm.stack else _load(arm, 1, 1, forms, runs)
            yield Job(arm_id, arm.gpus, [load])
    if plan.timing and not store.timing(plan.timing.id).exists():
        timed = {operations(plan.arms[arm]): plan.arms[arm] for arm in plan.timing.arms}
        loads = [_load(arm, 1, 1, forms, plan.timing.rounds) for arm in timed.values()]
        yield Job("", 1, [_timed(load) for load in loads])


def _tuning(arm: Arm, forms: Mapping[str, Form], taken_over: bool) -> Iterator[Load]:
    """First the grid, in packs of one shape, unless it is taken over; then further trials, mostly two at a time."""
    tune = arm.tune
    assert tune is not None
    shapes: dict[Hashable, tuple[Arm, int]] = {}
    sizes = tune.search == "grid" and any(key == "batch_size" or key.startswith("network.") for key in tune.covers)
    for point in tune.grid() if sizes else ():
        settled = arm.settled(point)
        shape = (settled.network, settled.batch_size)
        shapes[shape] = settled, shapes[shape][1] + 1 if shape in shapes else 1
    first = list(shapes.values()) or [(arm, tune.first)]
    for each, candidates in () if taken_over else first:
        most = max(1, PACK // tune.seeds)
        for trials in [most] * (candidates // most) + [candidates % most] * (candidates % most > 0):
            yield _stacked(each, trials, tune.seeds, forms)
    together = tune.extend if tune.search == "sobol" else min(2, tune.extend)
    if together:
        yield _stacked(arm, together, tune.seeds, forms)._replace(times=-(-tune.extend // together))


def _stacked(arm: Arm, trials: int, seeds: int, forms: Mapping[str, Form]) -> Load:
    return _load(arm, max(2, trials * seeds), trials, forms) if arm.stack else _load(arm, 1, 1, forms, trials * seeds)


def _load(arm: Arm, runs: int, settings: int, forms: Mapping[str, Form], times: int = 1) -> Load:
    form = forms[arm.dataset_id]
    own = runs if arm.schedule.name == "plateau" else settings  # such a schedule has an optimizer for every run
    steps = steps_of(arm, form.rows) or 0
    return Load(Kind(operations(arm), runs, own), arm, times, steps, (arm.epochs + 1) * form.all_rows)


def _timed(load: Load) -> Load:
    """As the timing job has it: an epoch at most, and no evaluation."""
    steps = WARM_UP + min(MAX_STEPS, load.steps // load.arm.epochs)
    return load._replace(steps=steps, evaluated=0, kind=load.kind._replace(settings=1))

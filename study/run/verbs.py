"""The verbs that run on a device: data, job, time; and check, whose estimate of the time does."""

from __future__ import annotations

import json
import sys
import time as clock
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from study.axes.code import make_importable
from study.axes.custom import make_ready
from study.errors import Refused, suggest
from study.plan.check import verbs as planning
from study.plan.jobs import BlockUnit, Job, SearchUnit, jobs
from study.plan.limits import Limits
from study.plan.plan import Plan, open_plan
from study.run import forks
from study.store.failures import note_failure, said
from study.store.files import write_if_changed
from study.store.layout import Store


def check(arguments: Namespace) -> None:
    """What planning says of a study file, with how long the study would take here."""

    def time(plan: Plan, store: Store) -> Iterator[str]:
        if arguments.dry:
            from study.run.dry import try_all
            from study.run.estimate import data_of

            found = try_all(plan, lambda arm: data_of(arm.dataset, store.dataset(arm.dataset_id)))
            if found.wrong:
                raise Refused([*dict.fromkeys(line for lines in found.wrong.values() for line in lines)])
            yield from found.lines(plan)
        to_do = [] if arguments.no_time else jobs(plan, store, Limits(gpu=arguments.gpu))
        if to_do or (plan.untimed(store) and not arguments.no_time):
            began = clock.perf_counter()
            from study.run.estimate import estimate

            make_importable(plan.folder)
            yield estimate(plan, store, to_do, began, arguments.gpu)

    planning.check(arguments, time)


def dry(arguments: Namespace) -> int:
    """Try what is of a person's own; 1 where some of it does not work, which is noted as the failure of its arms."""
    from study.engine.inputs.data import load
    from study.run.dry import try_all

    plan, store = open_plan(arguments.plan)
    found = try_all(plan, lambda arm: load(store.dataset(arm.dataset_id)))
    print(*found.lines(plan), sep="\n")
    missing = plan.missing(store)
    for arm, lines in found.wrong.items():
        print(*lines, sep="\n", file=sys.stderr)
        for block in missing.get(arm, ()):
            note_failure(store.failed(arm, block), Refused(lines), store.log("dry", plan.dry_id))
    if not found.wrong:
        tried = [each._asdict() for each in found.tried.values()]
        write_if_changed(store.dry(plan.dry_id), json.dumps(tried, indent=1) + "\n")
    return int(bool(found.wrong))


def data(arguments: Namespace) -> int:
    """Prepare a dataset; 1 where it is not what was planned, which is noted as the failure of its arms."""
    from study.engine.inputs.prepare import prepare

    plan, store = open_plan(arguments.plan)
    if arguments.dataset not in plan.datasets:
        raise Refused([f"{arguments.plan}: {suggest(arguments.dataset, plan.datasets, 'dataset of this study')}"])
    try:
        make_ready([plan.datasets[arguments.dataset]], plan.folder)
        prepared = prepare(plan.datasets[arguments.dataset], store.dataset(arguments.dataset))
    except Exception as error:
        # Without data none of these arms can be trained: they failed, for this reason.
        for arm, blocks in plan.missing(store).items():
            if plan.arms[arm].dataset_id == arguments.dataset:
                for block in blocks:
                    note_failure(store.failed(arm, block), error, store.log("data", arguments.dataset))
        if not isinstance(error, ValueError | OSError):  # which say all
            raise
        print(f"dataset {arguments.dataset}: {said(error)}", file=sys.stderr)
        return 1
    for line in prepared.lines:
        print(line)
    return 0


def job(arguments: Namespace) -> int:
    """Make what is missing; 1 where a part of it failed."""
    path = Path(arguments.job)
    if not path.is_file():
        raise Refused([f"{path}: there is no such job; it is written when a study is planned"])
    to_do = Job.load(path)
    store = Store(path.absolute().parents[1] if len(path.parts) < 3 else path.parents[1])
    units: list[SearchUnit | BlockUnit] = [*to_do.searches, *to_do.blocks]
    log = store.log("job", to_do.id)
    try:
        if to_do.gpus > 1:
            forks.ensure_running()
        from study.run.attempt import keeping
        from study.run.job import run
    except Exception as error:  # memory that is too small for what it loads, say
        for unit in units:
            note_failure(unit.marks(store)[1], error, log)
        raise
    with keeping(log, [unit.marks(store)[0] for unit in units]):
        failed = run(to_do, store, arguments.tell)
    for line in failed:
        print(f"failed: {line}", file=sys.stderr)
    return int(bool(failed))


def time(arguments: Namespace) -> None:
    plan, store = open_plan(arguments.plan)
    forks.ensure_running()
    from study.run.attempt import keeping
    from study.run.timing import time_study

    make_ready([choice for arm in plan.timed.values() for choice in arm.outline.choices], plan.folder)
    with keeping(store.log("time", plan.timing.id if plan.timing else ""), ()):
        time_study(plan, store)

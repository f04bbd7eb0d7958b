"""The verbs that run on a device: data, train, time."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from study.plan.plan import Plan
from study.plan.store import Block, Store


def data(arguments: Namespace) -> None:
    from study.run.data import prepare
    from study.run.job import record_failure

    path = Path(arguments.plan)
    plan, store = Plan.load(path), Store(path.parents[2])
    try:
        prepare(plan.datasets[arguments.dataset], store.dataset(arguments.dataset))
    except Exception as error:
        # Without data none of these arms can be trained: they failed, for this reason.
        for arm, blocks in plan.missing(store).items():
            if plan.arms[arm].dataset_id == arguments.dataset:
                for block in blocks:
                    record_failure(store, arm, block, error, store.log("data", arguments.dataset))
        raise


def train(arguments: Namespace) -> None:
    from study.run.job import train_block

    train_block(Store(arguments.results), arguments.arm, Block.parse(arguments.block))


def time(arguments: Namespace) -> None:
    from study.run.timing import time_study

    path = Path(arguments.plan)
    plan, store = Plan.load(path), Store(path.parents[2])
    if plan.timing:
        time_study(plan, store, store.timing(plan.timing.id))

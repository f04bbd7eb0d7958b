"""The verbs that run on a device: data, train, time."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from study.plan.plan import Plan
from study.plan.store import Block, Store


def data(arguments: Namespace) -> None:
    from study.run.data import prepare

    store = Store(Path(arguments.plan).parents[2])
    prepare(Plan.load(Path(arguments.plan)).datasets[arguments.dataset], store.dataset(arguments.dataset))


def train(arguments: Namespace) -> None:
    from study.run.job import train_block

    train_block(Store(arguments.results), arguments.arm, Block.parse(arguments.block))


def time(arguments: Namespace) -> None:
    from study.run.timing import time_study

    path = Path(arguments.plan)
    plan, store = Plan.load(path), Store(path.parents[2])
    if plan.timing:
        time_study(plan, store, store.timing(plan.timing.id))

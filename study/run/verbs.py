"""The verbs that run on a device: data, tune, train, time; and check, whose estimate of the time does."""

from __future__ import annotations

import time as clock
from argparse import Namespace
from pathlib import Path

from study.errors import Refused, suggest
from study.plan.check import verbs as planning
from study.plan.plan import open_plan, read_recipe
from study.store.layout import Block, Store


def check(arguments: Namespace) -> None:
    """What planning says of a study file; then how long the study would take here."""
    plan = planning.check(arguments)
    store = Store(arguments.results)
    gaps = plan.missing(store)
    if arguments.no_time or not (gaps or (plan.timing and not store.timing(plan.timing.id).exists())):
        return
    began = clock.perf_counter()
    from study.run.estimate import estimate

    print(estimate(plan, store, gaps, began, arguments.gpu))


def data(arguments: Namespace) -> None:
    from study.engine.data import prepare
    from study.run.attempt import note_failure

    plan, store = open_plan(arguments.plan)
    if arguments.dataset not in plan.datasets:
        raise Refused([f"{arguments.plan}: {suggest(arguments.dataset, plan.datasets, 'dataset of this study')}"])
    try:
        prepare(plan.datasets[arguments.dataset], store.dataset(arguments.dataset))
    except Exception as error:
        # Without data none of these arms can be trained: they failed, for this reason.
        for arm, blocks in plan.missing(store).items():
            if plan.arms[arm].dataset_id == arguments.dataset:
                for block in blocks:
                    note_failure(store.failed(arm, block), error, store.log("data", arguments.dataset))
        raise


def tune(arguments: Namespace) -> None:
    from study.run.search import tune_arm

    store, trials = Store(arguments.results), arguments.trials and Path(arguments.trials)
    if not store.recipe(arguments.arm).exists():
        raise Refused([f"{store.recipe(arguments.arm)}: there is no such arm; it is written when a study is planned"])
    arm = read_recipe(store.recipe(arguments.arm))
    if arm.tune is None:
        raise Refused([f"{store.recipe(arguments.arm)}: this arm has nothing to tune; train it"])
    if trials:
        for path in (trials, recipe := trials.with_name("recipe.json")):
            if not path.exists():
                raise Refused([f"{path}: there is no such file; name the tuning.parquet of an arm in the store"])
        if read_recipe(recipe).trials != arm.trials:
            raise Refused([f"{trials}: its trials are others than those of {arm.id}; leave it out"])
    tune_arm(store, arguments.arm, trials)


def train(arguments: Namespace) -> None:
    from study.run.job import train_block

    store = Store(arguments.results)
    if not store.recipe(arguments.arm).exists():
        raise Refused([f"{store.recipe(arguments.arm)}: there is no such arm; it is written when a study is planned"])
    try:
        block = Block.parse(arguments.block)
    except ValueError:
        raise Refused([f"{arguments.block!r} is not a block of seeds; write the first and the last: 0-15"]) from None
    if read_recipe(store.recipe(arguments.arm)).tune and not store.tuning(arguments.arm).exists():
        first = f"python -m study tune {arguments.results} {arguments.arm}"
        raise Refused([f"{store.tuning(arguments.arm)}: this arm is tuned before it is trained; first run: {first}"])
    train_block(store, arguments.arm, block)


def time(arguments: Namespace) -> None:
    from study.run.timing import time_study

    plan, store = open_plan(arguments.plan)
    if plan.timing:
        time_study(plan, store, store.timing(plan.timing.id))

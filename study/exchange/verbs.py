"""The verbs for results that are handed over: show, why, verify, merge, export, which load no torch; and reproduce."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from study.errors import Refused, refuse
from study.exchange.arms import find, known_arms, only, open_store, plans
from study.plan.damage import without_damaged
from study.plan.file.expand import prepare
from study.plan.workflow.command import run_command
from study.wording import counted


def show(arguments: Namespace) -> None:
    """Print one arm's recipe, its files, and where and with what its runs were made."""
    from study.exchange.holdings import described

    store = open_store(arguments.results)
    studies = [prepare(Path(arguments.file), store, cached=True)] if arguments.file else plans(store)
    where = arguments.file or f"{store.root}/"
    for i, one in enumerate(find(arguments.arm, known_arms(store, studies), where)):
        print(*[""] * bool(i), *described(one, store, studies), sep="\n")


def verify(arguments: Namespace) -> int:
    """Read every file of a store; 1 where one is not what was written there, or what its studies need is missing."""
    from study.exchange.verify import Verification

    found = Verification(open_store(arguments.store))
    print(*(found.faults or [found.summary]), sep="\n")
    return int(bool(found.faults))


def merge(arguments: Namespace) -> int:
    """Take what other stores have into one; 1 where some of it could not be taken."""
    from study.exchange.merge import merge as take
    from study.plan.extract import goal

    sources, whole = [open_store(folder) for folder in arguments.folders], True
    into = goal(arguments.results)
    for source in sources:
        lines, complete = take(into, source)
        print(*lines, sep="\n")
        whole &= complete
    print(f"To draw the report of a study: {run_command('FILE', into.root, 'cached=true')}")
    return int(not whole)


def reproduce(arguments: Namespace) -> int:
    """Train runs again and compare; 1 where one is different, or could not be trained."""
    from study.exchange.reproduce import again, compared, recorded, sample, the_run
    from study.run import forks

    if (arguments.seed is None) == (arguments.sample is None):
        raise Refused(["give one of --seed S, of an arm, and --sample N, of a study file"])
    store = open_store(arguments.results)
    file = arguments.file if arguments.sample is None else arguments.arm
    studies = [prepare(Path(file), store, cached=True)] if file else plans(store)
    folders = {arm: plan.folder for plan in studies for arm in plan.arms}
    known = known_arms(store, studies)
    if arguments.sample is None:
        where = file or f"{store.root}/"
        one = only(arguments.arm, find(arguments.arm, known, where), where)
        runs = [the_run(one, store, folders.get(one.id, "."), arguments.seed)]
    elif arguments.sample < 1:
        raise Refused([f"--sample: {refuse(arguments.sample, 'a whole number above 0')}"])
    else:
        every = [run for arm in folders for run in recorded(known[arm], store, folders[arm])]
        if not every:
            raise Refused([f"{file}: none of its runs is in {store.root}/; run the study first"])
        runs = sample(every, arguments.sample)
    if any(run.one.arm.gpus > 1 for run in runs):
        forks.ensure_running()
    same = 0
    for run in runs:
        try:
            lines, equal = compared(run, again(run, store))
        except Exception as error:
            lines, equal = [f"{run.name}: not trained again: {type(error).__name__}: {error}"], False
        print(*lines, sep="\n", flush=True)
        same += equal
    if len(runs) > 1:
        print(f"{same} of {counted(len(runs), 'run')} reproduced")
    return int(same < len(runs))


def export(arguments: Namespace) -> None:
    """Write one study as a zip file."""
    from study.exchange.export import write

    store, file = open_store(arguments.results), Path(arguments.file)
    plan = prepare(file, store)
    place = Path(arguments.to or ".")
    place = place / f"{plan.study}.zip" if place.is_dir() else place
    count, size = counted(write(plan, store, file, place), "file"), place.stat().st_size / 1e6
    print(f"{place}: {count}, {size:.3g} MB; its README.md says how to draw it again")


def why(arguments: Namespace) -> None:
    """Print for each arm whether its runs are there; where not, what is new in it against the nearest that is."""
    from study.exchange.gaps import explained

    store = open_store(arguments.results)
    plan = prepare(Path(arguments.file), store, cached=True)
    store, damaged = without_damaged(plan, store)
    print(*damaged, *explained(plan, store, known_arms(store, plans(store)), arguments.file), sep="\n")

"""The verbs for results that are handed over: show, why, merge, export. They read records, and load no torch."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from study.exchange.arms import find, known_arms, open_store, plans
from study.plan.file.expand import prepare


def show(arguments: Namespace) -> None:
    """Print one arm's recipe, its files, and where and with what its runs were made."""
    from study.exchange.holdings import described

    store = open_store(arguments.results)
    studies = [prepare(Path(arguments.file), store)] if arguments.file else plans(store)
    where = arguments.file or f"{store.root}/"
    for i, one in enumerate(find(arguments.arm, known_arms(store, studies), where)):
        print(*[""] * bool(i), *described(one, store, studies), sep="\n")


def why(arguments: Namespace) -> None:
    """Print for each arm whether its runs are there; where not, what is new in it against the nearest that is."""
    from study.exchange.gaps import explained

    store = open_store(arguments.results)
    plan = prepare(Path(arguments.file), store)
    print(*explained(plan, store, known_arms(store, plans(store)), arguments.file), sep="\n")

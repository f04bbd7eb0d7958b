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


def merge(arguments: Namespace) -> int:
    """Take what other stores have into one; 1 where some of it could not be taken."""
    from study.exchange.merge import merge_all
    from study.store.layout import Store

    into, whole = Store(arguments.results), True
    for lines, complete in merge_all(into, [open_store(folder) for folder in arguments.folders]):
        print(*lines, sep="\n")
        whole &= complete
    print(f"to draw the report: snakemake --cores all --config study=FILE results={into.root} cached=true")
    return int(not whole)


def why(arguments: Namespace) -> None:
    """Print for each arm whether its runs are there; where not, what is new in it against the nearest that is."""
    from study.exchange.gaps import explained

    store = open_store(arguments.results)
    plan = prepare(Path(arguments.file), store)
    print(*explained(plan, store, known_arms(store, plans(store)), arguments.file), sep="\n")

"""The verbs that show: collect, table, figure, report, and all of them in one go."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from study.plan.plan import Plan, PlannedComparison
from study.plan.store import Store, write_if_changed


def opened(arguments: Namespace) -> tuple[Plan, Store]:
    path = Path(arguments.plan)
    return Plan.load(path), Store(path.parents[2])


def comparison_of(plan: Plan, name: str) -> PlannedComparison:
    return next(comparison for comparison in plan.comparisons if comparison.name == name)


def collect(arguments: Namespace) -> None:
    from study.run.record import write_parquet
    from study.show import collect as gather
    from study.show.summary import summarize

    plan, store = opened(arguments)
    gather.collect(plan, store)
    write_parquet(summarize(plan, gather.read(plan, store)), store.study(plan.study) / "summary.parquet")


def table(arguments: Namespace) -> None:
    import pandas as pd

    from study.show.formats import FORMATS
    from study.show.observe import device_of

    plan, store = opened(arguments)
    folder = store.study(plan.study)
    comparison = comparison_of(plan, arguments.comparison)
    summary = pd.read_parquet(folder / "summary.parquet")
    device = device_of(pd.read_parquet(folder / "timing.parquet"))
    for ending, text in FORMATS.items():
        write_if_changed(folder / "tables" / f"{comparison.name}.{ending}", text(comparison, summary, device))


def figure(arguments: Namespace) -> None:
    from study.show import figures
    from study.show.collect import read
    from study.show.figures.evidence import Evidence

    plan, store = opened(arguments)
    comparison = comparison_of(plan, arguments.comparison)
    evidence = Evidence.of(comparison, read(plan, store))
    stem = store.study(plan.study) / "figures" / comparison.name
    figures.save(figures.draw(evidence), stem, figures.caption(evidence))


def report(arguments: Namespace) -> None:
    from study.show.report import render

    plan, store = opened(arguments)
    write_if_changed(store.study(plan.study) / "report.html", render(plan, store))


def draw(arguments: Namespace) -> None:
    from study.plan.dag import Dag

    plan, store = opened(arguments)
    Dag(plan, store, cached=True).note_expected()
    collect(arguments)
    for comparison in plan.comparisons:
        part = Namespace(plan=arguments.plan, comparison=comparison.name)
        table(part)
        figure(part)
    report(arguments)

"""The verbs that show: collect, table, figure, report, and all of them in one go."""

from __future__ import annotations

import sys
import traceback
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path

from study.plan.plan import open_plan
from study.plan.store import write_if_changed


def collect(arguments: Namespace) -> None:
    from study.run.record import write_parquet
    from study.show import collect as gather
    from study.show.summary import summarize

    plan, store = open_plan(arguments.plan)
    gather.collect(plan, store)
    write_parquet(summarize(plan, gather.read(plan, store)), store.study(plan.study) / "summary.parquet")


def table(arguments: Namespace) -> None:
    import pandas as pd

    from study.show.formats import FORMATS
    from study.show.observe import device_of, workers

    plan, store = open_plan(arguments.plan)
    folder = store.study(plan.study)
    comparison = plan.comparison(arguments.comparison)
    summary = pd.read_parquet(folder / "summary.parquet")
    gpus = [plan.arms[arm.arm].gpus for arm in comparison.arms]
    device = workers(device_of(pd.read_parquet(folder / "timing.parquet")), gpus)
    for ending, text in FORMATS.items():
        write_if_changed(folder / "tables" / f"{comparison.name}.{ending}", text(comparison, summary, device))


def figure(arguments: Namespace) -> None:
    from study.show import figures
    from study.show.collect import read
    from study.show.figures.evidence import Evidence

    plan, store = open_plan(arguments.plan)
    comparison = plan.comparison(arguments.comparison)
    evidence = Evidence.of(comparison, read(plan, store))
    stem = store.study(plan.study) / "figures" / comparison.name
    figures.save(figures.draw(evidence), stem, figures.caption(evidence))


def report(arguments: Namespace) -> None:
    from study.show.report import render

    plan, store = open_plan(arguments.plan)
    write_if_changed(store.study(plan.study) / "report.html", render(plan, store))


def draw(arguments: Namespace) -> int:
    """Draw all that can be drawn; what cannot be is said in a line, and its old version is taken away."""
    from study.plan.dag import Dag

    plan, store = open_plan(arguments.plan)
    folder = store.study(plan.study)
    Dag(plan, store, cached=True).note_expected()
    steps: list[tuple[str, Callable[[], None], list[Path]]] = [
        ("collect", lambda: collect(arguments), [folder / "summary.parquet"])
    ]
    for name in (comparison.name for comparison in plan.comparisons):
        part = Namespace(plan=arguments.plan, comparison=name)
        steps.append((f"table {name}", partial(table, part), list(folder.glob(f"tables/{name}.*"))))
        steps.append((f"figure {name}", partial(figure, part), list(folder.glob(f"figures/{name}.*"))))
    steps.append(("report", lambda: report(arguments), [folder / "report.html"]))
    failed = 0
    for name, step, files in steps:
        try:
            step()
        except Exception as error:
            traceback.print_exc()
            print(f"FAILED {name}: {type(error).__name__}: {error}", file=sys.stderr)
            for path in files:
                path.unlink(missing_ok=True)
            failed = 1
    return failed

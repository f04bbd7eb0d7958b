"""The verbs that only plan: check, schema."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from study.plan.prepare import prepare
from study.plan.store import Store


def check(arguments: Namespace) -> None:
    """Print comparisons, arms, runs, training jobs and how much is there already."""
    store = Store(arguments.results)
    plan = prepare(Path(arguments.file), store)
    gaps = plan.missing(store)
    runs = sum(plan.seeds.values())
    to_train = sum(len(block.seeds) for blocks in gaps.values() for block in blocks)
    jobs = sum(len(blocks) for blocks in gaps.values())
    width = max(len(c.name) for c in plan.comparisons)
    print(f"{arguments.file}: {plan.title}")
    for comparison in plan.comparisons:
        skipped = f", {comparison.skipped} combinations skipped" if comparison.skipped else ""
        arms = "1 arm" if len(comparison.arms) == 1 else f"{len(comparison.arms)} arms"
        print(f"  {comparison.name:{width}}  {arms} × {comparison.seeds} seeds{skipped}")
    print(f"{len(plan.comparisons)} comparisons, {len(plan.arms)} different arms, {runs} runs")
    print(f"{jobs} training jobs to do; {runs - to_train} of {runs} runs are cached in {store.root}/")


def schema(arguments: Namespace) -> None:
    from study.plan.schema import PATH, text

    if arguments.fix:
        PATH.write_text(text(), encoding="utf-8")
    else:
        print(text(), end="")

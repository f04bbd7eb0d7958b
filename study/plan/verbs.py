"""The verbs that only plan: check, schema."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from study.plan.prepare import prepare
from study.plan.store import Store, write_if_changed


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
        skipped = f", {count(comparison.skipped, 'combination')} skipped" if comparison.skipped else ""
        shape = f"{count(len(comparison.arms), 'arm')} × {count(comparison.seeds, 'seed')}"
        chosen = dict.fromkeys(comparison.selections.values())
        tuned = f", tuned by {' and by '.join(chosen)}" if chosen else ""
        claims = f", {count(len(comparison.claims), 'claim')}" if comparison.claims else ""
        print(f"  {comparison.name:{width}}  {shape}{skipped}{tuned}{claims}")
    arms = count(len(plan.arms), "different arm")
    print(f"{count(len(plan.comparisons), 'comparison')}, {arms}, {count(runs, 'run')}")
    if to_train < runs and len(gaps) <= 12:
        names = {arm: f"{c.name}, {label}" for c in reversed(plan.comparisons) for arm, label in c.trained.items()}
        for arm, blocks in gaps.items():
            print(f"  to train: {names[arm]} ({arm}), seeds {', '.join(map(str, blocks))}")
    if searches := [arm.tune for arm in plan.arms.values() if arm.tune]:
        trials = sum(tune.candidates for tune in searches)
        tuning = sum(tune.candidates * tune.seeds for tune in searches)
        print(f"{count(len(searches), 'arm')} tuned: {count(trials, 'trial')}, {count(tuning, 'run')} of tuning seeds")
        to_tune = len(plan.to_tune(store, gaps))
        done = len(searches) - len([arm for arm, a in plan.arms.items() if a.tune and not store.tuning(arm).exists()])
        print(f"{count(to_tune, 'tuning job')} to do; {done} of {count(len(searches), 'arm')} tuned in {store.root}/")
    print(f"{count(jobs, 'training job')} to do; {runs - to_train} of {count(runs, 'run')} cached in {store.root}/")
    report = store.study(plan.study) / "report.html"
    if report.exists():
        print(f"Report: {report}")


def count(number: int, noun: str) -> str:
    """``1 arm``, ``10,000 arms``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def schema(arguments: Namespace) -> None:
    """Print the JSON Schema of study files; with ``--fix`` write it, and the tables of config/README.md."""
    from study.plan import reference
    from study.plan import schema as json_schema

    if arguments.fix:
        write_if_changed(json_schema.PATH, json_schema.text())
        write_if_changed(reference.PATH, reference.text())
    else:
        print(json_schema.text(), end="")

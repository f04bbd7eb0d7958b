"""The verbs that only plan: check, schema."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from study.axes.dataset import Dataset
from study.errors import Refused, printed
from study.plan.check.decidability import floors
from study.plan.check.warnings import warnings
from study.plan.cost import Work, final, length, sum_up, training_rows, tuning
from study.plan.damage import without_damaged
from study.plan.file.expand import prepare
from study.plan.history import Freshness, History
from study.plan.jobs import jobs
from study.plan.limits import Limits
from study.plan.plan import Plan, PlannedComparison, restated
from study.plan.workflow.command import run_command
from study.plan.workflow.dag import namesake
from study.store.files import write_if_changed
from study.store.layout import Store, words_of
from study.store.searches import tuning_runs
from study.wording import beginning, counted

SEEDS = 12  # that a line names, and arms
ONE_SEARCH = """\
  one search for all runs of an arm: verdicts hold for the settings that it chooses, and tuned again
  it may choose others; by_seed: true, without extend, tunes each run for itself"""


def check(arguments: Namespace, time: Callable[[Plan, Store], Iterable[str]] = lambda plan, store: ()) -> None:
    """Print what is trained, how much of it is there, and how long the rest takes; what the claims can come to; doubts.

    ``time``: what is known of it.
    """
    store = Store(arguments.results)
    plan = prepare(Path(arguments.file), store)
    store, damaged = without_damaged(plan, store)
    width = max(len(c.name) for c in plan.comparisons)
    print(printed(f"{arguments.file}: {plan.title}"))
    for comparison in plan.comparisons:
        if comparison.runs:
            print(printed(f"  {comparison.name:{width}}  {_given(comparison)}"))
            continue
        skipped = f", {counted(comparison.skipped, 'combination')} skipped" if comparison.skipped else ""
        shape = f"{counted(len(comparison.arms), 'arm')} × {counted(comparison.seeds, 'seed')}"
        chosen = dict.fromkeys(comparison.selections.values())
        by = f", tuned by {' and by '.join(chosen)}" if chosen else ""
        claims = f", {counted(len(comparison.claims), 'claim')}" if comparison.claims else ""
        print(f"  {comparison.name:{width}}  {shape}{skipped}{by}{claims}")
    if plan.arms:
        _print_work(plan, store, arguments.gpu)
    else:
        print("Nothing is trained here.")
    for line in time(plan, store):
        print(line, flush=True)
    report = store.study(plan.study) / "report.html"
    if report.exists():
        other, newer = restated(plan, store), Freshness(plan, store).newer()
        old = "of another state of the study file" if other else "drawn from other records" if newer else ""
        print(f"Report: {report}" + f": {old}; run {run_command(arguments.file, store.root)}" * bool(old))
    history = History.read(plan, store)
    for line in floors(plan, history.counting_on(plan)):
        print(printed(line))
    if gone := history.withdrawn(plan):
        print(f"{counted(len(gone), 'claim')} judged before and withdrawn since: what counted then counts on")
    for doubt in [*filter(None, [namesake(plan, Path(arguments.file), store)]), *damaged, *warnings(plan, store)]:
        print(printed(f"warning: {doubt}"))


def _given(comparison: PlannedComparison) -> str:
    """Which runs are there already: their arms, how many they are, and their seeds."""
    runs = comparison.runs
    assert runs
    seeds = sorted({seed for own in runs.seeds.values() for seed in own})
    paired = "paired by seed" if comparison.paired else "not paired"
    whole = len(seeds) == seeds[-1] - seeds[0] + 1 or len(seeds) > SEEDS
    numbers = f"{seeds[0]} to {seeds[-1]}" if whole else ", ".join(map(str, seeds))
    known = f"seeds {numbers}" if runs.file.seed else "no seeds"
    claims = f", {counted(len(comparison.claims), 'claim')}" if comparison.claims else ""
    labels = [arm.label for arm in comparison.arms]
    named = "; ".join(beginning(labels, SEEDS))
    shape = f"{counted(len(labels), 'arm')} ({named}) × {comparison.each} of {runs.name}"
    return f"{shape}, {known}, {paired}{claims} (sha256 {runs.sha256[:12]})"


def _print_work(plan: Plan, store: Store, gpu: int | None) -> None:
    """What is to be trained, and how much of it is there already."""
    gaps, runs = plan.missing(store), sum(plan.seeds.values())
    to_train = sum(map(length, gaps.values()))
    for line in dict.fromkeys(map(_told, filter(lambda dataset: dataset.found, plan.datasets.values()))):
        print(printed(f"  {line}"))
    arms = counted(len(plan.arms), "different arm")
    several = any(len(arm.tuned) > 1 for comparison in plan.comparisons for arm in comparison.arms)
    arms += " (an arm is one for each metric that tunes it)" * several
    print(f"{counted(sum(c.here for c in plan.comparisons), 'comparison')}, {arms}, {counted(runs, 'run')}")
    if to_train < runs and len(gaps) <= 12:
        for arm, blocks in gaps.items():
            print(printed(f"  to train: {plan.names[arm]}, {words_of(blocks)}"))
    to_do = jobs(plan, store, Limits(gpu=gpu))
    lacking = {(unit.search.id, one.name) for job in to_do for unit in job.searches for one in unit.selections}
    left = {search for search, _ in lacking}
    trials = {i: tuning_runs(store, i) // search.seeds for i, search in plan.searches.items() if i not in left}
    searches, final_runs = work_of(plan, store, trials)
    most = "up to " * any(search.extend for i, search in plan.searches.items() if i in left)
    searched, share = sum_up(searches), ""
    if searched.runs and searched.steps:
        share = f", of which {most}{str(searched).replace(', ', ' and ', 1)} are tuning"
    tuned = {name: arm.selection.name for name, arm in plan.arms.items() if arm.selection}
    if plan.searches:
        number = sum(work.runs // search.seeds for work, search in zip(searches, plan.searches.values(), strict=True))
        made = f"{counted(number, 'trial')}, {counted(searched.runs, 'run')} of tuning seeds"
        print(f"{counted(len(plan.searches), 'search')} for {counted(len(tuned), 'tuned arm')}: {most}{made}")
        claimed = (plan.arms.get(arm) for c in plan.comparisons for claim in c.claims for arm in claim.arms.values())
        if any(arm and arm.search and not arm.search.by_seed for arm in claimed):
            print(ONE_SEARCH)
    work = str(sum_up([*searches, *final_runs]))
    differ = any(search.changes_length for search in plan.searches.values())
    print(f"In all: {most}{work.replace(', ', ', about ', 1) if differ else work}{share}")
    if plan.searches:
        done = sum(
            lacking.isdisjoint((search.id, by) for search in plan.searches_of(name)) for name, by in tuned.items()
        )
        print(f"{counted(len(left), 'search')} to do; {done} of {counted(len(tuned), 'arm')} tuned in {store.root}/")
    print(f"{counted(len(to_do), 'job')} to do; {runs - to_train} of {counted(runs, 'run')} cached in {store.root}/")


def _told(dataset: Dataset) -> str:
    """What data in files were taken for."""
    found, name = dataset.found, dataset.label or getattr(dataset, "path", dataset.title)
    assert found is not None
    shape = " × ".join(map(str, found.shape)) if len(found.shape) > 1 else counted(found.shape[0], "feature")
    kind = counted(found.classes, "class") if found.classes else found.task
    return f"{name}: {counted(found.rows, 'row')} of {shape}, {kind}" + f"; {found.summary}" * bool(found.summary)


def work_of(plan: Plan, store: Store, trials: Mapping[str, int]) -> tuple[list[Work], list[Work]]:
    """Runs and steps of all searches, and of the final runs. ``trials``: where they are known."""
    rows = training_rows(plan, store)
    selections = Counter(search.id for name in plan.arms for search in plan.searches_of(name))
    searched = [
        tuning(search, selections[i], rows.get(search.first_recipe.dataset_id), trials.get(i))
        for i, search in plan.searches.items()
    ]
    trained = [final(plan.arms[arm], runs, rows.get(plan.arms[arm].dataset_id)) for arm, runs in plan.seeds.items()]
    return searched, trained


def schema(arguments: Namespace) -> None:
    """Print the JSON Schema of study files; with ``--fix`` write it, and the tables of config/README.md."""
    from study.plan.file import reference

    if arguments.fix and not reference.SCHEMA.is_file():
        raise Refused(["--fix: is for Evenhand's repository; here: evenhand schema > study.schema.json"])
    if arguments.fix:
        write_if_changed(reference.SCHEMA, reference.schema())
        write_if_changed(reference.README, reference.readme())
    else:
        print(reference.schema(), end="")

"""What makes a comparison or a claim doubtful though nothing is wrong with the file: the warnings of ``check``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from math import ceil, prod
from pathlib import Path

from study.axes.recipe import AXES
from study.axes.training import EachSteps
from study.errors import join, join_each
from study.metric import Final
from study.metrics import METRICS
from study.plan.cost import training_rows
from study.plan.elsewhere.sheet import Sheet
from study.plan.history import TIMING, Freshness, History
from study.plan.plan import Plan, PlannedComparison
from study.plan.search import EXAMPLE
from study.store.layout import Block, Store, owned
from study.store.seal import check, read_table
from study.wording import beginning, counted, listed, plural

HALF_A_POINT = 0.005  # of accuracy
ALIKE = ", and arms that differ in nothing else are the same"
FEWEST, EACH = 10, 3  # rows to train on, as of a sample: ``rows``; of each class
NAMED = 6  # arms that a line names, at most
LOOKED_INTO = 256  # arms of a comparison whose cached runs are read, at most
HELD_OUT = {"val_accuracy": (1, "validation"), "test_accuracy": (2, "test")}  # columns; where sizes have their rows


def warnings(plan: Plan, store: Store) -> Iterator[str]:
    """One line each, with the place in the study file."""
    for comparison in plan.comparisons:
        path = join("comparisons", comparison.name)
        yield from _changes_several(comparison, path)
        if comparison.here:
            yield from _coarse(plan, comparison, path)
            yield from _unequal(plan, comparison, path)
            yield from _untuned(plan, comparison, path)
        else:
            yield from _could_be_paired(comparison, path)
            yield from _alike(comparison, path)
            yield from _repeated(comparison, path)
    yield from _sizes(plan, store)
    yield from _another_look(plan, store)
    yield from _same_for_all(plan, store)


def _alike(comparison: PlannedComparison, path: str) -> Iterator[str]:
    """Labels of a file that are probably meant to be one: they differ in case or spaces, or in a part that is empty."""
    spelt: dict[str, list[str]] = {}
    for arm in comparison.arms:
        spelt.setdefault(" ".join(arm.label.casefold().split()), []).append(arm.label)
    for labels in spelt.values():
        if len(labels) > 1:
            yield f"{join(path, 'runs')}: {listed(map(repr, labels))} differ in case or spaces only; write them alike"
    labels = [arm.label for arm in comparison.arms]
    for label in labels:
        if longer := next((other for other in labels if other.startswith(f"{label}, ")), None):
            yield f"{join(path, 'runs')}: {label!r} is {longer!r} without a value; some of its cells may be empty"


def _could_be_paired(comparison: PlannedComparison, path: str) -> Iterator[str]:
    """Runs whose seeds all arms share, and of which nobody said whether that means anything."""
    runs = comparison.runs
    if runs and comparison.claims and runs.file.seed and not runs.file.paired and len({*runs.seeds.values()}) == 1:
        yield (
            f"{join(path, 'runs')}: all arms have the same seeds, and are compared as if they were not paired; say "
            "paired: true if a seed gave all of them the same order of rows, or initial parameters, or split"
        )


def _repeated(comparison: PlannedComparison, path: str) -> Iterator[str]:
    """Rows that are there twice, which count as two runs where no column says whose they are."""
    runs = comparison.runs
    try:
        sheet = Sheet(Path(runs.file.path)) if runs and not runs.file.seed else None
        kinds = sheet.repeated() if sheet else []
    except (OSError, ValueError, LookupError):  # as it was when it was planned, it can be read
        return
    if sheet and kinds:
        more = f" (and {len(kinds) - 1} more such)" * (len(kinds) > 1)
        seed = next((name for name in sheet.names if re.split(r"\W|_", name.casefold())[-1] == "seed"), None)
        yield (
            f"{join(path, 'runs')}: {sheet.at(kinds[0])} are the same in every column{more}, and count as runs of "
            f"their own; keep one of them" + (f", and say seed: {seed}" if seed else ", or add a column for 'seed:'")
        )


def _changes_several(comparison: PlannedComparison, path: str) -> Iterator[str]:
    """Arms that differ from the reference, or from the other side of a claim, in several coupled keys."""
    keys, values = comparison.keys, {arm.label: arm.values for arm in comparison.arms}
    rows = {tuple(mine[key] for key in keys) for mine in values.values()}
    distinct = [len(set(column)) for column in zip(*rows, strict=True)]
    if len(keys) < 2 or len(values) + comparison.skipped >= prod(distinct):
        return  # a full cross product, but for what is skipped
    # Coupled are those of whose values not every one comes with every combination of the others.
    others = [len({row[:i] + row[i + 1 :] for row in rows}) for i in range(len(keys))]
    coupled = [key for key, own, rest in zip(keys, distinct, others, strict=True) if len(rows) != own * rest]
    pairs = [pair for claim in comparison.claims if not claim.better_arms for pair in claim.pairs]
    pairs += [(label, comparison.reference) for label in values]
    differing = [[key for key in coupled if values[one][key] != values[other][key]] for one, other in pairs]
    (one, other), most = max(zip(pairs, differing, strict=True), key=lambda found: len(found[1]))
    if len(most) > 1:
        yield f"{path}: changes several things at once: {one!r} and {other!r} differ in {listed(most)}"


def _coarse(plan: Plan, comparison: PlannedComparison, path: str) -> Iterator[str]:
    """Claims on an accuracy whose margin, or half a point, is less than one row."""
    found: dict[tuple[str, int, str], list[int]] = {}
    for i, claim in enumerate(comparison.claims):
        arm = plan.arms[next(iter(claim.arms.values()))]
        sizes = None if arm.outline.trainer.free else arm.dataset.sizes
        source = METRICS[claim.metric].source
        counting = [split for name, split in HELD_OUT.items() if isinstance(source, Final) and name in source.columns]
        if sizes is None or not counting or claim.better_arms:  # means are finer than a row
            continue
        place, split = counting[0]
        rows = sizes[place]
        narrow = claim.margin and 1 / rows > claim.margin
        if narrow or 1 / rows > HALF_A_POINT:
            bound = "the margin" if narrow else "half a point"
            found.setdefault((split, rows, bound), []).append(i)
    for (split, rows, bound), places in found.items():
        row = f"one of {rows} {split} rows is worth {100 / rows:.2g} points"
        yield f"{join_each(path, 'claims', places)}: {row}, more than {bound}; differences of a row or two mean little"


def uneven(trials: Mapping[str, int]) -> str:
    """``19 for l1, l2; 3 for none`` from the trials of every arm (by label); empty where all get as many."""
    by_number: dict[int, list[str]] = {}
    for label, number in trials.items():
        by_number.setdefault(number, []).append(label)
    parts = []
    for number, labels in sorted(by_number.items(), reverse=True):
        more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
        parts.append(f"{number} for {', '.join(labels[:NAMED])}{more}")
    return "; ".join(parts) if len(parts) > 1 else ""


def _unequal(plan: Plan, comparison: PlannedComparison, path: str) -> Iterator[str]:
    """Arms that lack a searched setting, and cannot make up for it by further trials of the others."""
    searches = {arm.label: plan.arms[arm.arm].search for arm in comparison.arms}
    if words := uneven({label: search.candidates if search else 0 for label, search in searches.items()}):
        yield (
            f"{path}: tuned in unequal numbers of trials: {words}; only 'log' and 'linear' ranges have further points "
            "to try in arms that lack a setting"
        )


def _untuned(plan: Plan, comparison: PlannedComparison, path: str) -> Iterator[str]:
    """Claims on arms that need different learning rates, and have what somebody wrote."""
    places, differing, rates = [], set(), set()
    values = {arm.label: arm.values for arm in comparison.arms}
    for i, claim in enumerate(comparison.claims if "optimizer.lr" not in comparison.keys else ()):
        others = [key for key in comparison.keys if claim.effects and key not in (claim.better, claim.than)]
        for pair in claim.pairs if not METRICS[claim.metric].per_round else ():
            if any(values[pair[0]][key] != values[pair[1]][key] for key in others):
                continue
            arms = [plan.arms[claim.arms[label]] for label in pair]
            one, other = (arm.outline for arm in arms)
            apart = {axis for axis, about in AXES.items() if about.rated and getattr(one, axis) != getattr(other, axis)}
            own = getattr(one.optimizer, "lr", None) != getattr(other.optimizer, "lr", None)
            compared = own and one.optimizer.name == other.optimizer.name  # the rate is what is compared
            rated = any("lr" in arm.open("optimizer") for arm in arms)
            if apart and not compared and not rated:
                places += [i] * (i not in places)
                differing |= apart
                rates.add("untuned learning rates" if own else "one untuned learning rate")
    if places:
        what = ", ".join(about.plural for axis, about in AXES.items() if axis in differing)
        where, add = join_each(path, "claims", places), f"add tune: {{optimizer.lr: {EXAMPLE}}}"
        yield f"{where}: arms with different {what} at {max(rates)}; {add}"


def _sizes(plan: Plan, store: Store) -> Iterator[str]:
    """Arms on hardly a row; evaluated never in between; with batches of all rows, of which nobody knew before."""
    rows = training_rows(plan, store)
    for comparison in plan.comparisons:
        found: dict[tuple[str, str, str], list[str]] = {}
        for arm in comparison.arms if comparison.here else ():
            recipe, whole = plan.arms[arm.arm].outline, rows.get(plan.arms[arm.arm].dataset_id)
            if not whole:
                continue
            known, budget = recipe.training_rows(whole), recipe.budget(recipe.training_rows(whole))
            if recipe.batch_size > known:
                what = f"a batch holds all {known:,} training rows and no more"
                found.setdefault((what, ALIKE, f"give batch_size: {known} at most"), []).append(repr(arm.label))
            classes = recipe.dataset.classes
            if recipe.train_share < 1 and known < max(FEWEST, EACH * classes):
                what = f"{counted(known, 'row')} of {whole:,} to train on" + f", for {classes} classes," * (classes > 0)
                right = f"give train_share: {ceil(1000 * max(FEWEST, EACH * classes) / whole) / 1000:g} or more"
                found.setdefault((what, "", right), []).append(repr(arm.label))
            if isinstance(recipe.evaluate, EachSteps) and recipe.evaluate.steps > budget:
                what = (
                    f"evaluated every {recipe.evaluate.interval} of {budget:,}, so before training and at its end only,"
                )
                found.setdefault((what, "", "give evaluate fewer steps"), []).append(repr(arm.label))
        for (what, alike, right), labels in found.items():
            named = listed(beginning(labels, NAMED))
            more = alike * (len(labels) > 1)
            yield f"{join('comparisons', comparison.name)}: {what} in {named}{more}; {right}"


def _another_look(plan: Plan, store: Store) -> Iterator[str]:
    """Claims that were looked at as often as the study file says, and that would be judged on other data."""
    history = History.read(plan, store)
    newer = {*Freshness(plan, store).newer()}.difference(plan.missing(store)) if history.looks else set()
    declared = history.looks_declared(plan)
    judged = {words: entry["row"]["target"] for words, entry in history.claims.items() if entry["row"]}
    for comparison in plan.comparisons:
        taken: dict[int, int] = {}  # place → looks at the claim
        for i, claim in enumerate(comparison.claims):
            about, looks = METRICS[claim.metric], history.looks.get(claim.about, [])
            sides = [comparison.wanted[arm] for arm in claim.arms.values()]
            pairs = plan.timing.rounds if plan.timing and about.per_round else min(sides)
            other = all(pairs not in look.values() for look in looks)
            other |= not newer.isdisjoint({*claim.arms.values(), *[TIMING] * about.timed})
            target = comparison.target if about.target else None
            aim = f"{target.metric} {target.value}" if target else ""
            other |= not any(words.startswith(claim.about) and was == aim for words, was in judged.items())
            if other and len(looks) >= declared:
                taken[i] = len(looks)
        if taken:
            most = max(taken.values()) + 1
            yield (
                f"{join_each(join('comparisons', comparison.name), 'claims', [*taken])}: to judge again would be look "
                f"{most}, at other data than before, and {declared} {plural(declared, 'was')} "
                "declared before the first verdict; "
                "keep the seeds, targets and timing, or no verdict of it counts as at a declared look"
            )


def _same_for_all(plan: Plan, store: Store) -> Iterator[str]:
    """Targets that every cached run reached, or none."""
    same: dict[bool, list[str]] = {False: [], True: []}
    present = store.present(plan.arms)
    for comparison in plan.comparisons:
        timed = [metric for metric in comparison.used if METRICS[metric].target]
        arms = dict.fromkeys(arm for metric in timed for arm in comparison.arms_for(metric).values())
        reached = [hit for arm in islice(arms, LOOKED_INTO) for hit in _reached(comparison, arm, present[arm], store)]
        if len(set(reached)) == 1:
            same[reached[0]].append(f"{comparison.name} ({len(reached)} runs)")
    if never := same[False]:
        yield f"target: no cached run reaches it in {', '.join(never)}; an easier one could tell arms apart there"
    if always := same[True]:
        yield f"target: every cached run reaches it in {', '.join(always)}; only how soon can tell arms apart there"


def _reached(comparison: PlannedComparison, arm: str, blocks: list[Block], store: Store) -> Iterator[bool]:
    """Whether each cached run of an arm reached the target of ``comparison``."""
    target = comparison.target
    assert target is not None  # since a metric needs it
    for block, seeds in owned(blocks, comparison.seeds):
        try:
            check(store.curves(arm, block))
            table = read_table(store.curves(arm, block), columns=["seed", target.metric])
        except (OSError, ValueError):
            continue  # damaged by now: whoever needs it will say so
        rows = zip(table["seed"].to_pylist(), table[target.metric].to_pylist(), strict=True)
        hits = {seed for seed, level in rows if target.met(level)}
        yield from (seed in hits for seed in seeds)

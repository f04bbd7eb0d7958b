"""What would decide the claims that are undecided: more seeds, a wider search, or nothing that can be afforded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import ceil, prod
from typing import NamedTuple

import pandas as pd

from study.metrics import METRICS
from study.plan.cost import final, sum_up, tuning
from study.plan.file.claim import PlannedClaim
from study.plan.plan import FEWEST_ROUNDS, Plan, PlannedComparison
from study.plan.search import Search, Searched, Value
from study.plan.trials import Trials
from study.plan.workflow.command import command
from study.show.claims import beside
from study.show.claims.table import note_on_looks, sentence, stated_rows
from study.show.claims.verdicts import evidence_of
from study.show.formatting import chance
from study.show.tables.tuning import steps_out
from study.stats import unpaired
from study.stats.exact import ALPHA
from study.stats.outlook import outlook
from study.store.layout import Store
from study.wording import counted, listed, number, plural

Points = dict[str, list[Value]]  # setting → values past the edge of its range, to be tried

MORE = 3  # times the tuning seeds, where each run is tuned for itself
ENOUGH = 8  # tuning seeds of one search for all runs: with three many a cliff looks like a peak
SLACK = 0.05  # of a step, for what rounding does to the place of a point


class Advice(NamedTuple):
    """On one undecided claim."""

    words: str
    seeds: int = 0  # that would decide it
    outside: tuple[Points, ...] = ()  # of the range that was searched, where that was too narrow
    misled: tuple[str, ...] = ()  # arms (ids) that more tuning seeds would choose better for
    rows: tuple[str, ...] = ()  # arms (ids) of which the test rows are the limit


def suggest(plan: Plan, store: Store, claims: pd.DataFrame, file: str = "FILE") -> Iterator[str]:
    """Lines to print, of the study in ``file``. ``claims``: a table of ``CLAIMS``, on those of ``plan`` in order."""
    still_open = claims["counts"] & ~(claims["p_adjusted"] <= ALPHA / claims["looks_declared"])
    # Of Holm's method, by family: for all that are not decided.
    divisors = claims.loc[still_open, "family"].value_counts()
    claims = stated_rows(claims)
    undecided = int((claims["verdict"] == "undecided").sum())
    of_all = f"of {counted(len(claims), 'claim')}"
    if not undecided:
        yield f"None {of_all} is undecided; there is nothing to add." if len(claims) else "The study claims nothing."
        return
    yield f"{undecided} {of_all} {plural(undecided, 'is')} undecided."
    yield "What would decide each, and with what chance (differences are expected to shrink):"
    again, looks = int(claims["looks"].max()) + 1, int(claims["looks_declared"].max())
    rows = iter(row for _, row in claims.iterrows())
    more = False
    for comparison in plan.comparisons:
        pairs = [(claim, row) for claim in comparison.claims if (row := next(rows))["verdict"] == "undecided"]
        if pairs:
            yield from ("", comparison.name)
        given = [_advise(plan, store, claim, row, divisors.get(claim.family, 1), looks) for claim, row in pairs]
        for (claim, row), advice in zip(pairs, given, strict=True):
            yield f"  {sentence(claim.metric, claim.better, claim.than, claim.form, row['margin'])}"
            yield f"    {advice.words}"
        if outside := [points for advice in given for points in advice.outside]:
            yield from wider_search(plan, comparison, outside)
        if misled := [arm for advice in given for arm in advice.misled]:
            yield from more_tuning_seeds(plan, comparison, misled)
        if short := [arm for advice in given for arm in advice.rows]:
            yield from split_by_seed(plan, comparison, short)
        if seeds := max((advice.seeds for advice in given), default=0):
            more = True
            yield from _more_seeds(plan, comparison, seeds)
    if more:
        yield ""
        yield f"`{command('check', file)}` says how long it takes once the file is edited."
        within = f"Judging again is within the {counted(looks, 'look')} that the study file declared."
        yield note_on_looks(again, looks, "Judging again") or within


def _advise(plan: Plan, store: Store, claim: PlannedClaim, row: pd.Series, divisor: int, looks: int) -> Advice:
    """What would decide one claim at one of so many looks that are declared; its row of ``CLAIMS``."""
    if row["test"] == "none":
        again = " (the command that ran the study does only what is missing)"
        return Advice(f"{row['reason']}{again * any(arm in plan.arms for arm in claim.arms.values())}")
    if row["test"] == "not estimable":
        return Advice(f"no number of seeds would decide it: {row['reason']}")
    search = _behind(plan, store, claim, row)
    if pd.isna(row["p_adjusted"]) or row["p_adjusted"] <= ALPHA / row["looks_declared"]:
        return search
    if rows := beside.limit(row):
        words = "; ".join(filter(None, (search.words, rows)))
        return search._replace(words=words, rows=tuple(claim.arms.values()))
    paired = row["test"] not in unpaired.TESTS
    unit = "round" if METRICS[claim.metric].per_round else "seed" if paired else "run"
    now, each = int(row["pairs"]), "" if paired else " of each arm"
    found = outlook(claim.metric, claim.kind, evidence_of(row), ALPHA / looks / divisor, paired)
    if row["ties"] == now:
        words = str(row["reason"]).partition(";")[0]
    elif found.equal:
        words = f"the arms look equal, or as far apart as the margin: no number of {unit}s is worth naming"
    else:
        words = f"{chance(found, unit, f'{each} in all')} ({now} now)"
    needed = found.likely or found.even or 0
    if not search.words:
        return Advice(words, needed)
    return search._replace(words=f"{search.words}; {'then ' * bool(needed)}{words}")  # what to add is for new arms


def _behind(plan: Plan, store: Store, claim: PlannedClaim, row: pd.Series) -> Advice:
    """Where to search on for the undertuned arms that block a claim, and which of them to choose better for.

    Of levels these are all arms that have the level, as far as they are tuned.
    """
    several, sides = bool(claim.better_arms), dict(zip((claim.better, claim.than), claim.sides, strict=True))
    misled = [label for label in row["undertuned"] if label in row["misled"]]
    parts = [
        f"{label} does better with other settings that were tried: choose by more tuning seeds" for label in misled
    ]
    outside = []
    for side, label, name in ((blocking, *arm) for blocking in row["undertuned"] for arm in sides[blocking].items()):
        arm = plan.arms[name]
        if not (arm.search and arm.selection):
            continue
        each = [Trials.read(search, store) for search in plan.searches_of(name)]
        trials = Trials.pooled(arm.search, each)
        if arm.selection.name not in trials.done:
            parts.append(f"how {label} was tuned is not known any more: run the study")
        elif (chosen := trials.chosen(arm.selection)) and chosen.undertuned:
            points = (", ".join(f"{key} {number(value)}" for key, value in point.items()) for point in chosen.next)
            parts.append(f"{label} is undertuned, next to try: {listed(points, 'or')}")
            outside.append(steps_out(chosen))
        elif side not in misled and not several:
            parts.append(f"{label} was tuned further since: run the study")
    return Advice(
        "; ".join(parts),
        outside=tuple(outside),
        misled=tuple(name for label in misled for name in sides[label].values()),
    )


def _more_seeds(plan: Plan, comparison: PlannedComparison, seeds: int) -> Iterator[str]:
    """The change of the study file, and what it costs; or of the file that the runs are in."""
    if comparison.runs:
        yield f"  add runs to {comparison.runs.name}: {seeds} in all of each of the {len(comparison.arms)} arms"
        return
    more = {arm: seeds - plan.seeds[arm] for arm in comparison.trained if plan.seeds[arm] < seeds}
    searched: dict[str, int] = {}  # of searches by seed: for so many runs they are there
    for name, arm in plan.arms.items():
        if arm.search and arm.search.by_seed:
            searched[arm.search.id] = max(plan.seeds[name], searched.get(arm.search.id, 0))
    each = {search.id: search for arm in more if (search := plan.arms[arm].search) and search.by_seed}
    tuned = [tuning(search, 1) for name, search in each.items() for _ in range(searched[name], seeds)]
    work = sum_up([*tuned, *(final(plan.arms[arm], runs) for arm, runs in more.items())])
    again = plan.timing and seeds > plan.timing.rounds and any(arm in plan.timing.arms for arm in comparison.trained)
    timed = f", and all timing again, in {max(seeds, FEWEST_ROUNDS)} rounds" if again else ""
    yield f"  edit: comparisons.{comparison.name}.seeds: {seeds}"
    own = ", each run tuned for itself" * bool(tuned)
    yield f"    more seeds for {counted(len(comparison.arms), 'arm')}{own}: {work}{timed}"


def wider_search(plan: Plan, comparison: PlannedComparison, outside: Iterable[Points]) -> Iterator[str]:
    """Lines with the ``tune:`` that has the points ``outside`` of the present one, as dense as it is."""
    before = _searches(plan, comparison)
    wider = {searched.key: searched for search in before.values() for searched in search.settings}
    for points in outside:
        wider |= {key: widened(wider[key], values) for key, values in points.items()}
    new = search_again(before, wider)
    parts = [f"{key}: {as_yaml(searched, next(iter(new.values())).method)}" for key, searched in sorted(wider.items())]
    parts += [f"search: sobol, trials: {max(s.first for s in new.values())}"] * any(s.trials for s in new.values())
    yield f"  edit: comparisons.{comparison.name}.tune: {{{', '.join(parts)}}}"
    yield "    and its other keys (seeds, extend, select) as they are, if there are any"
    yield from _anew(plan, comparison, new)


def more_tuning_seeds(plan: Plan, comparison: PlannedComparison, misled: Iterable[str]) -> Iterator[str]:
    """Lines with the ``tune:`` that chooses by more seeds. ``misled``: arms, by id."""
    mine = [search for name in misled if (search := plan.arms[name].search)]
    now = max(search.seeds for search in mine)
    seeds = MORE * now if (each := all(search.by_seed for search in mine)) else max(ENOUGH, 2 * now)
    by_seed = "" if each else ", or by_seed: true, which tunes each run for itself"
    yield f"  edit: comparisons.{comparison.name}.tune.seeds: {seeds} (now {now}){by_seed}"
    new = {name: one.model_copy(update={"seeds": seeds}) for name, one in _searches(plan, comparison).items()}
    yield from _anew(plan, comparison, new)


def split_by_seed(plan: Plan, comparison: PlannedComparison, short: Iterable[str]) -> Iterator[str]:
    """Lines on testing each seed on rows of its own, of the datasets that come without a test split of their own.

    ``short``: arms, by id, of which the test rows are the limit.
    """
    names = dict.fromkeys(plan.arms[arm].outline.dataset_id for arm in short if arm in plan.arms)
    drawn = [plan.datasets[name] for name in names if name in plan.datasets]
    drawn = [one for one in drawn if one.split == "fixed" and not one.folds and one.tests_drawn]
    if not drawn:
        return
    of = listed(f"{one.title} ({sum(one.sizes):,} rows)" if one.sizes else one.title for one in drawn)
    yield f"  edit: split: by_seed, in the dataset of comparisons.{comparison.name}: {of}"
    yield (
        "    each seed draws its own test rows from all of them: verdicts then generalise over splits and seeds of "
        "these rows only, since test rows of seeds overlap"
    )
    yield from _anew(plan, comparison, _searches(plan, comparison))


def _searches(plan: Plan, comparison: PlannedComparison) -> dict[str, Search]:
    """By id."""
    return {arm.search.id: arm.search for name in comparison.trained if (arm := plan.arms[name]).search}


def _anew(plan: Plan, comparison: PlannedComparison, new: Mapping[str, Search]) -> Iterator[str]:
    """What it costs, and means, to train all arms otherwise. ``new``: searches, by the ids of the present ones."""
    arms = [plan.arms[arm] for arm in comparison.trained]
    selections = Counter(arm.search.id for arm in arms if arm.search)
    runs = range(max(plan.seeds[arm.id] for arm in arms))
    tuned = [tuning(one, selections[name]) for name, search in new.items() for one in search.each(runs)]
    work = sum_up([*tuned, *(final(arm, plan.seeds[arm.id]) for arm in arms)])
    yield f"    all its arms are {'tuned and ' * bool(new)}trained anew: {work}"
    yield (
        "    these are new arms: claims on them are stated after results of the present ones were seen, "
        "and looks at those are not counted; claims on the present ones stay on the page as withdrawn"
    )


def widened(searched: Searched, values: Iterable[Value]) -> Searched:
    """A range with ``values`` in it, by whole steps of its grid; of listed values these are added to the list."""
    if searched.values is not None:
        every = {*searched.values, *values}
        ordered = sorted(every, key=lambda value: value if isinstance(value, tuple) else (value,))
        return searched.model_copy(update={"values": tuple(ordered)})
    places = [searched.position(value) for value in values]
    below, above = (ceil(far / searched.step - SLACK) for far in (max(0, -min(places)), max(0, max(places) - 1)))
    ends = tuple(searched.at(place) for place in (-below * searched.step, 1 + above * searched.step))
    points = searched.points and searched.points + below + above
    return searched.model_copy(update={"log" if searched.log else "linear": ends, "points": points})


def search_again(searches: Mapping[str, Search], wider: Mapping[str, Searched]) -> dict[str, Search]:
    """The searches (by present id) on ``wider`` ranges, with as many further trials after those of the largest."""
    new = {}
    for name, search in searches.items():
        pairs = [(searched, wider[searched.key]) for searched in search.settings]
        trials = search.trials and ceil(search.trials * prod(_span(*pair) for pair in pairs) - SLACK)
        new[name] = search.model_copy(update={"settings": tuple(after for _, after in pairs), "trials": trials})
    largest, before = (max(search.first for search in those) for those in (new.values(), searches.values()))
    for name, search in searches.items():
        if not all(searched.values for searched in search.settings):  # listed values have no further points
            spare = largest - new[name].first + search.candidates - before
            new[name] = new[name].model_copy(update={"extend": spare})
    return new


def _span(before: Searched, after: Searched) -> float:
    """How many times as wide a range has become."""
    low, high = after.log or after.linear or (0.0, 1.0)
    return before.position(high) - before.position(low)


def as_yaml(searched: Searched, method: str) -> str:
    """``{log: [0.001, 100], points: 11}``, as a study file has it."""
    names = {"log", "linear", "values"} | ({"points"} if method == "grid" else set())
    written = searched.model_dump(include=names, exclude_none=True)
    return f"{{{', '.join(f'{name}: {number(value)}' for name, value in written.items())}}}"

"""A wider search for arms whose best trial is at the edge of theirs: what to write in the study file, and its cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import ceil, prod

from study.plan.cost import final, sum_up, tuning
from study.plan.file.labels import number
from study.plan.plan import Plan, PlannedComparison
from study.plan.searches.search import Search
from study.plan.searches.space import Searched, Value

Points = dict[str, list[Value]]  # setting → values past the edge of its range, to be tried

SLACK = 0.05  # of a step, for what rounding does to the place of a point


def edit(plan: Plan, comparison: PlannedComparison, outside: Iterable[Points]) -> Iterator[str]:
    """Lines with the ``tune:`` that has the points ``outside`` of the present one, as dense as it is."""
    arms = [plan.arms[arm] for arm in comparison.trained]
    before = {arm.search.id: arm.search for arm in arms if arm.search}
    wider = {searched.key: searched for search in before.values() for searched in search.settings}
    for points in outside:
        wider |= {key: widened(wider[key], values) for key, values in points.items()}
    new = search_again(before, wider)
    parts = [f"{key}: {as_yaml(searched, next(iter(new.values())).method)}" for key, searched in sorted(wider.items())]
    parts += [f"search: sobol, trials: {max(s.first for s in new.values())}"] * any(s.trials for s in new.values())
    yield f"  edit: comparisons.{comparison.name}.tune: {{{', '.join(parts)}}}"
    yield "    and its other keys (seeds, extend, select) as they are, if there are any"
    selections = Counter(arm.search.id for arm in arms if arm.search)
    work = sum_up(
        [
            *(tuning(search, selections[name]) for name, search in new.items()),
            *(final(arm, plan.seeds[arm.id]) for arm in arms),
        ]
    )
    yield f"    all its arms are tuned and trained anew: {work}"
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
    if searched.values is not None:
        return f"{{values: [{', '.join(map(number, searched.values))}]}}"
    kind, (low, high) = ("log", searched.log) if searched.log else ("linear", searched.linear or (0.0, 1.0))
    points = f", points: {searched.points}" * (method == "grid")
    return f"{{{kind}: [{number(low)}, {number(high)}]{points}}}"

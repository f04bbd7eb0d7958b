"""The settings that a comparison leaves open: where ``tune`` searches them, and the search of each arm."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import NamedTuple

from pydantic import ValidationError

from study.axes.base import Choice
from study.axes.combinations import impossible, oversized
from study.axes.recipe import split_key
from study.errors import Mistakes, join, refuse
from study.plan.file.keys import CHOICES, adapter, is_own, kind_of
from study.plan.file.matrix import Choices, entries, in_full, key_place, varied
from study.plan.file.models import Comparison, StudyFile, Tune
from study.plan.file.read import expected
from study.plan.search import EXAMPLE, MOST, Range, Search, Searched, Value


class OpenSettings(NamedTuple):
    """A ``tune:`` block as it holds for a comparison: the study's, and the comparison's own over it.

    ``place``: where the block is. ``places``: where each setting is written, and what is selected by.
    """

    place: str
    places: dict[str, str]
    ranges: dict[str, Range]
    options: Tune


def open_settings(file: StudyFile, comparison: Comparison, path: str, mistakes: Mistakes) -> OpenSettings | None:
    """What the comparison at ``path`` leaves open; None where that is nothing.

    Settings that it gives replace the study's (and its search) as a whole, other keys one by one.
    """
    own = "tune" in comparison.model_fields_set
    if (comparison.tune if own else file.tune) is None:
        return None
    pairs = [(file.tune, "tune"), (comparison.tune, join(path, "tune"))]
    blocks = [(block, place) for block, place in pairs if block is not None]
    ranges: dict[str, Range] = {}
    options: dict[str, object] = {}
    places = {"select": join(blocks[0][1], "select")}
    for block, place in blocks:
        if given := block.ranges():
            ranges = given
            options = {name: value for name, value in options.items() if name not in ("search", "trials")}
        options |= block.model_dump(include=set(Tune.model_fields), exclude_unset=True)
        places |= {key: join(place, key) for key in [*given, *block.model_fields_set & {"select"}]}
    found = OpenSettings(blocks[-1][1], places, ranges, Tune.model_validate(options))
    _check(found, mistakes)
    _check_covered(found, comparison, path, mistakes)
    return found


def _check(found: OpenSettings, mistakes: Mistakes) -> None:
    """Note what is wrong with the block, whatever arms it is for."""
    place, options, sobol = found.place, found.options, found.options.search == "sobol"
    if not found.ranges:
        mistakes.add(place, f"names no setting; give the settings to search, such as {{optimizer.lr: {EXAMPLE}}}")
    if sobol and options.trials is None:
        mistakes.add(join(place, "trials"), "is missing; give the number of quasi-random trials, such as 32")
    elif not sobol and options.trials is not None:
        mistakes.add(join(place, "trials"), "is for quasi-random search; add search: sobol, or take it out")
    select = options.select or ()
    for i, name in enumerate(select):
        if name in select[:i]:
            mistakes.add(join(found.places["select"], i), f"{name!r} is listed twice; keep one")
    for key, given in found.ranges.items():
        at, listed = found.places[key], given.values is not None
        if listed and sobol:
            mistakes.add(join(at, "values"), "quasi-random search needs ends; give 'log' or 'linear', or search: grid")
        if given.points is not None and (listed or sobol):
            instead = "the values are the points" if listed else "'trials' says how many"
            mistakes.add(join(at, "points"), f"is not wanted here, {instead}; take it out")
        if given.points is None and not (listed or sobol):
            mistakes.add(at, "'points' is missing; give the number of points, both ends included, such as 9")
    points = prod(given.points or len(given.values or ()) or 1 for given in found.ranges.values())
    if not sobol and points > MOST:
        words = f"is a grid of {points:,} points, and {MOST:,} is the most; give fewer, or search: sobol, trials: 100"
        mistakes.add(place, words)
    if options.extend and options.each_run:
        mistakes.add(
            join(place, "extend"), "is of one search for all runs; give more points instead, or by_seed: false"
        )
    elif options.extend and found.ranges and all(given.values for given in found.ranges.values()):
        wrong = "listed values have none between or past them; give 'log' or 'linear', or 0"
        mistakes.add(join(place, "extend"), wrong)


def _check_covered(found: OpenSettings, comparison: Comparison, path: str, mistakes: Mistakes) -> None:
    """Note every value of ``vary``, ``arms`` and ``skip`` that sets a setting which is searched."""
    written = [(key, entry) for key, values in varied(comparison, path).items() for entry in values]
    for name, listed in (("arms", comparison.arms or ()), ("skip", comparison.skip)):
        written += [pair for i, part in enumerate(listed) for pair in entries(part, join(path, name, i)).items()]
    for key, (value, place) in written:
        within = {f"{key}.{name}": join(place, name) for name in (in_full(value) if isinstance(value, dict) else ())}
        for setting, at in ({key: key_place(place)} | within).items():
            if setting in found.ranges:
                mistakes.add(at, f"is covered by {found.place!r}; take it out here or there")


def searches(found: OpenSettings, rows: Sequence[Choices], path: str, mistakes: Mistakes) -> list[Search | None]:
    """The search of each arm: what it has of the settings, in the same number of trials for all; None without any.

    ``path``: of the comparison. Raises nothing: what cannot be searched so is noted, and such arms have no search.
    """
    keys, options = sorted(found.ranges), found.options
    homes = dict.fromkeys((row.choice(key), key) for row in rows for key in keys if row.has(key))
    kinds = {home: _own_kind(home[1], rows, found) if is_own(home[1]) else kind_of(home[1], home[0]) for home in homes}
    suited = {
        home: _suit(*home, kind, found.ranges[home[1]], found.places[home[1]], mistakes) for home, kind in kinds.items()
    }
    search_of = partial(
        Search,
        seeds=options.tuning_seeds,
        extend=0,
        method=options.search,
        trials=options.trials,
        by_seed=options.each_run,
    )
    made: list[Search | None] = []
    for row in rows:
        space = tuple(one for key in keys if row.has(key) and (one := suited[row.choice(key), key]))
        recipe = row.without([searched.key for searched in space]).recipe
        made.append(search_of(recipe=recipe, settings=space) if space else None)
    for key in found.ranges:
        if rows and all(key != known for _, known in homes):
            own = found.place.startswith(path)
            words = "; take it out" if own else f" in {path}; give that comparison a 'tune:' of its own"
            mistakes.add(found.places[key], f"no arm has {split_key(key)[1]!r}{words}")
    most = max((search.first for search in made if search), default=0)
    further = options.further
    return [
        search and search.model_copy(update={"extend": 0 if search.listed else most - search.first + further})
        for search in made
    ]


def _own_kind(key: str, rows: Sequence[Choices], found: OpenSettings) -> str:
    """As ``kind_of``, of a setting that no type is known of: as the arms have it, else as the values to try are."""
    values = [row.value(key) for row in rows if row.has(key)]
    known: list[object] = [value for value in values if value is not None] or [*(found.ranges[key].values or ())]
    if any(isinstance(value, list | tuple) for value in known):
        return "widths"
    return "whole" if known and all(type(value) is int for value in known) else "real"


def _suit(
    home: type[Choice] | None, key: str, kind: str | None, given: Range, place: str, mistakes: Mistakes
) -> Searched | None:
    """The range as it suits the setting ``key`` of the choice ``home``, or an axis; None where it does not."""
    setting, before = split_key(key)[1] or key, len(mistakes)
    if kind is None:
        mistakes.add(place, f"{setting!r} is no number; compare its values by 'vary:'")
    elif kind == "widths" and given.values is None:
        mistakes.add(place, f"{setting!r} is a list; give {{values: [[32], [64, 64]]}}")
    if len(mistakes) > before:
        return None
    name = "log" if given.log else "linear" if given.linear else "values"
    values: list[Value] = []
    for i, value in enumerate(getattr(given, name)):
        at = join(place, name, i)
        if kind == "whole" and isinstance(value, float) and value.is_integer():
            value = int(value)
        try:
            adapter(key, home).validate_python(value, strict=True)
        except ValidationError as failure:
            one = kind == "widths" and not isinstance(value, tuple)
            mistakes.add(at, refuse(value, "a list of widths") if one else expected(failure.errors()[0]))
        if value in values:
            mistakes.add(at, "is listed twice; keep one")
        values.append(float(value) if kind == "real" and isinstance(value, int) else value)
    if len(mistakes) > before:
        return None
    ordered = sorted(values, key=lambda value: value if isinstance(value, tuple) else (value,))
    listed = {"values": tuple(ordered)} if name == "values" else {}
    made = Searched(key=key, whole=kind == "whole", **given.model_dump() | listed)
    if given.points and len(set(made.grid())) < given.points:
        words = f"has fewer than {given.points} different whole numbers; give fewer points, or wider ends"
        mistakes.add(join(place, name), words)
        return None
    return made


def check_possible(search: Search, found: OpenSettings, mistakes: Mistakes) -> None:
    """Note the first candidate of an arm's grid that cannot be trained; a batch size that no range may end at."""
    suspects = [key for key in found.ranges if key not in CHOICES and ("." not in key or key.startswith("network."))]
    for candidate in search.grid(suspects) if suspects and search.method == "grid" else ():
        if reason := impossible(search.at(candidate)):
            mistakes.add(found.places[suspects[0]], reason[1])
            return
    largest = {one.key: one.at(1) for one in search.settings if one.key == "batch_size" and not one.values}
    if largest and (wrong := oversized(search.at(next(search.grid()) | largest))):
        mistakes.add(found.places["batch_size"], wrong)

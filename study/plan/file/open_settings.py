"""The settings that a comparison leaves open: where ``tune`` searches them, and the search of each arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue, ValidationError

from study.axes.base import Choice
from study.axes.recipe import split_key
from study.errors import Mistakes, join, refuse
from study.metrics import Select
from study.plan.file.keys import CHOICES, kind_of, number
from study.plan.file.matrix import Choices, Entry, entries, key_place
from study.plan.file.models import EXTEND, Comparison, StudyFile, Tune
from study.plan.file.shape import expected
from study.plan.searches.search import Search
from study.plan.searches.space import EXAMPLE, Range, Searched, Value


@dataclass(frozen=True)
class OpenSettings:
    """A ``tune:`` block as it holds for a comparison: the study's, and the comparison's own over it.

    ``places``: where each setting is written, ``place`` where the block is, ``select_place`` what is selected by.
    """

    place: str
    ranges: dict[str, Range]
    places: dict[str, str]
    seeds: int
    extend: int | None
    method: Literal["grid", "sobol"]
    trials: int | None
    select: tuple[Select, ...] | None
    select_place: str


def open_settings(file: StudyFile, comparison: Comparison, path: str, mistakes: Mistakes) -> OpenSettings | None:
    """What the comparison at ``path`` leaves open; None where that is nothing.

    Settings that it gives replace the study's (and its search) as a whole, other keys one by one.
    """
    own = "tune" in comparison.model_fields_set
    if (comparison.tune if own else file.tune) is None:
        return None
    pairs = [(comparison.tune, join(path, "tune")), (file.tune, "tune")]
    blocks = [(block, place) for block, place in pairs if block is not None]
    first = next((i for i, (block, _) in enumerate(blocks) if block.ranges()), len(blocks) - 1)
    searching = blocks[: first + 1]  # what says how to search

    def giver(option: str, among: Sequence[tuple[Tune, str]]) -> tuple[Tune, str]:
        """The first block that gives an option, and where the block is; the last, where none does."""
        return next((pair for pair in among if option in pair[0].model_fields_set), among[-1])

    selecting, selecting_place = giver("select", blocks)
    select, ranges = selecting.select, blocks[first][0].ranges()
    found = OpenSettings(
        place=blocks[0][1],
        ranges=ranges,
        places={key: join(blocks[first][1], key) for key in ranges},
        seeds=giver("seeds", blocks)[0].seeds,
        extend=giver("extend", blocks)[0].extend,
        method=giver("search", searching)[0].search,
        trials=giver("trials", searching)[0].trials,
        select=select if select is None or isinstance(select, tuple) else (select,),
        select_place=join(selecting_place, "select"),
    )
    _check(found, mistakes)
    return found


def _check(found: OpenSettings, mistakes: Mistakes) -> None:
    """Note what is wrong with the block, whatever arms it is for."""
    place, sobol = found.place, found.method == "sobol"
    if not found.ranges:
        mistakes.add(place, f"names no setting; give the settings to search, such as {{optimizer.lr: {EXAMPLE}}}")
    if sobol and found.trials is None:
        mistakes.add(join(place, "trials"), "is missing; give the number of quasi-random trials, such as 32")
    elif not sobol and found.trials is not None:
        mistakes.add(join(place, "trials"), "is for quasi-random search; add search: sobol, or take it out")
    select = found.select or ()
    for i, name in enumerate(select):
        if name in select[:i]:
            mistakes.add(join(found.select_place, i), f"{name!r} is listed twice; keep one")
    for key, given in found.ranges.items():
        at, listed = found.places[key], given.values is not None
        if listed and sobol:
            mistakes.add(join(at, "values"), "quasi-random search needs ends; give 'log' or 'linear', or search: grid")
        if given.points is not None and (listed or sobol):
            instead = "the values are the points" if listed else "'trials' says how many"
            mistakes.add(join(at, "points"), f"is not wanted here, {instead}; take it out")
        if given.points is None and not (listed or sobol):
            mistakes.add(at, "'points' is missing; give the number of points, both ends included, such as 9")
    if found.extend and found.ranges and all(given.values for given in found.ranges.values()):
        wrong = "listed values have none between or past them; give 'log' or 'linear', or 0"
        mistakes.add(join(place, "extend"), wrong)


def check_covered(found: OpenSettings, comparison: Comparison, path: str, mistakes: Mistakes) -> None:
    """Note every value of ``vary``, ``arms`` and ``skip`` that sets a setting which is searched."""
    written = [
        (key, Entry(value, join(path, "vary", key, i)))
        for key, values in comparison.vary.items()
        for i, value in enumerate(values if isinstance(values, list) else ())
    ]
    for name, parts in (("arms", comparison.arms or ()), ("skip", comparison.skip)):
        for i, part in enumerate(parts):
            written += entries(part, join(path, name, i)).items()
    for key, (value, place) in written:
        within = {f"{key}.{name}": join(place, name) for name in (value if isinstance(value, dict) else ())}
        for setting, at in ({key: key_place(place)} | within).items():
            if setting in found.ranges:
                mistakes.add(at, f"is covered by {found.place!r}; take it out here or there")


def searches(found: OpenSettings, rows: Sequence[Choices], path: str, mistakes: Mistakes) -> list[Search | None]:
    """The search of each arm: what it has of the settings, in the same number of trials for all; None without any.

    ``path``: of the comparison. Raises nothing: what cannot be searched so is noted, and such arms have no search.
    """
    suited: dict[tuple[type[Choice] | None, str], Searched | None] = {}
    spaces: list[tuple[Searched, ...]] = []
    for row in rows:
        mine = []
        for key in sorted(key for key in found.ranges if row.has(key)):
            home = _home(key, row)
            if (home, key) not in suited:
                suited[home, key] = _suit(home, key, found.ranges[key], found.places[key], mistakes)
            if (one := suited[home, key]) is not None:
                mine.append(one)
        spaces.append(tuple(mine))
    for key, place in found.places.items():
        if rows and not any(row.has(key) for row in rows):
            own = found.place.startswith(path)
            words = "; take it out" if own else f" in {path}; give that comparison a 'tune:' of its own"
            mistakes.add(place, f"no arm has {split_key(key)[1]!r}{words}")
    first = {space: _search({}, space, found, 0).first for space in set(spaces) if space}
    most = max(first.values(), default=0)
    made: list[Search | None] = []
    for row, space in zip(rows, spaces, strict=True):
        fixed = not space or all(searched.values for searched in space)  # listed values have none between or past them
        extend = 0 if fixed else most - first[space] + (EXTEND if found.extend is None else found.extend)
        values = row.without(searched.key for searched in space).values
        made.append(_search(values, space, found, extend) if space else None)
    return made


def _search(values: dict[str, JsonValue], space: tuple[Searched, ...], found: OpenSettings, extend: int) -> Search:
    return Search(
        recipe=values,
        settings=space,
        seeds=found.seeds,
        extend=extend,
        method=found.method,
        trials=found.trials,
    )


def _home(key: str, row: Choices) -> type[Choice] | None:
    """The choice that has a setting; None of an axis that is a number."""
    axis, setting = split_key(key)
    value = row.values[axis]
    return CHOICES[axis].choices()[str(value["name"])] if setting and isinstance(value, dict) else None


def _suit(home: type[Choice] | None, key: str, given: Range, place: str, mistakes: Mistakes) -> Searched | None:
    """The range as it suits the setting ``key`` of ``home``; None where it does not."""
    setting = split_key(key)[1] or key
    kind = kind_of(key, home)
    if kind is None:
        mistakes.add(place, f"{setting!r} is no number; compare its values by 'vary:'")
        return None
    if kind == "widths" and given.values is None:
        mistakes.add(place, f"{setting!r} is a list; give {{values: [[32], [64, 64]]}}")
        return None
    before = len(mistakes)
    name = "log" if given.log else "linear" if given.linear else "values"
    listed = getattr(given, name) or ()
    found = [_value(home, key, kind, value, join(place, name, i), mistakes) for i, value in enumerate(listed)]
    values = [value for value in found if value is not None]
    if len(mistakes) > before or not values:
        return None
    if given.values is None:
        made = Searched(key=key, whole=kind == "whole", **given.model_dump())
        if given.points and len(set(made.grid())) < given.points:
            words = f"has fewer than {given.points} different whole numbers; give fewer points, or wider ends"
            mistakes.add(join(place, name), words)
            return None
        return made
    for i, value in enumerate(values):
        if value in values[:i]:
            mistakes.add(join(place, "values", i), "is listed twice; keep one")
    ordered = sorted(values, key=lambda value: value if isinstance(value, tuple) else (value,))
    return Searched(key=key, values=tuple(ordered), whole=kind == "whole") if len(mistakes) == before else None


def _value(
    home: type[Choice] | None, key: str, kind: str, value: Value, place: str, mistakes: Mistakes
) -> Value | None:
    """``value`` as the setting takes it; None where it is refused."""
    axis, setting = split_key(key)
    if kind == "whole" and isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        if home is None:
            number(axis).validate_python(value, strict=True)
        else:
            home.model_validate({"name": home.model_fields["name"].default, setting: value})
    except ValidationError as failure:
        errors = [e for e in failure.errors() if home is None or e["loc"][0] == setting]
        if errors:
            mistakes.add(place, expected(errors[0]) if kind != "widths" else refuse(value, "a list of widths"))
            return None
    return float(value) if kind == "real" and not isinstance(value, tuple) else value


def check_possible(search: Search, found: OpenSettings, mistakes: Mistakes) -> None:
    """Note the first candidate of an arm's grid that cannot be trained."""
    suspects = [key for key in found.ranges if key not in CHOICES and ("." not in key or key.startswith("network."))]
    for candidate in search.grid() if suspects and search.method == "grid" else ():
        if reason := search.at(candidate).impossible():
            mistakes.add(found.places[suspects[0]], reason[1])
            return

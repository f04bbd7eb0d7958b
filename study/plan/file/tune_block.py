"""A ``tune:`` block as written: the settings to search, and how many trials and seeds. Its shape only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from study.axes import AXES, NUMBERS
from study.errors import Mistakes, join, nearest, refuse, suggest
from study.plan.file.choices import check_key, settings_of, split_key
from study.plan.file.models import Part, read
from study.plan.searches.space import Select

EXAMPLE = "{log: [0.001, 10], points: 9}"
SELECTS: tuple[str, ...] = get_args(Select)
TWINS = {"test_accuracy": "val_accuracy", "test_loss": "val_loss", "generalization_gap": "val_accuracy"}  # of test rows
SEEDS, EXTEND = 3, 4  # unless the study says otherwise
FIXED = {
    "epochs": "is the budget, the same for every candidate; take it out",
    "gpus": "changes no result; take it out",
    "dataset": "is what the arms are trained on; take it out",
}
Ends = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=2, max_length=2)]


class Range(Part):
    """Where one setting is searched."""

    log: Annotated[Ends | None, Field(description="Both ends, on a log scale.")] = None
    linear: Annotated[Ends | None, Field(description="Both ends, on a linear scale.")] = None
    points: Annotated[int | None, Field(ge=2, le=1000, description="Points of the grid, both ends included.")] = None
    values: Annotated[list[Any] | None, Field(min_length=2, description="The values to try.")] = None


class Options(Part):
    """The rest of the block."""

    seeds: Annotated[int, Field(ge=1, le=1000, description="Fresh seeds, never those of the final runs.")] = SEEDS
    extend: Annotated[
        int | None, Field(ge=0, le=1000, description="Further trials, past the edge or around the best.")
    ] = None
    search: Annotated[Literal["grid", "sobol"], Field(description="Every point of the grid, or quasi-random.")] = "grid"
    trials: Annotated[int | None, Field(ge=2, le=10_000, description="Trials of a quasi-random search.")] = None
    select: Annotated[Any, Field(description="What the best candidate is chosen by.")] = None


@dataclass(frozen=True)
class TuneBlock:
    """``ranges`` are those without a mistake; ``paths`` has every setting that was meant, and where it is written.

    ``certain``: which settings are meant is known; else a setting that an arm lacks may be one of them.
    """

    path: str
    options: Options
    ranges: dict[str, Range] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    select: tuple[str, ...] | None = None
    select_path: str = ""
    certain: bool = True

    def covered(self, axis: str) -> dict[str, str]:
        """The settings of ``axis`` that are searched, each with its key; the empty string: the axis itself."""
        return {setting or "": key for key in self.paths for home, setting in [split_key(key)] if home == axis}


def read_block(content: Any, path: str, mistakes: Mistakes, under: TuneBlock | None = None) -> TuneBlock:
    """The block at ``path``. ``under``: the study's, where this is a comparison's own.

    Settings given replace those of ``under`` (and its search) as a whole, other keys one by one.
    """
    if not isinstance(content, dict):
        mistakes.add(path, refuse(content, f"the settings to search, such as {{optimizer.lr: {EXAMPLE}}}"))
        return TuneBlock(path, Options(), certain=False)
    meant = {key: given for key, given in content.items() if key not in Options.model_fields}
    paths = {key: join(path, key) for key in meant if _tunable(key, join(path, key), mistakes)}
    given = {key: value for key, value in content.items() if key in Options.model_fields}
    if under and not meant:
        given = under.options.model_dump(exclude_unset=True, exclude={"select"}) | given
    elif under:
        kept = under.options.model_dump(exclude_unset=True, include={"seeds", "extend"})
        given = kept | given
    options, broken = read(Options, given, path, mistakes)
    select, select_path = _select(options.select, join(path, "select"), mistakes), join(path, "select")
    if under and "select" not in content:
        select, select_path = under.select, under.select_path
    if under and not meant:
        return TuneBlock(path, options, under.ranges, under.paths, select, select_path, under.certain)
    if not meant:
        mistakes.add(path, f"names no setting; give the settings to search, such as {{optimizer.lr: {EXAMPLE}}}")
    ranges = {key: _range(meant[key], place, options, mistakes) for key, place in paths.items()}
    if not broken & {"search", "trials"}:
        _check_search(options, path, mistakes)
    fixed = [key for key, found in ranges.items() if found and found.values is not None]
    if options.extend and fixed and len(fixed) == len(meant):
        mistakes.add(join(path, "extend"), "listed values have none between or past them; give 'log' or 'linear', or 0")
    good = {key: found for key, found in ranges.items() if found}
    return TuneBlock(path, options, good, paths, select, select_path, certain=0 < len(paths) == len(meant))


def _tunable(key: str, path: str, mistakes: Mistakes) -> bool:
    """Whether ``key`` can be a number of an arm; whether some arm has it is seen later."""
    axis, setting = split_key(key)
    if setting is None and axis not in AXES and nearest(key, Options.model_fields):
        mistakes.add(path, suggest(key, Options.model_fields, "key of 'tune'"))
        return False
    if not check_key(key, path, mistakes):
        return False
    if axis in FIXED:
        mistakes.add(path, f"{axis!r} {FIXED[axis]}")
        return False
    if setting is None and axis not in NUMBERS:
        some = next((f"{key}.{name}" for name in settings_of(key)), "optimizer.lr")
        mistakes.add(path, f"{key!r} is no number; compare its choices by 'vary:', and tune settings such as {some}")
        return False
    return True


def _range(content: Any, path: str, options: Options, mistakes: Mistakes) -> Range | None:
    if not isinstance(content, dict):
        mistakes.add(path, refuse(content, f"where to search, such as {EXAMPLE}"))
        return None
    before = len(mistakes)
    given, broken = read(Range, content, path, mistakes)
    if broken or len(mistakes) > before:
        return None
    kinds = [kind for kind in ("log", "linear", "values") if getattr(given, kind) is not None]
    if len(kinds) != 1:
        has = f"has {' and '.join(map(repr, kinds))}" if kinds else "says nothing of where to search"
        mistakes.add(path, f"{has}; give one of 'log', 'linear' and 'values', such as {EXAMPLE}")
        return None
    kind = kinds[0]
    if ends := given.log or given.linear:
        if given.log and min(ends) <= 0:
            mistakes.add(join(path, "log"), f"{ends[0]:g} has no logarithm; give ends above 0, or 'linear'")
        elif ends[0] >= ends[1]:
            mistakes.add(join(path, kind), f"the first end must be below the second; give [{ends[1]:g}, {ends[0]:g}]")
    if kind == "values" and options.search == "sobol":
        mistakes.add(join(path, "values"), "quasi-random search needs ends; give 'log' or 'linear', or search: grid")
    if given.points is not None and (kind == "values" or options.search == "sobol"):
        instead = "the values are the points" if kind == "values" else "'trials' says how many"
        mistakes.add(join(path, "points"), f"is not wanted here, {instead}; take it out")
    if given.points is None and kind != "values" and options.search == "grid":
        mistakes.add(path, "'points' is missing; give the number of points, both ends included, such as 9")
    return given if len(mistakes) == before else None


def _check_search(options: Options, path: str, mistakes: Mistakes) -> None:
    if options.search == "sobol" and options.trials is None:
        mistakes.add(join(path, "trials"), "is missing; give the number of quasi-random trials, such as 32")
    elif options.search == "grid" and options.trials is not None:
        mistakes.add(join(path, "trials"), "is for quasi-random search; add search: sobol, or take it out")


def _select(content: Any, path: str, mistakes: Mistakes) -> tuple[str, ...] | None:
    if content is None:
        return None
    listed = content if isinstance(content, list) else [content]
    places = [join(path, i) if isinstance(content, list) else path for i in range(len(listed))]
    if not listed:
        mistakes.add(path, f"is an empty list; give one of {', '.join(SELECTS)}")
    for i, (name, place) in enumerate(zip(listed, places, strict=True)):
        if isinstance(name, str) and name in TWINS:
            leak = "is of the test rows: an arm chosen by them looks better on them than it is"
            mistakes.add(place, f"{name!r} {leak}; give its validation twin, {TWINS[name]}")
        elif name not in SELECTS:
            mistakes.add(place, suggest(name, SELECTS, "selection"))
        elif name in listed[:i]:
            mistakes.add(place, f"{name!r} is listed twice; keep one")
    good = tuple(name for name in dict.fromkeys(map(str, listed)) if name in SELECTS)
    return good or None

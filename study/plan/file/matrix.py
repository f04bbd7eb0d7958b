"""The matrix of a comparison: ``arms`` × the cross product of ``vary``, each a choice on every axis.

Their labels have the keys whose value differs, in the order written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

from pydantic import JsonValue

from study.axes.base import Choice
from study.axes.custom import SETTINGS, Open, flat
from study.axes.recipe import AXES, REQUIRED, Recipe, split_key
from study.errors import Mistakes, join
from study.plan.file.keys import CHOICES, SHORT, Written
from study.plan.file.labels import ABSENT, canonical, fragments
from study.plan.file.models import Comparison
from study.wording import one_line

DEFAULTS: Written = {
    axis: field.default.differing() if isinstance(field.default, Choice) else field.default
    for axis, field in Recipe.model_fields.items()
    if axis not in REQUIRED
}


class Entry(NamedTuple):
    """A value and the place in the file where it was written."""

    value: JsonValue
    place: str


NOTHING = Entry(None, "")
Combination = dict[str, Entry]  # axis or setting → what is written for it in one arm


class Choices(NamedTuple):
    """What is chosen on every axis: the number, or the name and the settings that are written of a choice.

    None where nothing is. ``places``: where each was written, by axis and by setting.
    """

    recipe: Written
    places: dict[str, str]

    def with_(self, entries: Combination) -> Choices:
        """These choices with ``entries`` laid over them: axes first, then settings.

        A bare name equal to the present choice means that choice with its settings, any other that with its defaults.
        """
        recipe, places = dict(self.recipe), dict(self.places)
        for key in sorted(entries, key=lambda key: "." in key):
            value, place = entries[key]
            axis, setting = split_key(key)
            present = recipe[axis]
            if setting:
                recipe[axis] = present | {setting: value} if isinstance(present, dict) else None
            elif axis not in CHOICES:
                recipe[axis] = value
                other = AXES[axis].instead_of
                if value is not None and other and entries.get(other, NOTHING).value is None:
                    recipe[other] = None
            elif not isinstance(present, dict) or present["name"] != value:
                given = in_full(value)
                for name in present if isinstance(present, dict) else ():
                    places.pop(f"{axis}.{name}", None)
                recipe[axis] = {"name": given["name"]} | given
                places |= {f"{axis}.{name}": join(place, name) for name in given}
            places[key] = place
        return Choices(recipe, places)

    @property
    def differing(self) -> Written:
        """What is chosen, without what every arm has that says nothing of it: that need not be checked again."""
        return {axis: own for axis, own in self.recipe.items() if axis not in DEFAULTS or own != DEFAULTS[axis]}

    def without(self, keys: Collection[str]) -> Choices:
        """These choices without the settings, or the numbers, of ``keys``."""
        if not keys:
            return self
        kept = {
            axis: {name: own for name, own in value.items() if f"{axis}.{name}" not in keys}
            if isinstance(value, dict)
            else value
            for axis, value in self.recipe.items()
            if axis not in keys
        }
        return self._replace(recipe=kept)

    def choice(self, key: str) -> type[Choice] | None:
        """The choice that has a setting; None of an axis."""
        axis, setting = split_key(key)
        written = self.recipe.get(axis)
        return CHOICES[axis].choices()[str(written["name"])] if setting and isinstance(written, dict) else None

    def has(self, key: str) -> bool:
        """Whether the choice on an axis has this setting; or ``key`` is an axis."""
        if "." in key and self.recipe[key.partition(".")[0]] is None:
            return False
        choice, setting = self.choice(key), key.partition(".")[2]
        own = choice is not None and issubclass(choice, Open) and setting.startswith(SETTINGS)
        return choice is None or setting in choice.model_fields or own

    def value(self, key: str) -> JsonValue:
        """Of a number or a setting, None where there is none; of a choice its name and all its settings."""
        axis, setting = split_key(key)
        written = self.recipe.get(axis)
        whole = defaults(axis, str(written["name"])) | written if isinstance(written, dict) else {}
        return whole.get(setting) if setting else whole or written


class Row(NamedTuple):
    """One arm of a comparison, before it is known whether it can be trained."""

    combination: Combination
    choices: Choices
    given: str | None  # its ``label:``
    label: str
    shown: dict[str, str]  # key that differs → what the label shows for it


@cache
def defaults(axis: str, name: str) -> dict[str, JsonValue]:
    """All settings of a choice, with its name; None where one has no default."""
    about = CHOICES[axis].choices()[name].written()
    values = {setting: None if field.is_required() else field.default for setting, field in about.items()}
    return {setting: list(value) if isinstance(value, tuple) else value for setting, value in values.items()}


def entries(part: Written, path: str) -> Combination:
    """What is written in a baseline, or in an arm but for its label."""
    return {key: Entry(value, join(path, key)) for key, value in part.items() if key != "label"}


def varied(comparison: Comparison, path: str) -> dict[str, list[Entry]]:
    """The values of ``vary``."""
    return {
        key: [Entry(value, join(path, "vary", key, i)) for i, value in enumerate(values)]
        for key, values in comparison.vary.items()
    }


def in_full(value: JsonValue) -> Written:
    """The name and the settings of a choice as it may be written; a person's own by keys of their own."""
    if not isinstance(value, dict):
        return {"name": value}
    named = next(({"name": SHORT[key]} for key in value if key in SHORT), {})
    return named | flat(value)


def matrix(
    comparison: Comparison, path: str, baseline: Choices, searched: Collection[str], mistakes: Mistakes
) -> tuple[list[Row], int]:
    """The arms of the comparison at ``path``, with their labels, and how many are skipped; the mistakes are noted.

    ``baseline``: that of the comparison. ``searched``: keys that are left open, and shown in no label. An arm's own
    ``label:`` replaces what the coupled keys would show.
    """
    made = list(_combinations(comparison, path, baseline, mistakes))
    skipped = _skipped(comparison, path, [choices for _, choices, _ in made], mistakes)
    kept = [one for i, one in enumerate(made) if i not in skipped]
    coupled = comparison.coupled
    keys = dict.fromkeys([*coupled, *comparison.vary])
    closed = (choices.without(searched) for _, choices, _ in kept)
    values = [{key: choices.value(key) for key in keys} for choices in closed]
    codes = [{key: canonical(value) for key, value in own.items()} for own in values]
    distinct = {key: {code[key]: own[key] for code, own in zip(codes, values, strict=True)} for key in keys}
    differing = [key for key in keys if len(distinct[key]) > 1 or len(values) == 1]
    texts = {key: fragments(key, distinct[key]) for key in differing}
    rows = []
    for (combination, choices, given), code in zip(kept, codes, strict=True):
        shown = {key: texts[key][code[key]] for key in differing}
        hidden = coupled if given else ()
        parts = [text for key, text in shown.items() if text != ABSENT and key not in hidden]
        rows.append(
            Row(combination, choices, given, ", ".join([given, *parts] if given else parts) or "baseline", shown)
        )
    return rows, len(skipped)


def _combinations(
    comparison: Comparison, path: str, baseline: Choices, mistakes: Mistakes
) -> Iterator[tuple[Combination, Choices, str | None]]:
    """Every combination of ``arms`` and ``vary``: the beginnings of rows."""
    crossed = varied(comparison, path)
    for i, arm in enumerate(comparison.arms or ({},)):
        place = join(path, "arms", i)
        coupled, label = entries(arm, place), arm.get("label")
        if comparison.arms and not coupled:
            mistakes.add(place, "names no axis; give what this arm sets, such as {batch_size: 16}")
        for key in coupled.keys() & crossed.keys():
            mistakes.add(coupled[key].place, "is set by 'vary' too; give it in one place")
        for point in product(*crossed.values()):
            combination = coupled | dict(zip(crossed, point, strict=True))
            _check_once(combination, mistakes)
            choices = baseline.with_(combination)
            for key, at in choices.places.items():
                axis, dot, _ = key.partition(".")
                if dot and choices.recipe[axis] is None:
                    mistakes.add(key_place(at), f"there is no {axis} to set it of; give one in the baseline")
            yield combination, choices, one_line(str(label)) if label else None


def _check_once(combination: Combination, mistakes: Mistakes) -> None:
    """Note a setting that a choice with settings and a key of its own both give."""
    for key, (_, place) in combination.items():
        axis, setting = split_key(key)
        whole = combination.get(axis)
        if setting and whole and setting in in_full(whole.value):
            mistakes.add(key_place(place), f"is set within {key_place(whole.place)} too; give it in one place")


def key_place(place: str) -> str:
    """The key that a value of ``vary`` is listed under: ``vary.optimizer[1]`` is under ``vary.optimizer``."""
    return place.rpartition("[")[0] if place.endswith("]") else place


def _skipped(comparison: Comparison, path: str, rows: Sequence[Choices], mistakes: Mistakes) -> set[int]:
    """The places of the rows that an entry of ``skip`` matches; a bare name: any settings of that choice."""
    skipped, places = set[int](), dict[str, defaultdict[str, set[int]]]()  # key → value → the rows that have it
    for i, pattern in enumerate(comparison.skip):
        wanted: Written = {}
        for key, value in pattern.items():
            wanted |= {f"{key}.{name}": one for name, one in in_full(value).items()} if key in CHOICES else {key: value}
        for key in wanted.keys() - places.keys():
            places[key] = defaultdict(set)
            for j, row in enumerate(rows):
                if row.has(key):
                    places[key][canonical(row.value(key))].add(j)
        each = [places[key][canonical(value)] for key, value in wanted.items()]
        matched = set.intersection(*each) if each else set()
        if not pattern:
            words = "is empty; give the axes and values that it matches, such as {batch_size: 16}"
            mistakes.add(join(path, "skip", i), words)
        elif not matched:
            mistakes.add(join(path, "skip", i), "matches no combination; take it out or correct it")
        skipped |= matched
    if rows and len(skipped) == len(rows):
        mistakes.add(join(path, "skip"), "leaves no arm; skip fewer combinations")
    return skipped

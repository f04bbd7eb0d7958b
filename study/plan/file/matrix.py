"""The matrix of a comparison: ``arms`` × the cross product of ``vary``, each a choice on every axis."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import product
from typing import NamedTuple

from pydantic import JsonValue

from study.axes.base import Choice
from study.axes.recipe import AXES, Recipe, split_key
from study.errors import Mistakes, join
from study.plan.file import labels
from study.plan.file.keys import CHOICES, Written, defaults
from study.plan.file.models import Comparison


class Entry(NamedTuple):
    """A value and the place in the file where it was written."""

    value: JsonValue
    place: str


Combination = dict[str, Entry]  # axis or setting → what is written for it in one arm


class Choices(Combination):
    """What is chosen on every axis, and where it was written.

    An axis has the number, or the name of the choice; the settings that are written have keys of their own.
    """

    @classmethod
    def defaults(cls, path: str) -> Choices:
        """Of the axes that have one, as if written in the baseline at ``path``."""
        fields = {axis: field.default for axis, field in Recipe.model_fields.items() if not field.is_required()}
        plain = {axis: value.differing() if isinstance(value, Choice) else value for axis, value in fields.items()}
        return cls().with_({axis: Entry(value, join(path, axis)) for axis, value in plain.items()})

    def with_(self, entries: Combination) -> Choices:
        """These choices with ``entries`` laid over them: axes first, then settings.

        A bare name equal to the present choice means that choice with its settings, any other that with its defaults.
        """
        made = Choices(self)
        for key in sorted(entries, key=lambda key: "." in key):
            (value, place), present = entries[key], made.get(key)
            if key in CHOICES and (present is None or present.value != value):
                given = value if isinstance(value, dict) else {"name": value}
                made = made.without([other for other in made if other.startswith(f"{key}.")])
                made |= {f"{key}.{name}": Entry(own, join(place, name)) for name, own in given.items()}
                value = made.pop(f"{key}.name").value
            made[key] = Entry(value, place)
        return made

    def without(self, keys: Collection[str]) -> Choices:
        """These choices without the settings, or the numbers, of ``keys``."""
        return Choices({key: entry for key, entry in self.items() if key not in keys})

    def written(self, axis: str) -> JsonValue:
        """The number, or a mapping of the name and the settings that are written."""
        start, name = f"{axis}.", self[axis].value
        if axis not in CHOICES:
            return name
        return {"name": name} | {key.removeprefix(start): e.value for key, e in self.items() if key.startswith(start)}

    def recipe(self) -> dict[str, JsonValue]:
        """What is written on every axis."""
        return {axis: self.written(axis) for axis in AXES if axis in self}

    def has(self, key: str) -> bool:
        """Whether the choice on an axis has this setting; or ``key`` is an axis."""
        axis, setting = split_key(key)
        return setting is None or setting in defaults(axis, str(self[axis].value))

    def choice(self, key: str) -> type[Choice] | None:
        """The choice that has a setting; None of an axis."""
        axis, setting = split_key(key)
        return CHOICES[axis].choices()[str(self[axis].value)] if setting else None

    def value(self, key: str) -> JsonValue:
        """Of a number or a setting, None where there is none; of a choice its name and all its settings."""
        axis, setting = split_key(key)
        written = self.written(axis) if axis in self else None
        whole = {**defaults(axis, str(written["name"])), **written} if isinstance(written, dict) else {}
        return whole.get(setting) if setting else whole or written


class Row(NamedTuple):
    """One arm of a comparison, before it is known whether it can be trained."""

    combination: Combination
    choices: Choices
    label: str
    given: str | None  # its ``label:``
    shown: dict[str, str]  # key that differs → what the label shows for it


class Matrix(NamedTuple):
    rows: list[Row]
    skipped: int
    coupled: tuple[str, ...]  # the keys of ``arms``, in the order written


def entries(part: Written, path: str) -> Combination:
    """What is written in a baseline, or in an arm but for its label."""
    return {key: Entry(value, join(path, key)) for key, value in part.items() if key != "label"}


def matrix(
    comparison: Comparison, path: str, baseline: Choices, searched: Collection[str], mistakes: Mistakes
) -> Matrix:
    """The arms of the comparison at ``path`` that are not skipped, with their labels; the mistakes are noted.

    ``baseline``: that of the comparison. ``searched``: keys that are left open, and shown in no label.
    """
    arms = comparison.arms or ({},)
    coupled = tuple(dict.fromkeys(key for arm in arms for key in entries(arm, path)))
    keys = list(dict.fromkeys([*coupled, *comparison.vary]))
    made = [(arms[i].get("label"), combination) for i, combination in _combinations(comparison, path, mistakes)]
    chosen = [baseline.with_(combination) for _, combination in made]
    kept = _kept(comparison, path, chosen, mistakes)
    values = [{key: row.value(key) for key in keys} for row in (chosen[i].without(searched) for i in kept)]
    given = [str(own) if own else None for own in (made[i][0] for i in kept)]
    composed = labels.compose(values, given, coupled) if kept else []
    found = [
        Row(made[i][1], chosen[i], label, own, shown)
        for i, own, (label, shown) in zip(kept, given, composed, strict=True)
    ]
    return Matrix(found, len(made) - len(kept), coupled)


def _combinations(comparison: Comparison, path: str, mistakes: Mistakes) -> Iterable[tuple[int, Combination]]:
    """The place of an arm in ``arms``, and what it sets, for every combination of ``vary``."""
    varied = {
        key: [Entry(value, join(path, "vary", key, i)) for i, value in enumerate(values)]
        for key, values in comparison.vary.items()
        if isinstance(values, list)
    }
    for i, arm in enumerate(comparison.arms or ({},)):
        place = join(path, "arms", i)
        coupled = entries(arm, place)
        if comparison.arms and not coupled:
            mistakes.add(place, "names no axis; give what this arm sets, such as {batch_size: 16}")
        for key in coupled.keys() & varied.keys():
            mistakes.add(coupled[key].place, "is set by 'vary' too; give it in one place")
        for point in product(*varied.values()):
            combination = coupled | dict(zip(varied, point, strict=True))
            _check_once(combination, mistakes)
            yield i, combination


def _check_once(combination: Combination, mistakes: Mistakes) -> None:
    """Note a setting that a choice with settings and a key of its own both give."""
    for key, (_, place) in combination.items():
        axis, setting = split_key(key)
        whole = combination.get(axis)
        if setting and whole and isinstance(whole.value, dict) and setting in whole.value:
            mistakes.add(key_place(place), f"is set within {key_place(whole.place)} too; give it in one place")


def key_place(place: str) -> str:
    """The key that a value of ``vary`` is listed under: ``vary.optimizer[1]`` is under ``vary.optimizer``."""
    return place.rpartition("[")[0] if place.endswith("]") else place


def _kept(comparison: Comparison, path: str, rows: Sequence[Choices], mistakes: Mistakes) -> list[int]:
    """The places of the rows that no entry of ``skip`` matches."""
    kept = set(range(len(rows)))
    for i, pattern in enumerate(comparison.skip):
        place = join(path, "skip", i)
        if not pattern:
            mistakes.add(place, "is empty; give the axes and values that it matches, such as {batch_size: 16}")
            continue
        matched = {j for j, row in enumerate(rows) if matches(pattern, row)}
        if not matched:
            mistakes.add(place, "matches no combination; take it out or correct it")
        kept -= matched
    if rows and not kept:
        mistakes.add(join(path, "skip"), "leaves no arm; skip fewer combinations")
    return sorted(kept)


def matches(pattern: Written, row: Choices) -> bool:
    """Whether every key of ``pattern`` has its value in ``row``.

    A bare name matches any settings of that choice, a mapping those that give its settings.
    """
    return all(_equal(row, key, wanted) for key, wanted in pattern.items())


def _equal(row: Choices, key: str, wanted: JsonValue) -> bool:
    if "." in key or key not in CHOICES:
        return row.has(key) and labels.canonical(row.value(key)) == labels.canonical(wanted)
    own, given = row.value(key), wanted if isinstance(wanted, dict) else {"name": wanted}
    assert isinstance(own, dict)
    return all(
        name in own and labels.canonical(own[name]) == labels.canonical(value) for name, value in given.items()
    )  # fmt: skip

"""From a comparison as written to its arms: cross product, skipped combinations, labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from study.axes import CHOICES, Choice
from study.axes.dataset import Dataset
from study.plan import labels
from study.plan.arm import Arm
from study.plan.choices import Entry, Value, build, check_key, normal, split_key
from study.plan.mistakes import Mistakes, join, show, suggest
from study.plan.study_file import Comparison

Combination = dict[str, Entry]  # key → what is written for it


class Labelled(NamedTuple):
    label: str
    arm: Arm
    values: dict[str, str]  # varying key → what the label shows for it


class Baseline:
    """What an arm has on every axis unless it says otherwise."""

    def __init__(self, written: Mapping[str, Entry]) -> None:
        self.written = dict(written)

    @classmethod
    def read(cls, content: Mapping[str, Any], path: str, mistakes: Mistakes, under: Baseline | None = None) -> Baseline:
        """A study's baseline, or (with ``under``) a comparison's partial one laid over it."""
        written = dict(under.written) if under else {}
        for key, value in content.items():
            place = join(path, key)
            if not check_key(key, place, mistakes, extra=("stack",)):
                continue
            axis, setting = split_key(key)
            before = written[axis].value if axis in written else None
            if setting is None:
                value = normal(axis, value, before)
            elif not isinstance(before, dict):
                mistakes.add(place, f"there is no {axis} to set this on; write {axis}: {{name: …, {setting}: …}}")
                continue
            else:
                axis, value = axis, before | {setting: value}
            written[axis] = Entry(value, place)
        if under is None:
            for axis, field in Arm.model_fields.items():
                if field.is_required() and axis not in written:
                    mistakes.add(path, f"{axis!r} is missing; it has no default and must be given")
                elif axis not in written:
                    default = field.default
                    content = default.model_dump(mode="json") if isinstance(default, Choice) else default
                    written[axis] = Entry(content, join(path, axis))
        return cls(written)

    def check(self, mistakes: Mistakes) -> None:
        """Notes what is wrong with the choices; a required setting may still come from ``vary`` or ``arms``."""
        for axis, entry in self.written.items():
            build(axis, entry, {}, mistakes, partial=True)


class Expansion:
    """One comparison, expanded. ``arms`` is empty where mistakes were noted."""

    def __init__(
        self,
        name: str,
        comparison: Comparison,
        study: Baseline,
        mistakes: Mistakes,
        locate: Callable[[Dataset], Dataset],
    ) -> None:
        self.path = join("comparisons", name)
        self.comparison, self.mistakes, self.locate = comparison, mistakes, locate
        before = len(mistakes)
        self.baseline = (
            Baseline.read(comparison.baseline, join(self.path, "baseline"), mistakes, study)
            if comparison.baseline
            else study
        )
        self._built: dict[tuple[str, ...], Value | None] = {}
        combinations = list(self._combinations())
        rows = [self._values(combination) for combination in combinations]
        kept = self._skip(rows) if len(mistakes) == before else []
        self.skipped = len(rows) - len(kept)
        self.arms: list[Labelled] = []
        if len(mistakes) == before and kept:
            self._label([combinations[i] for i in kept], [self._arm(rows[i]) for i in kept])
        if len(mistakes) > before:
            self.arms = []

    def _combinations(self) -> Iterator[Combination]:
        vary = [
            (key, [self._entry(key, value, join(self.path, "vary", key, i)) for i, value in enumerate(values)])
            for key, values in self.comparison.vary.items()
            if check_key(key, join(self.path, "vary", key), self.mistakes)
        ]
        coupled = self.comparison.arms
        if not vary and coupled is None and not self.comparison.vary:
            self.mistakes.add(self.path, "names no arms; give 'vary:' or 'arms:'")
            return
        for i, written in enumerate([{}] if coupled is None else coupled):
            place = join(self.path, "arms", i)
            entry = {
                key: self._entry(key, value, join(place, key))
                for key, value in written.items()
                if key != "label" and check_key(key, join(place, key), self.mistakes)
            }
            if "label" in written:
                if not isinstance(written["label"], str) or not written["label"]:
                    self.mistakes.add(join(place, "label"), f"{show(written['label'])} is refused; give text")
                entry["label"] = Entry(str(written["label"]), join(place, "label"))
            both = [key for key, _ in vary if key in entry]
            for key in both:
                self.mistakes.add(join(place, key), "is set by 'vary' too; give it in one place")
            for values in product(*(entries for _, entries in vary)):
                yield entry | dict(zip((key for key, _ in vary), values, strict=True))

    def _entry(self, key: str, value: Any, path: str) -> Entry:
        axis, setting = split_key(key)
        before = self.baseline.written.get(axis)
        return Entry(normal(axis, value, before and before.value) if setting is None else value, path)

    def _values(self, combination: Combination) -> dict[str, Value | None]:
        """The checked choice on every axis; None where a mistake was noted."""
        touched: dict[str, list[str]] = {}
        for key in combination:
            if key != "label":
                touched.setdefault(split_key(key)[0], []).append(key)
        values: dict[str, Value | None] = {}
        for axis in self.baseline.written:
            keys = touched.get(axis, [])
            code = (axis, *(combination[key].path for key in keys))
            if code not in self._built:
                whole = combination.get(axis, self.baseline.written[axis])
                settings = {s: combination[key] for key in keys if (s := split_key(key)[1])}
                self._built[code] = self._found(build(axis, whole, settings, self.mistakes), whole.path)
            values[axis] = self._built[code]
        return values

    def _found(self, value: Value | None, path: str) -> Value | None:
        if not isinstance(value, Dataset):
            return value
        try:
            return self.locate(value)
        except (OSError, ValueError) as error:
            self.mistakes.add(path, f"{error}; give a path relative to the study file")
            return None

    def _skip(self, rows: list[dict[str, Value | None]]) -> list[int]:
        kept = set(range(len(rows)))
        for i, pattern in enumerate(self.comparison.skip):
            path = join(self.path, "skip", i)
            if not all([check_key(key, join(path, key), self.mistakes) for key in pattern]) or not pattern:
                if not pattern:
                    self.mistakes.add(path, "names nothing; give the axes that it matches")
                continue
            for key, value in pattern.items():
                name = value.get("name") if isinstance(value, dict) else value
                if key in CHOICES and name not in CHOICES[key].choices():
                    self.mistakes.add(join(path, key), suggest(name, CHOICES[key].choices(), key))
            matched = {j for j, row in enumerate(rows) if all(_matches(row, k, v) for k, v in pattern.items())}
            if not matched:
                self.mistakes.add(path, "matches no combination; take it out or correct it")
            kept -= matched
        if rows and not kept:
            self.mistakes.add(join(self.path, "skip"), "leaves no arm; skip fewer combinations")
        return sorted(kept)

    def _arm(self, values: dict[str, Value | None]) -> Arm:
        arm = Arm.model_construct(None, **values)  # every value was checked on its own
        reason = arm.impossible()
        if reason:
            axis, words = reason
            self.mistakes.add(self.path, f"{axis}: {words}, or leave the combination out by 'skip:'")
        return arm

    def _label(self, combinations: list[Combination], arms: list[Arm]) -> None:
        written = list(dict.fromkeys(key for entry in self.comparison.arms or [] for key in entry if key != "label"))
        keys = written + [key for key in self.comparison.vary if key not in written]
        rows = [{key: self._effective(key, c, arm) for key in keys} for c, arm in zip(combinations, arms, strict=True)]
        differing = set(labels.varying(rows)) if len(rows) > 1 else set(keys)
        shown = {key: labels.fragments(key, [row[key] for row in rows]) for key in keys if key in differing}
        seen: dict[str, Arm] = {}
        recipes: dict[str, str] = {}
        for combination, row, arm in zip(combinations, rows, arms, strict=True):
            values = {key: shown[key][labels.canonical(row[key])] for key in shown}
            parts = list(values.values())
            if "label" in combination:
                parts = [combination["label"].value] + [values[key] for key in values if key not in written]
            label = ", ".join(parts) or "baseline"
            if label in seen:
                self.mistakes.add(self.path, f"two arms are labelled {label!r}; labels must differ")
            elif arm.id in recipes:
                self.mistakes.add(self.path, f"{recipes[arm.id]!r} and {label!r} are the same recipe; keep one")
            seen[label] = arm
            recipes[arm.id] = label
            self.arms.append(Labelled(label, arm, values))

    def _effective(self, key: str, combination: Combination, arm: Arm) -> Any:
        """The value of ``key`` in an arm, whether it is written there or comes from the baseline."""
        axis, setting = split_key(key)
        if setting is not None:
            return getattr(getattr(arm, axis), setting, None)
        return combination[key].value if key in combination else self.baseline.written[axis].value


def _matches(row: Mapping[str, Value | None], key: str, wanted: Any) -> bool:
    axis, setting = split_key(key)
    value = row[axis]
    if setting is not None:
        return labels.canonical(getattr(value, setting, None)) == labels.canonical(wanted)
    if not isinstance(value, Choice):
        return labels.canonical(value) == labels.canonical(wanted)
    if isinstance(wanted, str):
        return value.name == wanted
    if not isinstance(wanted, dict):
        return False
    return all(labels.canonical(getattr(value, s, None)) == labels.canonical(v) for s, v in wanted.items())

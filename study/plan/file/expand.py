"""From a comparison as written to its arms: choices checked, combinations skipped, labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from study.axes.dataset import Dataset
from study.errors import Mistakes, join
from study.plan.arm import WRITTEN, Arm
from study.plan.file import labels, skip
from study.plan.file.baseline import Baseline
from study.plan.file.choices import Entry, Value, build, key_path, split_key
from study.plan.file.combine import Combination, combine, coupled_keys
from study.plan.file.cover import Cover
from study.plan.file.models import Comparison

Row = Mapping[str, Value | None]  # axis → the checked choice; None where there was a mistake


class Labelled(NamedTuple):
    label: str
    arm: Arm
    values: dict[str, str]  # varying key → what the label shows for it


class Expansion:
    """The arms of one comparison, those with mistakes left out.

    ``labels`` are None where they cannot be known; ``doubtful`` are those of arms with mistakes.
    ``broken``: keys of the comparison with a mistake of shape. ``locate`` finds the files of a dataset.
    ``cover``: the settings that are tuned, for which a value in the middle stands in.
    """

    def __init__(
        self,
        path: str,
        comparison: Comparison,
        broken: set[str],
        study: Baseline,
        mistakes: Mistakes,
        locate: Callable[[Dataset], Dataset],
        cover: Cover | None = None,
    ) -> None:
        self.path, self.comparison, self.mistakes, self.locate = path, comparison, mistakes, locate
        self.baseline, self.cover = Baseline(comparison.baseline, join(path, "baseline"), mistakes, study), cover
        before = len(mistakes)
        if cover:
            cover.strip(self.baseline)
            cover.check_written(comparison)
        if not broken & {"vary", "arms"} and not comparison.vary and not comparison.arms:
            mistakes.add(path, "names no arms; give 'vary:' or 'arms:'")
        combinations = combine(comparison, path, mistakes)
        # A key that was refused may have been meant to give a setting, or to tell two arms apart.
        certain = len(mistakes) == before and not broken & {"vary", "arms"}
        known = self.baseline.certain and "baseline" not in broken and (cover is None or cover.block.certain)
        self._partial = not (certain and known)
        self._built: dict[tuple[str, ...], Value | None] = {}
        self._touched: dict[tuple[str, ...], dict[str, list[str]]] = {}
        rows = [self._row(combination) for combination in combinations]
        kept = self._kept(rows, certain)
        self.skipped = len(rows) - len(kept) if kept else 0
        self.arms: list[Labelled] = []
        self.labels: list[str] | None = None
        self.given: dict[str, str] = {}  # label → what an entry of ``arms`` is called in it
        self.doubtful: list[str] = []
        if certain:
            chosen = range(len(rows)) if kept is None else kept
            pairs = [(combinations[i], rows[i]) for i in chosen]
            if kept is None or "skip" in broken:  # what should be skipped is unknown
                self._compose(pairs)
            else:
                self._label(pairs)
                if cover and len(self.arms) == len(pairs):
                    cover.check_used([labelled.arm for labelled in self.arms])

    def _row(self, combination: Combination) -> Row:
        """The checked choice on every axis."""
        keys = tuple(combination)
        if keys not in self._touched:
            touched: dict[str, list[str]] = {}
            for key in keys:
                touched.setdefault(split_key(key)[0], []).append(key)
            self._touched[keys] = touched
        row: dict[str, Value | None] = {}
        for axis in WRITTEN:
            written = self._touched[keys].get(axis, ())
            code = (axis, *[combination[key].path for key in written])
            if code not in self._built:
                self._built[code] = self._choice(axis, {key: combination[key] for key in written})
            row[axis] = self._built[code]
        return row

    def _choice(self, axis: str, written: Combination) -> Value | None:
        whole = written.get(axis)
        if whole is None and axis not in self.baseline.written:
            return None  # noted where the baseline was read
        entry, settings = self.baseline.meant(axis, whole)
        own = {split_key(key)[1] or "": given for key, given in written.items() if key != axis}
        if whole is not None and isinstance(whole.value, dict):
            for setting in own.keys() & whole.value.keys():
                place = key_path(own[setting].path)
                self.mistakes.add(place, f"is set within {key_path(whole.path)} too; give it in one place")
        settings = settings | own
        certain = True
        if self.cover:
            entry, settings, certain = self.cover.stand_in(axis, entry, settings)
        value: Value | None = build(axis, entry, settings, self.mistakes, self._partial or not certain)
        if not isinstance(value, Dataset):
            return value
        try:
            return self.locate(value)
        except (OSError, LookupError, ValueError) as error:
            kinds = ((OSError, "path"), (LookupError, "target"), (ValueError, "sha256"))
            setting = next(setting for kind, setting in kinds if isinstance(error, kind))
            place = settings[setting].path if setting in settings else join(entry.path, setting)
            self.mistakes.add(place, str(error.args[0] if isinstance(error, LookupError) else error))
            return None

    def _kept(self, rows: Sequence[Row], certain: bool) -> list[int] | None:
        """Which rows are left; None where an entry of ``skip`` cannot be read, or not all rows are there."""
        kept = set(range(len(rows)))
        readable = True
        for i, pattern in enumerate(self.comparison.skip):
            path = join(self.path, "skip", i)
            if not skip.readable(pattern, path, self.mistakes):
                readable = False
                continue
            matched = {j for j, row in enumerate(rows) if skip.matches(pattern, row)}
            if not matched and certain and all(None not in row.values() for row in rows):
                self.mistakes.add(path, "matches no combination; take it out or correct it")
                readable = False
            kept -= matched
        if rows and not kept and certain:
            self.mistakes.add(join(self.path, "skip"), "leaves no arm; skip fewer combinations")
        return sorted(kept) if readable else None

    def _label(self, pairs: Sequence[tuple[Combination, Row]]) -> None:
        composed = self._compose(pairs)
        by_label: dict[str, Combination] = {}
        by_id: dict[str, Combination] = {}
        for (combination, row), (label, values) in zip(pairs, composed, strict=True):
            if None in row.values():
                continue
            arm = Arm.model_construct(None, **row)  # every value was checked on its own
            self._check_possible(arm, combination)
            if arm.id in by_id:
                here, there = _difference(combination, by_id[arm.id])
                self.mistakes.add(here, f"makes the same arm as {there}; keep one")
            elif label in by_label:
                here, there = _difference(combination, by_label[label])
                self.mistakes.add(here, f"gives the label {label!r}, as {there} does; labels must differ")
            by_id[arm.id] = by_label[label] = combination
            self.arms.append(Labelled(label, arm, values))

    def _check_possible(self, arm: Arm, combination: Combination) -> None:
        reason = arm.impossible()
        if reason is None:
            return
        axes, words = reason
        if self.cover and any(self.cover.block.covered(axis) for axis in axes):
            return  # every candidate is looked at later
        here = {split_key(key)[0]: entry.path for key, entry in combination.items()}
        place = next((here[axis] for axis in axes if axis in here), self.baseline.written[axes[0]].path)
        self.mistakes.add(place, f"{words}, or leave the combination out by 'skip:'")

    def _compose(self, pairs: Sequence[tuple[Combination, Row]]) -> list[tuple[str, dict[str, str]]]:
        coupled = coupled_keys(self.comparison)
        keys = [*coupled, *self.comparison.vary]
        shown = [{key: self._shown(key, combination, row) for key in keys} for combination, row in pairs]
        given = [str(combination["label"].value) if "label" in combination else None for combination, _ in pairs]
        composed = labels.compose(shown, given, coupled) if pairs else []
        self.labels = [label for label, _ in composed]
        self.given = {label: own for (label, _), own in zip(composed, given, strict=True) if own}
        self.doubtful = [
            label
            for label, (combination, row) in zip(self.labels, pairs, strict=True)
            if any(key != "label" and row[split_key(key)[0]] is None for key in combination)
        ]
        return composed

    def _shown(self, key: str, combination: Combination, row: Row) -> Any:
        """The value of ``key`` in an arm, whether it is written there or comes from the baseline."""
        axis, setting = split_key(key)
        if setting is not None and row[axis] is not None:
            return getattr(row[axis], setting, None)
        if setting is not None:
            return combination[key].value if key in combination else None
        if axis not in self.baseline.written and key not in combination:
            return None
        entry, settings = self.baseline.meant(axis, combination.get(key))
        if not settings or not isinstance(entry.value, dict):
            return entry.value
        return entry.value | {name: given.value for name, given in settings.items()}


def _difference(first: Mapping[str, Entry], second: Mapping[str, Entry]) -> tuple[str, str]:
    """Where two combinations of one comparison part: the places of what they do not share."""
    for key, entry in first.items():
        if key not in second or second[key].path != entry.path:
            other = second[key] if key in second else next(iter(second.values()))
            return entry.path, other.path
    raise AssertionError("two combinations are never written in the same places")

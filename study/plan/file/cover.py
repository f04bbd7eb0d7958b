"""The settings of a comparison that ``tune`` covers: taken out of what is written, searched in arms that have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from study.axes import CHOICES, NUMBERS
from study.errors import Mistakes, join
from study.plan.arm import Arm
from study.plan.file.baseline import Baseline
from study.plan.file.choices import Entry, split_key
from study.plan.file.models import Comparison, Target
from study.plan.file.ranges import Home, check_range
from study.plan.file.tune_block import EXTEND, TuneBlock
from study.plan.searches.space import Searched, Select, Tune


class Cover:
    """``block`` as it holds for the comparison at ``path``. Each mistake in it is noted once."""

    def __init__(self, block: TuneBlock, path: str, mistakes: Mistakes) -> None:
        self.block, self.path, self.mistakes = block, path, mistakes
        self._searched: dict[tuple[Home, str], Searched | None] = {}

    def strip(self, baseline: Baseline) -> None:
        """Take the covered settings out of a comparison's baseline."""
        for key in self.block.paths:
            axis, setting = split_key(key)
            if setting is not None and axis in baseline.written:
                written, path = baseline.written[axis]
                if isinstance(written, dict):
                    baseline.written[axis] = Entry({k: v for k, v in written.items() if k != setting}, path)
                baseline.settings.get(axis, {}).pop(setting, None)

    def check_written(self, comparison: Comparison) -> None:
        """Note every value of ``vary``, ``arms`` and ``skip`` that sets a covered setting."""
        for key, values in comparison.vary.items():
            place = join(self.path, "vary", key)
            if key in self.block.paths:
                self._refuse(place)
            for i, value in enumerate(values if isinstance(values, list) else ()):
                self._check_choice(key, value, join(place, i))
        for name, listed in (("arms", comparison.arms or ()), ("skip", comparison.skip)):
            for i, entry in enumerate(listed):
                for key, value in entry.items() if isinstance(entry, dict) else ():
                    place = join(self.path, name, i, key)
                    if key in self.block.paths:
                        self._refuse(place)
                    self._check_choice(key, value, place)

    def _check_choice(self, axis: str, value: Any, path: str) -> None:
        for setting in self.block.covered(axis) if isinstance(value, dict) else ():
            if setting in value:
                self._refuse(join(path, setting))

    def _refuse(self, path: str) -> None:
        self.mistakes.add(path, f"is covered by {self.block.path!r}; take it out here or there")

    def stand_in(self, axis: str, entry: Entry, settings: dict[str, Entry]) -> tuple[Entry, dict[str, Entry], bool]:
        """What is written on an axis with a value for every covered setting; and whether all of them are known."""
        covered = self.block.covered(axis)
        if not covered:
            return entry, settings, True
        if axis not in CHOICES:
            searched = self.searched(axis, axis)
            return (Entry(searched.middle, self.block.paths[axis]) if searched else entry), settings, bool(searched)
        choice = CHOICES[axis].choices().get(str(entry.value.get("name"))) if isinstance(entry.value, dict) else None
        certain = True
        for setting, key in covered.items() if choice else ():
            if choice and setting in choice.model_fields:
                searched = self.searched(choice, key)
                certain &= searched is not None
                if searched:
                    settings = settings | {setting: Entry(searched.middle, self.block.paths[key])}
        return entry, settings, certain

    def searched(self, home: Home, key: str) -> Searched | None:
        """One setting of one choice (or axis), checked; None where there is a mistake."""
        if (home, key) not in self._searched:
            given, path = self.block.ranges.get(key), self.block.paths[key]
            self._searched[home, key] = check_range(home, key, given, path, self.mistakes) if given else None
        return self._searched[home, key]

    def check_used(self, arms: Sequence[Arm]) -> None:
        """Note a covered setting that none of ``arms`` has."""
        for key, path in self.block.paths.items():
            axis, setting = split_key(key)
            if setting and not any(setting in type(getattr(arm, axis)).model_fields for arm in arms):
                own = self.block.path.startswith(self.path)
                words = "; take it out" if own else f" in {self.path}; give that comparison a 'tune:' of its own"
                self.mistakes.add(path, f"no arm has {setting!r}{words}")

    def tunes(self, arms: Sequence[Arm], select: Select, target: Target | None) -> list[Tune | None]:
        """How each arm is tuned: what it has of the settings, in the same number of trials for all."""
        options = self.block.options
        found = [self._of(arm) for arm in arms]
        drafts = {
            mine: Tune(
                settings=mine,
                seeds=options.seeds,
                select=select,
                extend=0,
                search=options.search,
                trials=options.trials,
                target=target if select == "steps_to_target" else None,
            )
            for mine in set(found)
            if mine
        }
        most = max((draft.first for draft in drafts.values()), default=0)
        made = {mine: self._extended(draft, most) for mine, draft in drafts.items()}
        return [made.get(mine) for mine in found]

    def _extended(self, draft: Tune, most: int) -> Tune:
        if all(searched.values for searched in draft.settings):
            return draft  # listed values have none between or past them
        extend = EXTEND if self.block.options.extend is None else self.block.options.extend
        return Tune(**{**dict(draft), "extend": most - draft.first + extend})

    def _of(self, arm: Arm) -> tuple[Searched, ...]:
        mine = []
        for key in sorted(self.block.paths):
            axis, setting = split_key(key)
            value = getattr(arm, axis)
            if setting is None or setting in type(value).model_fields:
                searched = self.searched(axis if setting is None else type(value), key)
                mine += [searched] if searched else []
        return tuple(mine)

    def check_possible(self, arm: Arm) -> None:
        """Note the first candidate of an arm's grid that cannot be trained."""
        suspects = [key for key in self.block.paths if key in NUMBERS or key.startswith("network.")]
        for candidate in arm.tune.grid() if arm.tune and suspects and arm.tune.search == "grid" else ():
            if reason := arm.settled(candidate).impossible():
                self.mistakes.add(self.block.paths[suspects[0]], reason[1])
                return

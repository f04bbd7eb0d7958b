"""The baseline: what an arm has on every axis unless it says otherwise."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from study.axes import CHOICES, Choice
from study.errors import Mistakes, join, nearest
from study.plan.arm import WRITTEN, Arm
from study.plan.file.choices import SWITCHES, Entry, build, check_key, split_key

Settings = dict[str, Entry]


class Baseline:
    """A choice on every axis as written, and the settings that are laid over it.

    ``under`` is the study's baseline, where this is a comparison's partial one. ``certain``: no mistake in it.
    """

    def __init__(
        self, content: Mapping[str, Any], path: str, mistakes: Mistakes, under: Baseline | None = None
    ) -> None:
        self.written: dict[str, Entry] = dict(under.written) if under else {}
        self.settings: dict[str, Settings] = {k: dict(v) for k, v in under.settings.items()} if under else {}
        before = len(mistakes)
        known = [key for key in content if check_key(key, join(path, key), mistakes, extra=SWITCHES)]
        for key in sorted(known, key=lambda key: "." in key):  # an axis before its settings, as they are laid over it
            axis, setting = split_key(key)
            entry = Entry(content[key], join(path, key))
            if setting is None:
                self.written[axis], self.settings[axis] = self.meant(axis, entry)
            else:
                self.settings.setdefault(axis, {})[setting] = entry
        if under is None:
            meant = {nearest(split_key(key)[0], WRITTEN) for key in content if key not in known}
            self._fill(path, meant, mistakes)
        for axis, entry in self.written.items():  # a required setting may still come from ``vary`` or ``arms``
            build(axis, entry, self.settings.get(axis, {}), mistakes, partial=True)
        self.certain: bool = len(mistakes) == before and (under is None or under.certain)

    def _fill(self, path: str, meant: Collection[str | None], mistakes: Mistakes) -> None:
        """Defaults. ``meant``: axes that were given, but spelled wrong."""
        for axis in WRITTEN:
            field = Arm.model_fields[axis]
            if axis in self.written:
                continue
            if axis in meant:
                continue
            if field.is_required():
                some = f"one of {', '.join(CHOICES[axis].choices())}" if axis in CHOICES else "a whole number"
                mistakes.add(join(path, axis), f"is missing; give {some}")
            else:
                default = field.default
                content = default.model_dump(mode="json") if isinstance(default, Choice) else default
                self.written[axis] = Entry(content, join(path, axis))

    def meant(self, axis: str, entry: Entry | None) -> tuple[Entry, Settings]:
        """The choice that ``entry`` stands for, and the settings laid over it.

        Left out, or a bare name equal to the baseline's choice: that choice with its settings. Any other
        bare name: that choice with its defaults.
        """
        own = self.written.get(axis)
        if own is not None and (entry is None or self._same(axis, own, entry.value)):
            return own, self.settings.get(axis, {})
        if entry is None:
            raise KeyError(axis)
        if axis in CHOICES and isinstance(entry.value, str):
            return Entry({"name": entry.value}, entry.path), {}
        return entry, {}

    def _same(self, axis: str, own: Entry, value: Any) -> bool:
        return axis in CHOICES and isinstance(own.value, dict) and own.value.get("name") == value

"""The combinations that a comparison's ``arms`` and ``vary`` make, as written."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from study.errors import Mistakes, join, refuse
from study.plan.file.choices import Entry, check_key
from study.plan.file.models import Comparison

Combination = dict[str, Entry]  # key → what is written for it; ``label`` too


def combine(comparison: Comparison, path: str, mistakes: Mistakes) -> list[Combination]:
    """``arms`` × the cross product of ``vary``. What has a mistake is left out, so that the rest is checked."""
    good: set[str] = set()

    def known(key: str, place: str) -> bool:
        if key not in good and check_key(key, place, mistakes):
            good.add(key)
        return key in good

    varied = {
        key: entries
        for key, values in comparison.vary.items()
        if known(key, place := join(path, "vary", key)) and (entries := _listed(values, place, mistakes))
    }
    combinations = []
    for i, written in enumerate([None] if comparison.arms is None else comparison.arms):
        coupled = {} if comparison.arms is None else _coupled(written, join(path, "arms", i), known, mistakes)
        for key in coupled:
            if key in comparison.vary:
                mistakes.add(coupled[key].path, "is set by 'vary' too; give it in one place")
        for values in product(*varied.values()):
            combinations.append(coupled | dict(zip(varied, values, strict=True)))
    return combinations


def coupled_keys(comparison: Comparison) -> list[str]:
    """The keys of ``arms`` in the order written."""
    return list(dict.fromkeys(key for arm in comparison.arms or () for key in arm if key != "label"))


def _listed(values: Any, place: str, mistakes: Mistakes) -> list[Entry]:
    if not isinstance(values, list):
        mistakes.add(place, refuse(values, f"a list of values, such as [{values}]" if values else "a list of values"))
        return []
    if not values:
        mistakes.add(place, "is an empty list; give the values to compare")
    return [Entry(value, join(place, i)) for i, value in enumerate(values)]


def _coupled(written: Any, place: str, known: Callable[[str, str], bool], mistakes: Mistakes) -> Combination:
    if not isinstance(written, dict) or not written.keys() - {"label"}:
        mistakes.add(place, refuse(written or None, "what this arm sets, such as {optimizer.lr: 0.01, batch_size: 16}"))
        return {}
    entries = {key: Entry(value, join(place, key)) for key, value in written.items()}
    if "label" in entries and (not isinstance(written["label"], str) or not written["label"].strip()):
        mistakes.add(entries.pop("label").path, refuse(written["label"], "text"))
    return {key: entry for key, entry in entries.items() if key == "label" or known(key, entry.path)}

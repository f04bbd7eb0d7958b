"""Claims about a factorial: which arms have some levels of its axes, and which levels there are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from math import prod

from pydantic import JsonValue

from study.axes.base import digest
from study.errors import Mistakes, join, suggest
from study.plan.file.claim import Claim, EffectClaim, PlannedClaim
from study.plan.file.labels import ABSENT, bare, short
from study.wording import listed, number, show

Shown = Mapping[str, Mapping[str, str]]  # label → key that varies → what the label shows for it
Chosen = dict[str, str]  # key → the level of it, as labels show it


def planned_claim(claim: Claim | EffectClaim, shown: Shown, arm: Callable[[str], str]) -> PlannedClaim:
    """A claim in which nothing is wrong, with its arms. ``arm``: the one that its metric is read from, by label."""
    content = claim.model_dump()
    if isinstance(claim, EffectClaim):
        axes = content.pop("effect"), content.pop("exceeds")
        arms = {label: arm(label) for label in shown}
        groups = [sorted(sorted(arms[x] for x in labels) for labels in by_level(shown, axis).values()) for axis in axes]
        better, than = map(_digest, groups)
        content |= {"better": axes[0], "than": axes[1], "better_arms": arms, "effects": True}
        return PlannedClaim(**content, better_arm=better, than_arm=than)
    if isinstance(claim.better, str) and isinstance(claim.than, str):
        return PlannedClaim(**content, better_arm=arm(claim.better), than_arm=arm(claim.than))
    one, other = (_chosen(side, shown) for side in (claim.better, claim.than))
    pairs = _cells(one, shown), _cells(other, shown)
    alike = sorted(pairs[0], key=lambda rest: arm(pairs[0][rest]))
    better_arms, than_arms = ({cells[rest]: arm(cells[rest]) for rest in alike} for cells in pairs)
    content |= {"better": text(one), "than": text(other), "better_arms": better_arms, "than_arms": than_arms}
    return PlannedClaim(**content, better_arm=_digest(better_arms.values()), than_arm=_digest(than_arms.values()))


def check_factorial(claim: Claim | EffectClaim, place: str, shown: Shown, paired: bool, mistakes: Mistakes) -> None:
    """Note what is wrong with a claim on levels, or on effects."""
    before, keys = len(mistakes), list(next(iter(shown.values())))
    if not paired:
        mistakes.add(place, "is within each seed, and these runs are not paired; say paired: true if a seed gave all "
                     "arms the same")  # fmt: skip
    elif len(keys) < 2:
        only = f"only {keys[0]!r} varies" if keys else "nothing varies"
        mistakes.add(place, f"is about a factorial, and here {only}; give the labels of two arms, as better and than")
    elif isinstance(claim, EffectClaim):
        for side, key in (("effect", claim.effect), ("exceeds", claim.exceeds)):
            if key not in keys:
                mistakes.add(join(place, side), suggest(key, keys, "key that varies here"))
        if claim.effect == claim.exceeds:
            mistakes.add(join(place, "exceeds"), f"{claim.exceeds!r} is the other side too; give another key")
        sizes = [len({own[key] for own in shown.values()}) for key in keys]
        if prod(sizes) != len(shown):
            there = f"{len(shown)} of {prod(sizes)}"
            words = f"needs every combination of {listed(keys)}, and only {there} are there"
            mistakes.add(place, f"{words}: main effects of others would be in these; claim levels, or skip none")
    else:
        for side, levels in (("better", claim.better), ("than", claim.than)):
            _check_levels(levels, join(place, side), shown, keys, mistakes)
        if len(mistakes) == before:
            _check_balance(claim, place, shown, mistakes)


def text(chosen: Chosen) -> str:
    """``schedule=cosine, batch_size=16``."""
    return ", ".join(f"{key}={level}" if level == bare(key, level) else level for key, level in chosen.items())


def by_level(shown: Shown, key: str) -> dict[str, list[str]]:
    """The labels of the arms that have each level of a key, in the order of the arms."""
    found: dict[str, list[str]] = {}
    for label, own in shown.items():
        found.setdefault(own[key], []).append(label)
    return found


def _check_levels(levels: object, place: str, shown: Shown, keys: list[str], mistakes: Mistakes) -> None:
    if not isinstance(levels, Mapping):
        mistakes.add(place, f"{show(levels)} is no mapping, and the other side is one; give levels on both, or labels")
        return
    for key, written in levels.items():
        if key not in keys:
            mistakes.add(join(place, key), suggest(key, keys, "key that varies here"))
        elif _level(key, written, by_level(shown, key)) is None:
            there = [bare(key, level) for level in by_level(shown, key)]
            mistakes.add(join(place, key), suggest(number(written), there, f"level of {key} here"))


def _check_balance(claim: Claim, place: str, shown: Shown, mistakes: Mistakes) -> None:
    """Note sides that are of other axes, are the same, or whose arms are not alike in all else."""
    assert isinstance(claim.better, dict)
    assert isinstance(claim.than, dict)
    if claim.better.keys() != claim.than.keys():
        words = (
            f"is of {listed(claim.than)}, and the other side of {listed(claim.better)}; give levels of the same axes"
        )
        mistakes.add(join(place, "than"), words)
        return
    one, other = _chosen(claim.better, shown), _chosen(claim.than, shown)
    if one == other:
        mistakes.add(join(place, "than"), f"{text(other)} is the other side too; give another level")
        return
    cells = [_cells(levels, shown) for levels in (one, other)]
    for mine, theirs, levels, without in zip(cells, cells[::-1], (one, other), (other, one), strict=True):
        if not mine:
            mistakes.add(place, f"no arm has {text(levels)}; give levels that are there together")
            return
        if alone := [mine[rest] for rest in mine if rest not in theirs]:
            words = f"{alone[0]!r} has no counterpart with {text(without)}"
            mistakes.add(place, f"is unbalanced: {words}; skip both, or claim labels")
            return


def _chosen(levels: object, shown: Shown) -> Chosen:
    """Levels as labels show them."""
    assert isinstance(levels, Mapping)
    return {key: _level(key, written, by_level(shown, key)) or "" for key, written in levels.items()}


def _level(key: str, written: JsonValue, levels: Iterable[str]) -> str | None:
    """The level that is meant: as labels show it, or as the study file has it; in whatever case."""
    meant = {number(written).casefold(), f"{short(key)}={number(written)}".casefold()}
    found = [level for level in levels if level.casefold() in meant and level != ABSENT]
    return found[0] if len(found) == 1 else None


def _cells(chosen: Chosen, shown: Shown) -> dict[tuple[str, ...], str]:
    """The label of every arm with these levels, by what it has of the other keys."""
    return {
        tuple(level for key, level in own.items() if key not in chosen): label
        for label, own in shown.items()
        if all(own[key] == level for key, level in chosen.items())
    }


def _digest(group: Iterable[object]) -> str:
    return digest(json.dumps([*group]))

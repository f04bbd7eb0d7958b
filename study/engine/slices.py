"""Runs, and those of one recipe together: what has an optimizer and a checkpoint of its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import torch

from study.axes.recipe import RECIPE, Recipe, digest


class Run(NamedTuple):
    """One training of a recipe with one seed. ``part``: runs of other parts are of another slice, whatever they are."""

    recipe: Recipe
    seed: int
    part: int = 0


class Slice(NamedTuple):
    """Consecutive runs of a pack, all of one recipe: what has an optimizer and a checkpoint of its own."""

    recipe: Recipe
    seeds: tuple[int, ...]

    def key(self, device: torch.device | str) -> str:
        """Names its checkpoint: 12 hex digits over the recipe and its version, the seeds, and the device's kind."""
        return digest(str([RECIPE, torch.device(device).type, self.recipe.id, *self.seeds]))

    def keys(self, device: torch.device | str) -> list[str]:
        """Of all its checkpoints: one, or where its runs are not stacked one for each."""
        parts = [self] if self.recipe.stacked else [Slice(self.recipe, (seed,)) for seed in self.seeds]
        return [part.key(device) for part in parts]


def slices(runs: Sequence[Run]) -> list[Slice]:
    """``runs`` in their order, those of one recipe and part together; one that is there twice is a slice of its own."""
    found: list[Slice] = []
    last = None
    for recipe, seed, part in runs:
        if found and found[-1].recipe == recipe and part == last and seed not in found[-1].seeds:
            found[-1] = Slice(recipe, (*found[-1].seeds, seed))
        else:
            found.append(Slice(recipe, (seed,)))
        last = part
    return found


def sliced(runs: Sequence[Run]) -> list[tuple[Slice, list[Run]]]:
    """The slices of ``runs``, and the runs of each."""
    left = iter(runs)
    return [(each, list(islice(left, len(each.seeds)))) for each in slices(runs)]

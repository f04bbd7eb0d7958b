"""Runs, and those of one recipe together: what has an optimizer and a checkpoint of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from study.axes.base import digest
from study.axes.recipe import RECIPE, Recipe


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


def slices(runs: Sequence[Run]) -> list[tuple[Slice, slice]]:
    """``runs`` in their order, those of one recipe and part together, and their places.

    One that is there twice is a slice of its own.
    """
    found: list[tuple[Slice, slice]] = []
    for place, (recipe, seed, part) in enumerate(runs):
        alike = place and (runs[place - 1].recipe, runs[place - 1].part) == (recipe, part)
        if alike and seed not in found[-1][0].seeds:
            last, rows = found.pop()
            found.append((Slice(recipe, (*last.seeds, seed)), slice(rows.start, place + 1)))
        else:
            found.append((Slice(recipe, (seed,)), slice(place, place + 1)))
    return found

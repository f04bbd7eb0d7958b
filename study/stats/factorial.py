"""Main effects and two-way interactions of a factorial design, within each seed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from study.metrics import METRICS
from study.stats.estimates import TIE, Floats, mean_interval
from study.stats.symmetry import beyond, sign_flip


class Effect(NamedTuple):
    """A contrast against the first level of each factor, averaged over all other factors.

    ``levels``: index of the level of each of the ``factors``, one for a main effect, two for an interaction.
    ``estimate low high``: a difference, or a factor, above 0 or 1 where the level is better (an interaction: where
    both together are better than their main effects say). All None where it is not estimable. ``p`` is of this
    contrast alone, not adjusted for the others.
    """

    factors: tuple[str, ...]
    levels: tuple[int, ...]
    estimate: float | None
    low: float | None
    high: float | None
    p: float | None

    @property
    def estimable(self) -> bool:
        return self.estimate is not None


def effects(metric: str, values: Floats, factors: Sequence[str], interactions: bool = True) -> list[Effect]:
    """All main effects, then all two-way ``interactions`` if wanted.

    ``values``: [seeds, levels of the first factor, levels of the second, …]. NaN for a run that diverged or an arm
    that was skipped, inf for a target not reached: every contrast that such a cell enters is not estimable, since a
    mean of what is left would compare other things.
    """
    if values.ndim != len(factors) + 1:
        raise ValueError(f"{len(factors)} factors need values with {len(factors) + 1} dimensions, not {values.ndim}")
    about = METRICS[metric]
    with np.errstate(divide="ignore"):
        scaled = about.orientation * (np.log(values) if about.ratio else values)
    scaled = np.where(np.isfinite(scaled), scaled, np.nan)
    axes, found = range(1, values.ndim), []
    for group in [*combinations(axes, 1), *(combinations(axes, 2) if interactions else ())]:
        contrast = scaled.mean(axis=tuple(axis for axis in axes if axis not in group))  # [seeds, levels …]
        for axis in range(1, contrast.ndim):
            contrast = contrast - contrast.take([0], axis)
        names = tuple(factors[axis - 1] for axis in group)
        for levels in product(*(range(1, count) for count in contrast.shape[1:])):
            d = contrast[(slice(None), *levels)]
            if not np.isfinite(d).all():
                found.append(Effect(names, levels, None, None, None, None))
                continue
            low, high = (None if end is None else about.restored(end) for end in mean_interval(d, tie=TIE))
            mean = about.restored(float(np.round(d.mean(), 12)))
            found.append(Effect(names, levels, mean, low, high, sign_flip(beyond(d, 0))))
    return found

"""Main effects and two-way interactions of a factorial design, within each seed, and how far they spread."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from study.metrics import METRICS
from study.stats.estimates import TIE, Floats, mean_interval, scaled
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


class Spreads(NamedTuple):
    """How far the main effects of two axes spread, as a difference that is tested.

    ``first second``: of each axis [seeds]; their means are S and S', the root mean squares of the true effects.
    ``room``: by how much noise may have moved the mean difference up, and down.
    """

    first: Floats
    second: Floats
    room: tuple[float, float]


def spreads(metric: str, values: Floats, axes: tuple[int, int]) -> Spreads:
    """``values``: [seeds, levels of the first axis, levels of the second, …], all finite, above 0 where factors count.

    The effects of each seed are taken along the mean ones: linear in them, and with their root mean square s as mean.
    Noise spreads mean effects too, those of more levels further: of their size s up to v / s may be noise, where v is
    the variance of the mean effects. So S - S' may be s - s' less what s has of it, and as much as s - s' with that of
    s' (docs/statistics.md).
    """
    x = scaled(metric, values)
    along, seen, excess = zip(*(_along(x, axis) for axis in axes), strict=True)
    first, second = (a + np.sqrt(max(0.0, s**2 - s * more)) - s for a, s, more in zip(along, seen, excess, strict=True))
    mean, plain = float((first - second).mean()), seen[0] - seen[1]
    return Spreads(first, second, (mean - plain + excess[0], plain + excess[1] - mean))


def _along(x: Floats, axis: int) -> tuple[Floats, float, float]:
    """The effects of an axis in each seed along their mean over seeds, the size s of that mean, and noise / s."""
    means = x.mean(axis=tuple(i for i in range(1, x.ndim) if i != axis))  # [seeds, levels]
    effect = means - means.mean(axis=1, keepdims=True)
    mean = effect.mean(axis=0)
    seen = float(np.sqrt((mean**2).mean()))
    if not seen:
        return np.zeros(len(x)), 0.0, 0.0
    noise = float(effect.var(axis=0, ddof=1).mean()) / len(x) if len(x) > 1 else 0.0
    return (effect * mean).mean(axis=1) / seen, seen, min(seen, noise / seen)


def as_values(metric: str, x: Floats) -> Floats:
    """Numbers on the scale on which arms are compared as values of the metric."""
    about = METRICS[metric]
    return np.asarray(np.exp(about.orientation * x) if about.ratio else about.orientation * x)


def effects(metric: str, values: Floats, factors: Sequence[str], interactions: bool = True) -> list[Effect]:
    """All main effects, then all two-way ``interactions`` if wanted.

    ``values``: [seeds, levels of the first factor, levels of the second, …]. NaN for a run that diverged or an arm
    that was skipped, inf for a target not reached: every contrast that such a cell enters is not estimable, since a
    mean of what is left would compare other things.
    """
    if values.ndim != len(factors) + 1:
        raise ValueError(f"{len(factors)} factors need values with {len(factors) + 1} dimensions, not {values.ndim}")
    x = scaled(metric, values)
    x = np.where(np.isfinite(x), x, np.nan)
    axes, found = range(1, values.ndim), []
    for group in [*combinations(axes, 1), *(combinations(axes, 2) if interactions else ())]:
        contrast = x.mean(axis=tuple(axis for axis in axes if axis not in group))  # [seeds, levels …]
        for axis in range(1, contrast.ndim):
            contrast = contrast - contrast.take([0], axis)
        names = tuple(factors[axis - 1] for axis in group)
        for levels in product(*(range(1, count) for count in contrast.shape[1:])):
            d = contrast[(slice(None), *levels)]
            if not np.isfinite(d).all():
                found.append(Effect(names, levels, None, None, None, None))
                continue
            restored = METRICS[metric].restored
            low, high = (None if end is None else restored(end) for end in mean_interval(d, tie=TIE))
            mean = restored(float(np.round(d.mean(), 12)))
            found.append(Effect(names, levels, mean, low, high, sign_flip(beyond(d, 0))))
    return found

"""Main effects and two-way interactions of a factorial design, within each seed, and how far they spread."""

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


def scaled(metric: str, values: Floats) -> Floats:
    """``values`` on the scale on which arms are compared, the higher the better: of factors their logarithms."""
    about = METRICS[metric]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(about.orientation * (np.log(values) if about.ratio else values))


def marginal(metric: str, values: Floats) -> Floats:
    """The mean over cells [cells, seeds], geometric where factors count; not finite where a cell is not. [seeds]"""
    return as_values(metric, scaled(metric, values).mean(axis=0))


def spreads(metric: str, values: Floats, axes: tuple[int, int]) -> tuple[Floats, Floats]:
    """How far the main effects of two axes spread in each seed: two numbers whose difference is tested. [seeds]

    ``values``: [seeds, levels of the first axis, levels of the second, …], all finite, above 0 where factors count.

    Of an axis it is the sum of squares of the main effects ÷ levels, less what noise alone adds to it (the variance of
    every effect over seeds), both divided by the sum of the spreads S of the two axes: then the mean difference is
    S - S', where S is the root mean square of an axis' true effects. Spreads as they are would favour the axis with
    more levels, or fewer runs a level: of two without any effect, of 2 and 5 levels, a test at 5 % told up to 97 %
    apart.
    """
    x = scaled(metric, values)
    found = []
    for axis in axes:
        means = x.mean(axis=tuple(i for i in range(1, x.ndim) if i != axis))  # [seeds, levels]
        effect = means - means.mean(axis=1, keepdims=True)
        squares = (effect**2).mean(axis=1)
        found.append((squares - (effect.var(axis=0, ddof=1).mean() if len(x) > 1 else 0.0), squares))
    true = sum(np.sqrt(max(0.0, float(unbiased.mean()))) for unbiased, _ in found)
    seen = sum(np.sqrt(float(squares.mean())) for _, squares in found)  # where noise explains all
    one, other = (unbiased / (true or seen or 1.0) for unbiased, _ in found)
    return one, other


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

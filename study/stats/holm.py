"""Many tests at once: Holm's correction, which holds the chance of any false verdict among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from study.stats.estimates import Floats


def holm(p: Floats | Sequence[float]) -> Floats:
    """Adjusted p of every test: at most alpha where Holm's method rejects at alpha (Holm, 1979). [tests] → [tests]"""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p)
    steps = np.maximum.accumulate(np.arange(len(p), 0, -1) * p[order])
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


class Family:
    """The p of the claims that Holm's method corrects for together."""

    def __init__(self, raw: Sequence[float]) -> None:
        self.raw = np.array(raw, dtype=float)
        self.holm = holm(self.raw)
        self.size = max(1, len(raw))

    def adjusted(self, p: float) -> float:
        """The adjusted p of a member; of any other p what it would be for a member with that p.

        So a claim derived from another is judged like that one, and makes it no harder for any.
        """
        below = self.raw < p
        rest = max(1, int((~below).sum()))
        return float(min(1.0, max(np.max(self.holm, where=below, initial=0.0), rest * p)))

    def divisor(self, p: float, alpha: float) -> int:
        """What Holm's method divides ``alpha`` by for this p: the claims that are still open when it is its turn.

        Once one is not rejected, none after it is: they share its divisor. So p is at most alpha / divisor where it is
        rejected, and above where not.
        """
        rest = max(1, int((self.raw >= p).sum()))
        return rest if self.adjusted(p) <= alpha else max(rest, int((self.holm > alpha).sum()))

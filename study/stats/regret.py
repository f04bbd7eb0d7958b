"""Whether final runs come to less than what was tried before them, beyond what the spread over seeds explains."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from study.stats.estimates import TIE, Floats, t_half
from study.stats.symmetry import beyond, rank_flip, sign_flip

LEVEL = 0.01  # false alarms, where the candidate that was chosen is as good as any
BEST = 3  # candidates that the spread is taken from


def better_candidate(runs: Floats, trials: Sequence[Floats], chosen: int | None = None) -> int | None:
    """The place of the best of ``trials`` [candidates][tuning seeds], where ``runs`` [runs] are worse than it; or None.

    All are merits, the higher the better; a run that was lost has -inf and counts as the worst that any came to.
    ``chosen``: the candidate that all runs have, which is no rival of theirs.

    One-sided t test with the spread over tuning seeds of the three best candidates (that of runs at a cliff would hide
    it), of as many rivals as there are (Bonferroni). The worst run is left out: what one run alone did says little.
    None where no candidate has two seeds.
    """
    known = np.concatenate([runs, *trials])
    known = known[np.isfinite(known)]
    if len(runs) < 2 or not len(known):
        return None
    kept = [np.clip(merits, known.min(), known.max()) for merits in trials]
    best_first = sorted(range(len(kept)), key=lambda place: -kept[place].mean())
    rivals = [place for place in best_first if place != chosen]
    near = [kept[place] for place in best_first[:BEST]]
    freedom = sum(len(merits) - 1 for merits in near)
    if not rivals or not freedom:
        return None
    variance = sum(float(((merits - merits.mean()) ** 2).sum()) for merits in near) / freedom
    rival, others = kept[rivals[0]], np.sort(np.clip(runs, known.min(), known.max()))[1:]
    error = sqrt(variance * (1 / len(rival) + 1 / len(others)))
    explained = t_half(error, freedom, 1 - 2 * LEVEL / len(rivals))
    return rivals[0] if rival.mean() - others.mean() > explained + TIE else None


def better_runs(runs: Floats, others: Floats, siblings: int = 1) -> bool:
    """Whether ``others`` do better than ``runs`` [pairs], by merits as above: a one-sided sign-flip test of pairs, of
    signed ranks where a run was lost. ``siblings``: how many such questions are asked of these runs.
    """
    with np.errstate(invalid="ignore"):
        d = np.where(others == runs, 0.0, others - runs)
    p = sign_flip(beyond(d, 0), "greater") if np.isfinite(d).all() else rank_flip(d, "greater")
    return p <= LEVEL / siblings

"""Which candidate of a search is best, whether the search was wide enough for it, and what to try next."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, inf, isfinite, sqrt
from statistics import fmean, stdev
from typing import Any, NamedTuple

from study.metric import Select
from study.metrics import METRICS
from study.plan.search import Candidate, Search, Searched

Row = dict[str, Any]  # of one candidate and one tuning seed, with its status and every validation metric
SAME = 1e-9  # positions that differ by less
NEXT = 2  # points past an edge that are named to the reader


class Trial(NamedTuple):
    """A candidate, the rows of its tuning seeds in their order, and the selections that asked for it (none: all).

    Of a row count ``status``, accuracies (None for a regression), losses, and ``steps_to_target``: None where it was
    not reached, or there is nothing to reach.
    """

    settings: Candidate
    rows: Sequence[Row]
    selections: tuple[str, ...] = ()


class Chosen(NamedTuple):
    """The candidate that a selection chooses, and where the search was too narrow for it."""

    settings: Candidate
    sides: dict[str, str]  # setting → low or high: no candidate lies further out; by seed: where half of the runs lie
    undertuned: bool  # at such a side it beats its inner neighbour, or most runs lie there, beyond doubt
    next: list[Candidate]  # to be tried there
    by_run: tuple[Candidate, ...] = ()  # of runs that are tuned each for itself: what was chosen for these
    select: Select | None = None  # by which it was chosen
    score: float | None = None  # the mean of that in its trials
    final: float | None = None  # and in the runs of the arm
    better: Candidate | None = None  # whose trials are better than these runs beyond doubt
    better_by: Select | None = None  # by which the same arm was tuned so that its runs are better

    @property
    def edge(self) -> Candidate:
        """Setting → its value at the edge, of those in ``sides``."""
        found: Candidate = {}
        for key, side in self.sides.items():
            values = [value for one in (self.settings, *self.by_run) if not isinstance(value := one[key], tuple)]
            found[key] = min(values) if side == "low" else max(values)
        return found

    @property
    def misled(self) -> bool:
        """Whether it would do better with what another candidate has, or another selection chose."""
        return self.better is not None or self.better_by is not None


def choose(search: Search, trials: Sequence[Trial], select: Select) -> Chosen | None:
    """The best of ``trials``, and the edges that it lies on, but for those where the setting itself ends.

    Where each run is tuned for itself it is the best of all their seeds together, but edges are those that half of the
    runs or more chose, and it is undertuned where most chose one beyond doubt: a mean may hang on one seed. None where
    all seeds of all candidates diverged.
    """
    best = trials[rank(trials, select)[0]]
    if not any(map(finished, best.rows)):
        return None
    by_run = chosen_by_run(search, trials, select) if search.by_seed else []
    if search.by_seed:  # edges, and whether each was left too early, beyond doubt
        edges = _edges_by_run(search, trials, select, by_run)
    else:
        by = [select, "val_loss"] if _mute(best, select) else [select]
        edges = [(edge, any(beats(best, edge.neighbour, one) for one in by)) for edge in _edges(search, best, trials)]
    sides = {edge.key: edge.side for edge, _ in edges}
    following = [point for edge, clear in edges if clear for point in edge.outward]
    return Chosen(best.settings, sides, bool(following), following, tuple(by_run))


class Edge(NamedTuple):
    """A trial at the edge of a setting."""

    key: str
    side: str  # low or high
    trial: Trial
    neighbour: Trial  # inside it
    outward: list[Candidate]  # past it, to be tried


def _edges(search: Search, best: Trial, trials: Sequence[Trial]) -> list[Edge]:
    """Those that ``best`` lies on, but for those where the setting itself ends."""
    found = []
    for searched in search.settings:
        if not searched.ordered:
            continue
        here, line = searched.position(best.settings[searched.key]), _line(search, searched, best, trials)
        for side, direction in (("low", -1), ("high", 1)):
            inner = [trial for at, trial in line if (here - at) * direction > SAME]
            outward = [point for point in _past(searched, best.settings, here, direction) if search.possible(point)]
            if any((at - here) * direction > SAME for at, _ in line) or not inner or not outward:
                continue
            neighbour = min(inner, key=lambda trial: _distance(search, best, trial))
            found.append(Edge(searched.key, side, best, neighbour, outward))
    return found


def _edges_by_run(
    search: Search, trials: Sequence[Trial], select: Select, chosen: Sequence[Candidate]
) -> list[tuple[Edge, bool]]:
    """The edges that half of the runs or more chose, and whether most would choose so, beyond doubt."""
    there: dict[tuple[str, str], list[tuple[int, Edge]]] = {}
    for trial in trials:
        if count := chosen.count(trial.settings):
            for edge in _edges(search, trial, trials):
                there.setdefault((edge.key, edge.side), []).append((count, edge))
    found = []
    for parts in there.values():
        number, (_, edge) = sum(count for count, _ in parts), max(parts, key=lambda part: part[0])
        if 2 * number >= len(chosen):
            by_loss = _mute(edge.trial, select) and _lower_losses(search, edge)
            found.append((edge, mostly(number, len(chosen)) or by_loss))
    return found


def _lower_losses(search: Search, edge: Edge) -> bool:
    """Whether most runs have a lower validation loss at an edge than inside it, beyond doubt."""
    runs: dict[int | None, list[tuple[float, float]]] = {}
    for a, b in zip(edge.trial.rows, edge.neighbour.rows, strict=True):
        runs.setdefault(search.run_seed_of(a["seed"]), []).append((merit(a, "val_loss"), merit(b, "val_loss")))
    lower = [fmean(a for a, _ in pairs) > fmean(b for _, b in pairs) for pairs in runs.values()]
    return mostly(sum(lower), len(lower))


def chosen_by_run(search: Search, trials: Sequence[Trial], select: Select) -> list[Candidate]:
    """What the search of each run chooses, where ``trials`` are those of several; nothing where all seeds diverged."""
    seeds = dict.fromkeys(search.run_seed_of(row["seed"]) for trial in trials for row in trial.rows)
    found = []
    for seed in seeds:
        own = [t._replace(rows=[row for row in t.rows if search.run_seed_of(row["seed"]) == seed]) for t in trials]
        best = own[rank(own, select)[0]]
        found += [best.settings] if any(map(finished, best.rows)) else []
    return found


def mostly(number: int, of: int) -> bool:
    """Whether more than half of all runs would choose what ``number`` of so many chose: exact binomial test at 5 %.

    Where the edge is as good as the candidate inside it that is so in 5 % of studies at most. Of fewer than five, all.
    """
    tail = sum(comb(of, k) for k in range(number, of + 1)) / 2**of
    return number == of or tail <= 0.05


def finished(row: Row) -> bool:
    return bool(row["status"] == "finished")


def merit(row: Row, select: Select) -> float:
    """How good one tuning seed is by ``select``, more is better; minus infinity for diverged or not reached."""
    value: float | None = row[select]
    if not finished(row) or value is None:
        return -inf
    return METRICS[select].orientation * value


def score(trial: Trial, select: Select) -> float | None:
    """The mean of ``select`` over the tuning seeds that have it, in its own unit; None where none has."""
    known = [value for row in trial.rows if isfinite(value := merit(row, select))]
    return abs(fmean(known)) if known else None


def order(trial: Trial, select: Select) -> tuple[object, ...]:
    """Sorts candidates, the best first: fewest diverged seeds, fewest unreached, then the mean of ``select``.

    Exact ties (up to the rounding of a mean): lower val_loss, then the smaller setting.
    """
    merits = [merit(row, select) for row in trial.rows]
    known = [value for value in merits if isfinite(value)]
    losses = [row["val_loss"] for row in trial.rows if finished(row) and row["val_loss"] is not None]
    return (
        sum(not finished(row) for row in trial.rows),
        len(merits) - len(known),
        -round(fmean(known), 12) if known else inf,
        round(fmean(losses), 12) if losses else inf,
        [value if isinstance(value, tuple) else (value,) for value in trial.settings.values()],
    )


def rank(trials: Sequence[Trial], select: Select) -> list[int]:
    """The places of ``trials``, the best first."""
    return sorted(range(len(trials)), key=lambda i: order(trials[i], select))


def beats(better: Trial, worse: Trial, select: Select) -> bool:
    """Whether the mean paired difference is more than two standard errors, or all tuning seeds agree."""
    pairs = [(merit(a, select), merit(b, select)) for a, b in zip(better.rows, worse.rows, strict=True)]
    if all(a > b for a, b in pairs):
        return True
    differences = [a - b for a, b in pairs if isfinite(a) and isfinite(b)]
    if len(differences) < len(pairs) or len(differences) < 2:
        return False
    return fmean(differences) > 2 * stdev(differences) / sqrt(len(differences))


def _mute(best: Trial, select: Select) -> bool:
    """Whether ``select`` may not tell yet that an edge was left too early, so that the loss is asked.

    Accuracies far from their target are often those of chance; at 1, or once a target is reached, they say enough.
    """
    merits = [merit(row, select) for row in best.rows]
    if select == "steps_to_target":
        return not any(map(isfinite, merits))
    return METRICS[select].accuracy and min(merits) < 1


def further(search: Search, select: Select, trials: Sequence[Trial]) -> list[Candidate]:
    """The candidates to try next: one step past each edge that the best lies on, else halfway to its neighbours.

    Where the best has no more room, the second best is asked, and so on; empty where none has.
    """
    tried = [trial.settings for trial in trials]
    for place in rank(trials, select):
        for points in _around(search, trials[place], trials):
            fresh = [point for point in points if point not in tried and search.possible(point)]
            if fresh:
                return fresh
    return []


def _around(search: Search, trial: Trial, trials: Sequence[Trial]) -> tuple[list[Candidate], list[Candidate]]:
    """One step past the edges that ``trial`` lies on; halfway to its neighbours."""
    outward, inward = [], []
    for searched in search.settings:
        if searched.values:
            continue  # listed values have none between or past them
        here = searched.position(trial.settings[searched.key])
        line = _line(search, searched, trial, trials)
        for direction in (-1, 1):
            there = [at for at, _ in line if (at - here) * direction > SAME]
            if there:
                nearest = min(there, key=lambda at: abs(at - here))
                inward.append(trial.settings | {searched.key: searched.at((here + nearest) / 2)})
            else:
                outward += _past(searched, trial.settings, here, direction)[:1]
    return outward, inward


def _past(searched: Searched, settings: Candidate, here: float, direction: int) -> list[Candidate]:
    """The next points past an edge, in the ratio or step of the grid."""
    steps = (here + direction * searched.step * k for k in range(1, NEXT + 1))
    return [settings | {searched.key: searched.at(position)} for position in steps]


def _line(search: Search, searched: Searched, trial: Trial, trials: Sequence[Trial]) -> list[tuple[float, Trial]]:
    """Places of the trials that differ from ``trial`` in this setting only; of all, where there are none, or no grid.

    A candidate past the edge of one setting is alone with it, and may still lie on the edge of another.
    """
    others = [key for key in search.covers if key != searched.key]
    own = [t for t in trials if all(t.settings[key] == trial.settings[key] for key in others)]
    line = own if len(own) > 1 and search.method == "grid" else trials
    return [(searched.position(t.settings[searched.key]), t) for t in line]


def _distance(search: Search, first: Trial, second: Trial) -> float:
    """Between two candidates, on the scales of their settings."""
    return sum((s.position(first.settings[s.key]) - s.position(second.settings[s.key])) ** 2 for s in search.settings)

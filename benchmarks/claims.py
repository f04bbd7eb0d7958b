"""Claims of which the truth is known, each made on its own: arms are equal, or apart by exactly the margin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle, islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from study.stats.exact import PRIMARY
from study.stats.paired import Side, Statement
from study.stats.verdict import judge

ROWS = 360  # of the test split of digits
Values = NDArray[Any]
Draw = Callable[[np.random.Generator, int], Statement]
NOT_BETTER = ("refuted", "within the margin")


class Outcome(NamedTuple):
    """``wrong``: whether any verdict of a study was false. ``found``: the share of its true claims supported.
    ``families``: those with a false verdict.
    """

    wrong: bool
    found: float
    families: frozenset[str] = frozenset()


def accuracies(rng: np.random.Generator, seeds: int) -> Statement:
    """Correct rows of 360, where some seeds are harder than others for both arms; about a tenth of the pairs tie."""
    a, b = rng.binomial(ROWS, hard(rng, seeds), size=(2, seeds)) / ROWS
    return _claim("test_accuracy", a, b)


def losses(rng: np.random.Generator, seeds: int) -> Statement:
    """Skewed: a few runs of either arm end far above the others."""
    a, b = rng.lognormal(-2, 0.2, seeds) * (1 + rng.exponential(0.3, (2, seeds)) ** 2)
    return _claim("test_loss", a, b)


def times(rng: np.random.Generator, seeds: int) -> Statement:
    """Epochs to the target, whole numbers; about a quarter of the runs is censored at a budget of 20."""
    t = np.ceil(rng.lognormal(np.log(15), 0.25, seeds) * rng.lognormal(0, 0.25, (2, seeds)))
    return _claim("epochs_to_target", *np.where(t > 20, np.inf, t))


def diverging(rng: np.random.Generator, seeds: int) -> Statement:
    """Accuracies of arms that both diverge in 40 % of their runs."""
    found = accuracies(rng, seeds)
    lost = rng.random((2, seeds)) < 0.4
    better, than = (
        Side(side.label, np.where(gone, np.nan, side.values), np.where(gone, "diverged", "finished"))
        for side, gone in zip((found.better, found.than), lost, strict=True)
    )
    return replace(found, better=better, than=than)


def seconds(rng: np.random.Generator, seeds: int) -> Statement:
    """Measured in rounds, some of them disturbed; one arm slower by exactly the margin, so that no verdict is true."""
    machine = np.exp(rng.normal(0, 0.1, seeds)) * (1 + (rng.random(seeds) < 0.2))
    a, b = machine * np.exp(0.04 * rng.standard_t(3, (2, seeds)))
    return _claim("train_seconds", a, 1.1 * b)


def equivalent(rng: np.random.Generator, seeds: int) -> Statement:
    """Said to be equal within four rows of 360, and apart by exactly that: not equal, so only support is false."""
    found = accuracies(rng, seeds)
    than = replace(found.than, values=found.than.values - 4 / ROWS)
    return replace(found, than=than, margin=4 / ROWS, kind="equal")


def differing(rng: np.random.Generator, seeds: int) -> Statement:
    """Accuracies two points apart: the claim is true."""
    found = accuracies(rng, seeds)
    return replace(found, than=replace(found.than, values=found.than.values - 0.02))


EQUAL: dict[str, Draw] = {
    "accuracies": accuracies,
    "skewed losses": losses,
    "censored times to target": times,
    "accuracies, 40 % of runs diverged": diverging,
    "seconds, at the margin": seconds,
    "kind: equal, at the margin": equivalent,
}
MIXED = tuple(EQUAL.values())


class Design(NamedTuple):
    """Studies made of sides: each of the ``draws`` in turn until there are so many claims, dealt to ``families``."""

    title: str
    draws: tuple[Draw, ...]
    claims: int
    seeds: int
    families: int = 1

    def study(self, number: int) -> Outcome:
        """Make and judge one study. A claim on speedup follows from every one on seconds, and does not count."""
        rng = np.random.default_rng((number, self.claims, self.seeds))
        draws = list(islice(cycle(self.draws), self.claims))
        claims = [
            replace(draw(rng, self.seeds), family=str(i % self.families) if i % self.families else PRIMARY)
            for i, draw in enumerate(draws)
        ]
        derived = [_speedup(claim) for claim in claims if claim.metric == "train_seconds"]
        true = [draw is differing for draw in draws] + [False] * len(derived)
        words = [verdict.word for verdict in judge([*claims, *derived])]
        false = frozenset(
            claim.family
            for claim, ok, word in zip([*claims, *derived], true, words, strict=True)
            if (word == "supported" and not ok) or (word in NOT_BETTER and claim.kind == "better")
        )
        found = [word == "supported" for word, ok in zip(words, true, strict=True) if ok]
        return Outcome(bool(false), float(np.mean(found)) if found else np.nan, false)


def hard(rng: np.random.Generator, seeds: int) -> Values:
    return rng.normal(0.96, 0.008, seeds).clip(0.5, 0.995)


def _claim(metric: str, a: Values, b: Values) -> Statement:
    status = np.full(len(a), "finished")
    return Statement(metric, Side("a", a, status), Side("b", b, status))


def _speedup(claim: Statement) -> Statement:
    a, b = claim.better.values, claim.than.values
    return replace(_claim("speedup", 1 / a, 1 / b), derived=True, family=claim.family)

"""How often equal arms are told apart, and how often an interval holds the true difference. Nothing is trained.

    python -m benchmarks.verdicts [--studies 1000] [--write]

Every study is judged as a real one is: all its claims together, exact tests, Holm. ``--write`` puts the tables into
docs/statistics.md.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.show.statistics.evidence import Side, Statement
from study.show.statistics.paired import mean_interval
from study.show.statistics.verdict import judge

PAGE = Path(__file__).parents[1] / "docs" / "statistics.md"
MARKS = "<!-- benchmarks/verdicts.py writes this -->", "<!-- until here -->"
PROCESSES = 2
ROWS = 360  # of the test split of digits
SAMPLES = 4_000  # of each shape, for coverage
Values = NDArray[Any]
Draw = Callable[[np.random.Generator, int], Statement]


def accuracies(rng: np.random.Generator, seeds: int) -> Statement:
    """Correct rows of 360, where some seeds are harder than others for both arms; about a tenth of the pairs tie."""
    a, b = rng.binomial(ROWS, _hard(rng, seeds), size=(2, seeds)) / ROWS
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


class Design(NamedTuple):
    """A study: each of the ``draws`` in turn until there are so many claims."""

    title: str
    draws: tuple[Draw, ...]
    claims: int
    seeds: int


class Outcome(NamedTuple):
    """``wrong``: whether any verdict of a study was false. ``found``: the share of its true claims supported."""

    wrong: bool
    found: float


MIXED = tuple(EQUAL.values())
DESIGNS = (
    Design("31 claims, every kind", MIXED, 31, 12),
    Design("31 claims, every kind, a third of them true", (*MIXED[:2], differing, *MIXED[2:4], differing), 31, 12),
    Design("6 claims, every kind", MIXED, 6, 10),
    *(Design(f"1 claim: {name}", (draw,), 1, 10) for name, draw in EQUAL.items()),
)


def study(design: Design, number: int) -> Outcome:
    """Make and judge one study. A claim on speedup follows from every one on seconds, and does not count."""
    rng = np.random.default_rng((number, design.claims, design.seeds))
    draws = list(islice(cycle(design.draws), design.claims))
    claims = [draw(rng, design.seeds) for draw in draws]
    derived = [_speedup(claim) for claim in claims if claim.metric == "train_seconds"]
    true = [draw is differing for draw in draws] + [False] * len(derived)
    words = [verdict.word for verdict in judge([*claims, *derived])]
    false = {
        (word == "supported" and not ok) or (word == "refuted" and claim.kind == "better")
        for claim, ok, word in zip([*claims, *derived], true, words, strict=True)
    }
    found = [word == "supported" for word, ok in zip(words, true, strict=True) if ok]
    return Outcome(any(false), float(np.mean(found)) if found else np.nan)


SHAPES: dict[str, tuple[Callable[[np.random.Generator, int], Values], float]] = {  # with the true mean
    "normal": (lambda rng, n: rng.normal(size=n), 0.0),
    "accuracies": (lambda rng, n: rng.binomial(ROWS, _hard(rng, n), size=(2, n)).T @ [1.0, -1.0], 0.0),
    "accuracies, one run in ten 5 points worse": (
        lambda rng, n: rng.binomial(ROWS, 0.96 - 0.05 * (rng.random(n) < 0.1)) - rng.binomial(ROWS, 0.96, n) + 0.0,
        -0.005 * ROWS,
    ),
    "exponential": (lambda rng, n: rng.exponential(size=n), 1.0),
    "lognormal": (lambda rng, n: rng.lognormal(size=n), float(np.exp(0.5))),
}


def coverage(shape: str, pairs: int, samples: int = SAMPLES) -> float:
    """The share of 95 % intervals that hold the true mean difference."""
    draw, mean = SHAPES[shape]
    rng = np.random.default_rng(pairs)
    held = 0
    for _ in range(samples):
        low, high = mean_interval(draw(rng, pairs), 0.95)
        held += low is not None and high is not None and low <= mean <= high
    return held / samples


def tables(studies: int, pairs: Sequence[int] = (6, 10, 16, 30)) -> str:
    lines = ["| study | seeds | with a false verdict | 95 % interval |", "|---|---:|---:|---|"]
    power = ""
    # statsmodels collects garbage in every Holm correction: freeze what was imported.
    pool = ProcessPoolExecutor(PROCESSES, get_context("spawn"), initializer=gc.freeze)
    for design in DESIGNS:
        outcomes = list(pool.map(partial(study, design), range(studies), chunksize=10))
        wrong = sum(outcome.wrong for outcome in outcomes)
        low, high = stats.binomtest(wrong, studies).proportion_ci(0.95)
        interval = f"{100 * low:.1f} to {100 * high:.1f} %"
        lines.append(f"| {design.title} | {design.seeds} | {100 * wrong / studies:.1f} % | {interval} |")
        if differing in design.draws:
            power = f"{100 * np.mean([outcome.found for outcome in outcomes]):.0f} %"
        print(lines[-1], flush=True)
    lines += ["", f"{studies:,} studies each. Of the true claims (two points apart) {power} were supported.", ""]
    lines += [f"| d | {' | '.join(f'n = {n}' for n in pairs)} |", "|---|" + "---:|" * len(pairs)]
    for shape in SHAPES:
        held = " | ".join(f"{100 * coverage(shape, n):.1f} %" for n in pairs)
        lines.append(f"| {shape} | {held} |")
        print(lines[-1], flush=True)
    return "\n".join([*lines, "", f"{SAMPLES:,} samples each; Monte-Carlo error 0.3 to 0.6 %."])


def write(text: str) -> None:
    """Put the tables between the marks of the page."""
    before, rest = PAGE.read_text().split(MARKS[0])
    PAGE.write_text(f"{before}{MARKS[0]}\n\n{text}\n\n{MARKS[1]}{rest.split(MARKS[1])[1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate studies of equal arms.")
    parser.add_argument("--studies", type=int, default=1_000)
    parser.add_argument("--write", action="store_true", help="write the tables into docs/statistics.md")
    arguments = parser.parse_args()
    text = tables(arguments.studies)
    if arguments.write:
        write(text)


def _hard(rng: np.random.Generator, seeds: int) -> Values:
    return rng.normal(0.96, 0.008, seeds).clip(0.5, 0.995)


def _claim(metric: str, a: Values, b: Values) -> Statement:
    status = np.full(len(a), "finished")
    return Statement(metric, Side("a", a, status), Side("b", b, status))


def _speedup(claim: Statement) -> Statement:
    a, b = claim.better.values, claim.than.values
    return replace(_claim("speedup", 1 / a, 1 / b), derived=True)


if __name__ == "__main__":
    main()

"""How often equal arms are told apart, and how often an interval holds the true difference. Nothing is trained.

    python -m benchmarks.verdicts [--studies 1000] [--write]

Every study is judged as a real one is: all its claims together, exact tests, Holm. ``--write`` puts the tables into
docs/statistics.md. Fails where false verdicts are more frequent than 5 % beyond Monte-Carlo error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from math import ceil
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.article import Article, at_the_margin, equal, some_true
from benchmarks.claims import EQUAL, MIXED, ROWS, Design, Values, hard
from study.stats.estimates import mean_interval
from study.stats.exact import ALPHA
from study.stats.reliability import exact_interval

PAGE = Path(__file__).parents[1] / "docs" / "statistics.md"
PROCESSES = 2
SAMPLES = 4_000  # of each shape, for coverage
DESIGNS: tuple[Article | Design, ...] = (
    Article("the article, arms equal", equal, 12),
    Article("the article, arms apart by the margins", at_the_margin, 12, share=0.2),
    Article("the article, a third of it true", some_true, 12, share=0.05),
    Article("the article, arms apart by the margins", at_the_margin, 16, share=0.05),
    Design("6 claims, every kind", MIXED, 6, 10),
    *(Design(f"1 claim: {name}", (draw,), 1, 10) for name, draw in EQUAL.items()),
)


SHAPES: dict[str, tuple[Callable[[np.random.Generator, int], Values], float]] = {  # with the true mean
    "normal": (lambda rng, n: rng.normal(size=n), 0.0),
    "accuracies": (lambda rng, n: rng.binomial(ROWS, hard(rng, n), size=(2, n)).T @ [1.0, -1.0], 0.0),
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


def false_verdicts(studies: int) -> tuple[list[str], bool]:
    """The lines of a table, and whether every rate may be 5 % or less."""
    fine, lines = True, ["| study | seeds | studies | with a false verdict | 95 % interval | true claims supported |"]
    lines += ["|---|---:|---:|---:|---|---:|"]
    pool = ProcessPoolExecutor(PROCESSES, get_context("spawn"))
    for design in DESIGNS:
        made = ceil(studies * (design.share if isinstance(design, Article) else 1))
        outcomes = list(pool.map(design.study, range(made), chunksize=5))
        wrong = sum(outcome.wrong for outcome in outcomes)
        low, high = exact_interval(wrong, made)
        fine &= low <= ALPHA
        cells = [design.title, design.seeds, f"{made:,}", f"{100 * wrong / made:.1f} %"]
        cells += [f"{100 * low:.1f} to {100 * high:.1f} %"]
        found = [outcome.found for outcome in outcomes if not np.isnan(outcome.found)]
        cells += [f"{100 * np.mean(found):.0f} %" if found else ""]
        lines.append(f"| {' | '.join(map(str, cells))} |")
        print(lines[-1], flush=True)
    return lines, fine


def coverages(pairs: Sequence[int] = (6, 10, 16, 30)) -> list[str]:
    lines = [f"| d | {' | '.join(f'n = {n}' for n in pairs)} |", "|---|" + "---:|" * len(pairs)]
    for shape in SHAPES:
        held = " | ".join(f"{100 * coverage(shape, n):.1f} %" for n in pairs)
        lines.append(f"| {shape} | {held} |")
        print(lines[-1], flush=True)
    return [*lines, "", f"{SAMPLES:,} samples each; Monte-Carlo error 0.3 to 0.6 %."]


def write(text: str, script: str) -> None:
    """Put the tables between the marks of the page."""
    first, last = f"<!-- {script} writes this -->", "<!-- until here -->"
    before, rest = PAGE.read_text().split(first)
    PAGE.write_text(f"{before}{first}\n\n{text}\n\n{last}{rest.split(last, 1)[1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate studies of equal arms.")
    parser.add_argument("--studies", type=int, default=1_000)
    parser.add_argument("--write", action="store_true", help="write the tables into docs/statistics.md")
    arguments = parser.parse_args()
    lines, fine = false_verdicts(arguments.studies)
    lines += ["", *coverages()]
    if arguments.write:
        write("\n".join(lines), "benchmarks/verdicts.py")
    sys.exit(0 if fine else "More false verdicts than 5 %.")


if __name__ == "__main__":
    main()

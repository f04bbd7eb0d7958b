"""How often axes of equal effect are told apart, and axes of which one has none. Nothing is trained.

    python -m benchmarks.effects [--studies 2000] [--seeds 6,10,16]

Cells of two axes are drawn with effects that spread by S and S', in standard deviations of a run, and it is claimed
that those of the one axis spread further. *Slopes*: the effects of the second axis differ by 1.5 from seed to seed;
*one noisy level*: runs of its last level have four times the noise. Fails where false verdicts are more frequent than
5 % beyond Monte-Carlo error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from study.stats.exact import ALPHA
from study.stats.factorial import spreads
from study.stats.paired import nearest
from study.stats.reliability import exact_interval

Values = NDArray[Any]
METRIC = "test_accuracy"
LEVELS = ((2, 2), (2, 5), (5, 2), (3, 5))
SAME = (0.0, 0.2, 0.4, 0.8, 1.6)  # S and S'
MARGINS = tuple(product((0.6, 1.5), (0.0, 0.6)))  # S - S', and S'
APART = ((0.5, 0.0), (0.7, 0.2))  # S and S'
NOISE: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Values]] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape),
    "slopes": lambda rng, shape: rng.normal(size=shape) + 1.5 * rng.normal(size=(*shape[:2], 1, shape[3])),
    "one noisy level": lambda rng, shape: rng.normal(size=shape) * np.where(np.arange(shape[3]) < shape[3] - 1, 1, 4),
}


def decided(noise: str, shape: tuple[int, ...], sizes: tuple[float, float], margin: float = 0.0) -> float:
    """The share of studies that are decided. ``shape``: studies, seeds, levels of the two axes; ``sizes``: S and S'."""
    one, other = (size * effects(count) for size, count in zip(sizes, shape[2:], strict=True))
    x = NOISE[noise](np.random.default_rng(shape[1:]), shape) + one[:, None] + other
    found = (spreads(METRIC, study, (1, 2)) for study in x)
    d = np.array([nearest(each.first - each.second, margin, each.room) for each in found]) - margin
    p = np.concatenate([two_sided(part) for part in np.array_split(d, max(1, len(d) // 100))])
    return float((p <= ALPHA).mean())


def effects(levels: int) -> Values:
    """Equally spaced, with the root mean square 1."""
    x = np.arange(levels) - (levels - 1) / 2
    return np.asarray(x / np.sqrt((x**2).mean()))


def two_sided(d: Values) -> Values:
    """p of the sign-flip test of every study, over all patterns. d: [studies, seeds]"""
    signs = 1 - 2 * (np.arange(2 ** d.shape[1])[:, None] >> np.arange(d.shape[1]) & 1)
    sums, tie = d @ signs.T, 1e-9
    tails = (sums >= sums[:, :1] - tie).mean(axis=1), (sums <= sums[:, :1] + tie).mean(axis=1)
    return np.minimum(1, 2 * np.minimum(*tails))


def rows(studies: int, seeds: list[int]) -> Iterator[tuple[str, float]]:
    """Lines of a table, and the largest share of false verdicts in each."""
    for noise, n in product(NOISE, seeds):
        shapes = [(studies, n, *levels) for levels in LEVELS]
        same = [decided(noise, shape, (size, size)) for shape, size in product(shapes, SAME)]
        at = [decided(noise, shape, (small + m, small), m) for shape, (m, small) in product(shapes, MARGINS)]
        found = [[decided(noise, shape, sizes) for shape in shapes] for sizes in APART]
        cells = [f"{100 * min(one):.1f} to {100 * max(one):.1f} %" for one in (same, at)]
        cells += [f"{100 * min(one):.0f} to {100 * max(one):.0f} %" for one in found]
        yield f"| {noise} | {n} | {' | '.join(cells)} |", max(same + at)


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate claims about the effects of axes.")
    parser.add_argument("--studies", type=int, default=2_000)
    parser.add_argument("--seeds", default="6,10,16")
    arguments = parser.parse_args()
    worst = 0.0
    print("| noise | seeds | S = S': false | apart by the margin: false |", *(f"{s} and {t} |" for s, t in APART))
    print("|---|---:|" + "---:|" * (2 + len(APART)))
    for line, false in rows(arguments.studies, [int(n) for n in arguments.seeds.split(",")]):
        worst = max(worst, false)
        print(line, flush=True)
    many = round(worst * arguments.studies)  # of some 400 shares the largest
    low, _ = exact_interval(many, arguments.studies, 1 - 0.05 / 400)
    sys.exit("More false verdicts than 5 %." if low > ALPHA else 0)


if __name__ == "__main__":
    main()

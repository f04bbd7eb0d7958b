"""How often a method that is tuned twice is told apart from itself, and what of that tuning by seed mends.

    python -m benchmarks.retuning [--studies 1000] [--only alike,claims] [--write]

Nothing is trained: candidates and seeds are drawn from ``pool.parquet``, real runs of the article's arms, 48 seeds
each. *By seed*: each run is tuned for itself, with one tuning seed. *Once*: one search with three tuning seeds chooses
for all runs.

*Alike*: one arm is tuned twice, independently; both sides are run with the same seeds, and judged by a claim without a
margin. *Claims*: those of the article that the pool has both arms for are judged together, and what becomes of each
when only the tuning is drawn anew; and all that it has one arm for, with that arm against itself, any of which may be
false. The pool has no seconds: in claims on them the steps are real, and take as long as in rounds of a timing job that
differ as measured ones do. ``--write`` puts the tables into docs/statistics.md. Fails where tuning by seed is wrong in
more than 5 % of studies beyond Monte-Carlo error.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.pool import POOL, Arm, Seeds, rounds
from benchmarks.verdicts import PROCESSES, write
from study.metric import Select
from study.metrics import METRICS
from study.stats.exact import ALPHA
from study.stats.paired import Side, Statement
from study.stats.reliability import exact_interval
from study.stats.verdict import Word, judge, weigh

Claim = tuple[str, str, str]  # metric, better, than
SEEDS = 16  # of the runs of a study
ONCE = 3  # tuning seeds of one search for all runs
SIX = ["adam", "batch 16", "momentum", "sgd", "sigmoid", "step"]
ALIKE = ["test_accuracy", "test_loss", "train_accuracy", "train_loss", "epochs_to_target"]
CLAIMS: list[Claim] = [  # of the article, those that count; sgd has relu, no schedule, no dropout, and batches of 32
    ("test_accuracy", "sgd", "sigmoid"),
    ("seconds_to_target", "sgd", "sigmoid"),
    ("steps_to_target", "adam", "momentum"),
    ("steps_to_target", "momentum", "sgd"),
    ("epochs_to_target", "exponential", "step"),
    ("epochs_to_target", "step", "sgd"),
    ("train_loss", "exponential", "step"),
    ("train_loss", "step", "sgd"),
    ("seconds_to_target", "batch 64", "sgd"),
    ("seconds_to_target", "sgd", "batch 16"),
    ("epochs_to_target", "batch 64", "sgd"),
    ("epochs_to_target", "sgd", "batch 16"),
    ("test_accuracy", "l2", "l1"),
    ("small_weights", "l2", "l1"),
    ("train_accuracy", "sgd", "dropout 0.3"),
    ("train_accuracy", "dropout 0.3", "dropout 0.5"),
    ("test_accuracy", "dropout 0.5", "dropout 0.3"),
    ("test_accuracy", "dropout 0.3", "sgd"),
    ("epochs_to_target", "sgd", "zeros"),
    ("test_accuracy", "sgd", "zeros"),
    ("seconds_to_target", "adagrad", "rmsprop"),
    ("seconds_to_target", "rmsprop", "sgd"),
    ("test_accuracy", "rmsprop", "adagrad"),
    ("test_accuracy", "adagrad", "sgd"),
    ("train_seconds", "gpus=4", "gpus=2"),
    ("train_seconds", "gpus=2", "gpus=1"),
    ("test_accuracy", "lr 0.005, batch 16", "lr 0.001, batch 64"),
    ("test_accuracy", "lr 0.001, batch 64", "lr 0.01, batch 32"),
]
ROUNDS = 6  # of the claims on training time


@cache
def arms() -> dict[str, Arm]:
    return {str(label): Arm(runs) for label, runs in pd.read_parquet(POOL).groupby("label")}


def by_seed(arm: Arm, select: Select | None, tuning: Seeds, runs: int) -> list[int]:
    """The candidates of ``runs`` runs, each tuned with a seed of its own."""
    return [arm.chosen(select, (int(seed),)) for seed in tuning[:runs]]


def once(arm: Arm, select: Select | None, tuning: Seeds, runs: int) -> list[int]:
    """One candidate for all runs."""
    return [arm.chosen(select, tuple(sorted(map(int, tuning[:ONCE]))))] * runs


WAYS: dict[str, Callable[[Arm, Select | None, Seeds, int], list[int]]] = {"once": once, "by seed": by_seed}


def false(arm: Arm, metric: str, way: str, number: int) -> bool:
    """Whether one study of a method against itself tells them apart."""
    rng = np.random.default_rng((number, len(metric)))
    drawn = rng.permutation(arm.seeds)
    seeds, tuning = drawn[:SEEDS], np.array_split(drawn[SEEDS:], 2)
    found = weigh(statement(metric, (("a", arm), ("b", arm)), way, [seeds, seeds], tuning))  # adjusted for no other
    return found.favours is not None and found.p is not None and found.p <= ALPHA


def statement(
    metric: str,
    sides: tuple[tuple[str, Arm], tuple[str, Arm]],
    way: str,
    seeds: Sequence[Seeds],
    tuning: Sequence[Seeds],
) -> Statement:
    """A claim that the first of two arms is better. ``seeds``: of the runs of each; ``tuning``: of its search."""
    select = METRICS[metric].selected_by(regression=False)
    one, other = (
        arm.side(label, metric, runs, WAYS[way](arm, select, own, len(runs)))
        for (label, arm), runs, own in zip(sides, seeds, tuning, strict=True)
    )
    return Statement(metric, one, other)


def family(stated: Sequence[Claim], way: str, alike: bool, number: int) -> list[Word]:
    """The verdicts of one study on what is ``stated``. ``alike``: every arm against itself, tuned twice."""
    rng, claims, of = np.random.default_rng((number, 7)), [], arms()
    every = of["sgd"].seeds
    for metric, better, than in stated:
        drawn = rng.permutation(every)
        if metric == "train_seconds":
            finished = np.array(["finished"] * ROUNDS)
            one, other = (Side(label, rounds(label, drawn[:ROUNDS]), finished) for label in (better, than))
            claims.append(Statement(metric, one, other))
            continue
        seeds, tuning = [drawn[:SEEDS]] * 2, [drawn[SEEDS:]] * 2  # seed by seed, as in a real study
        if alike:
            tuning = np.array_split(drawn[SEEDS:], 2)
            if len(of[than].settings) == 1:  # nothing is tuned: the same seeds would be the same runs
                seeds = [drawn[:SEEDS], drawn[SEEDS : 2 * SEEDS]]
        sides = ((better, of[than if alike else better]), (than, of[than]))
        claims.append(statement(metric, sides, way, seeds, tuning))
    return [verdict.word for verdict in judge(claims)]


def wrong(metric: str, word: Word) -> bool:
    """Of two arms that are alike. Not to be better by a margin is true of them."""
    return word == "supported" if METRICS[metric].margin else word != "undecided"


def tuned_again(claim: Claim, way: str, number: int) -> Word:
    """What a claim comes to as one of the article's, by the same run seeds, when only the tuning is drawn anew."""
    metric, better, than = claim
    one, other = arms()[better], arms()[than]
    tuning = np.random.default_rng((number, 3)).permutation(one.seeds[SEEDS:])
    found = weigh(statement(metric, ((better, one), (than, other)), way, [one.seeds[:SEEDS]] * 2, [tuning] * 2))
    if found.favours is None or found.p is None or found.p * len(CLAIMS) > ALPHA:
        return "undecided"
    return "supported" if found.favours else "refuted"


def of_claims(studies: int) -> tuple[list[str], bool]:
    """How often claims are decided, and how often falsely; whether that is in 5 % of studies or fewer."""
    lines = ["| claim | one search | by seed | tuned again: one search | by seed |", "|---|---|---|---|---|"]
    stated = [claim for claim in CLAIMS if {*claim[1:]} <= arms().keys() and "seconds" not in claim[0]]
    against = [claim for claim in CLAIMS if claim[2] in arms() or claim[0] == "train_seconds"]
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:

        def each(study: Callable[[int], Any]) -> list[Any]:
            return list(pool.map(study, range(studies), chunksize=5))

        found = {way: each(partial(family, stated, way, False)) for way in WAYS}
        for place, claim in enumerate(stated):
            cells = [shares(Counter(words[place] for words in found[way])) for way in WAYS]
            tuned = {len(arms()[label].settings) for label in claim[1:]} != {1}
            cells += [shares(Counter(each(partial(tuned_again, claim, way)))) if tuned else "–" for way in WAYS]
            lines.append(f"| {claim[1]}: {METRICS[claim[0]].comparative} than {claim[2]} | {' | '.join(cells)} |")
            print(lines[-1], flush=True)
        lines += [
            "",
            f"Every arm against itself, {studies:,} studies of {len(against)} of the {len(CLAIMS)} claims:",
            "",
        ]
        lines += ["| tuned | with a false verdict | 95 % interval |", "|---|---:|---|"]
        for way in WAYS:
            judged = each(partial(family, against, way, True))
            many = sum(any(wrong(c[0], word) for c, word in zip(against, words, strict=True)) for words in judged)
            low, high = exact_interval(many, studies)
            lines.append(f"| {way} | {100 * many / studies:.1f} % | {100 * low:.1f} to {100 * high:.1f} % |")
            print(lines[-1], flush=True)
    return lines, bool(low <= ALPHA)  # of the last way, by seed


def shares(words: Counter[str]) -> str:
    """``supported 30, refuted 0, undecided 70``, in percent; those that there are."""
    every = sum(words.values())
    order = ("supported", "within the margin", "refuted", "undecided")
    return ", ".join(f"{word} {100 * words[word] / every:.0f}" for word in order if words[word])


def rates(studies: int) -> Iterator[tuple[str, str, str, int]]:
    """Arm, metric, way of tuning, and of so many studies those with a false verdict."""
    for label in SIX:
        arm = arms()[label]
        for metric in ALIKE:
            for way in WAYS:
                yield label, metric, way, sum(false(arm, metric, way, number) for number in range(studies))


def table(found: Sequence[tuple[str, str, str, int]], studies: int) -> list[str]:
    """Rows of arms, columns of metrics: ``once → by seed``, in percent."""
    lines = [f"| arm | {' | '.join(METRICS[metric].title for metric in ALIKE)} |"]
    lines += ["|---|" + "---:|" * len(ALIKE)]
    counts = {(label, metric, way): many for label, metric, way, many in found}
    for label in dict.fromkeys(label for label, *_ in found):
        cells = [" → ".join(f"{100 * counts[label, metric, way] / studies:.1f}" for way in WAYS) for metric in ALIKE]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1_000, help="of each arm and metric")
    parser.add_argument("--only", default="alike,claims", help="which of the two")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/statistics.md")
    arguments = parser.parse_args()
    fine = True
    if "claims" in arguments.only:
        lines, fine = of_claims(arguments.studies)
        if arguments.write:
            write("\n".join(lines), "benchmarks/retuning.py, claims")
    if "alike" not in arguments.only:
        sys.exit(0 if fine else "More false verdicts than 5 % on the claims of the article.")
    found = list(rates(arguments.studies))
    print("\n".join(table(found, arguments.studies)))
    if arguments.write:
        write("\n".join(table(found, arguments.studies)), "benchmarks/retuning.py, alike")
    for way in WAYS:
        worst = max((many, f"{label}, {metric}") for label, metric, own, many in found if own == way)
        mean = np.mean([many for *_, own, many in found if own == way]) / arguments.studies
        print(f"{way}: {100 * mean:.1f} % on average, at most {100 * worst[0] / arguments.studies:.1f} % ({worst[1]})")
    above = [
        f"{label}, {metric}"
        for label, metric, way, many in found
        if way == "by seed" and exact_interval(many, arguments.studies, 1 - 0.05 / len(found))[0] > ALPHA
    ]
    sys.exit(f"More false verdicts than 5 %: {'; '.join(above)}" if above or not fine else 0)


if __name__ == "__main__":
    main()

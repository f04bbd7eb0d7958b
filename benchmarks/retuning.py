"""How often a method that is tuned twice is told apart from itself, and what of that tuning by seed mends.

    python -m benchmarks.retuning [--studies 1000] [--only alike,claims]
    python -m benchmarks.retuning --pool FOLDER   # write pool.parquet from the results of pool.yaml

Nothing is trained: candidates and seeds are drawn from ``pool.parquet``, real runs of nine rates of six arms, 48 seeds
each. *By seed*: each run is tuned for itself, with one tuning seed. *Once*: one search with three tuning seeds chooses
for all runs.

*Alike*: one arm is tuned twice, independently; both sides are run with the same seeds, and judged by a claim without a
margin. *Claims*: those of the article that the pool has the arms for are judged together; the same with every arm
against itself, where any verdict is false, and so all arms in all metrics, about as many claims as the article has; and
what becomes of each when only the tuning is drawn anew. Fails where tuning by seed is wrong in more than 5 % of studies
beyond Monte-Carlo error.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from study.metrics import METRICS, Select
from study.plan.choice import Trial, rank
from study.stats.exact import ALPHA
from study.stats.paired import Side, Statement, weigh
from study.stats.reliability import exact_interval
from study.stats.verdict import Word, judge

Claim = tuple[str, str, str]  # metric, better, than
POOL = Path(__file__).parent / "pool.parquet"
SEEDS = 16  # of the runs of a study
ONCE = 3  # tuning seeds of one search for all runs
METRICS_JUDGED: dict[str, Select] = {  # and what their arms are tuned by
    "test_accuracy": "val_accuracy",
    "test_loss": "val_loss",
    "train_accuracy": "train_accuracy",
    "train_loss": "train_loss",
    "epochs_to_target": "steps_to_target",
    "steps_to_target": "steps_to_target",
}
ALIKE = list(METRICS_JUDGED)[:5]
CLAIMS: list[Claim] = [  # of the article
    ("test_accuracy", "sgd", "sigmoid"),  # sgd has relu, no schedule, and batches of 32
    ("epochs_to_target", "sgd", "sigmoid"),
    ("steps_to_target", "adam", "momentum"),
    ("steps_to_target", "momentum", "sgd"),
    ("epochs_to_target", "step", "sgd"),
    ("train_loss", "step", "sgd"),
    ("epochs_to_target", "sgd", "batch 16"),
]
COUNTED = 28  # claims of the article that Holm's method corrects for
COLUMNS = [
    "label", "lr", "seed", "status", "val_accuracy", "val_loss", "test_accuracy", "test_loss", "train_accuracy",
    "train_loss", "steps_to_target", "epochs_to_target",
]  # fmt: skip
Seeds = NDArray[np.int64]


class Arm:
    """The runs of an arm's candidates, by seed."""

    def __init__(self, runs: pd.DataFrame) -> None:
        self.rates = sorted(runs["lr"].unique())
        self.rows = [runs[runs["lr"] == lr].set_index("seed") for lr in self.rates]
        self.dicts = [rows.astype(object).where(rows.notna(), None).to_dict("index") for rows in self.rows]
        self.seeds = np.array(sorted(runs["seed"].unique()))
        self.chosen = cache(self._chosen)

    def _chosen(self, select: Select, tuning: tuple[int, ...]) -> int:
        """The place of the candidate that these tuning seeds choose."""
        trials = [
            Trial({"optimizer.lr": lr}, [rows[seed] for seed in tuning])
            for lr, rows in zip(self.rates, self.dicts, strict=True)
        ]
        return rank(trials, select)[0]

    def side(self, label: str, metric: str, seeds: Seeds, candidates: Sequence[int]) -> Side:
        """The runs of ``seeds``, each with a candidate."""
        rows = [self.dicts[place][seed] for place, seed in zip(candidates, seeds, strict=True)]
        values = np.array([np.nan if row[metric] is None else row[metric] for row in rows], dtype=float)
        status = np.array([row["status"] for row in rows])
        if METRICS[metric].target:
            values[np.isnan(values)] = np.inf
        return Side(label, values, np.array(["finished"] * len(rows)) if METRICS[metric].target else status)


def by_seed(arm: Arm, select: Select, tuning: Seeds, runs: int) -> list[int]:
    """The candidates of ``runs`` runs, each tuned with a seed of its own."""
    return [arm.chosen(select, (int(seed),)) for seed in tuning[:runs]]


def once(arm: Arm, select: Select, tuning: Seeds, runs: int) -> list[int]:
    """One candidate for all runs."""
    return [arm.chosen(select, tuple(sorted(map(int, tuning[:ONCE]))))] * runs


WAYS: dict[str, Callable[[Arm, Select, Seeds, int], list[int]]] = {"once": once, "by seed": by_seed}


def false(arm: Arm, metric: str, way: str, number: int) -> bool:
    """Whether one study of a method against itself tells them apart."""
    rng = np.random.default_rng((number, len(metric)))
    drawn = rng.permutation(arm.seeds)
    seeds, tuning = drawn[:SEEDS], np.array_split(drawn[SEEDS:], 2)
    found = weigh(statement(metric, (("a", arm), ("b", arm)), way, seeds, tuning))  # adjusted for no other
    return found.favours is not None and found.p is not None and found.p <= ALPHA


def statement(
    metric: str, sides: tuple[tuple[str, Arm], tuple[str, Arm]], way: str, seeds: Seeds, tuning: Sequence[Seeds]
) -> Statement:
    """A claim that the first of two arms is better. ``tuning``: the seeds that each is tuned with."""
    one, other = (
        arm.side(label, metric, seeds, WAYS[way](arm, METRICS_JUDGED[metric], own, len(seeds)))
        for (label, arm), own in zip(sides, tuning, strict=True)
    )
    return Statement(metric, one, other)


def family(arms: Mapping[str, Arm], stated: Sequence[Claim], way: str, number: int, alike: bool) -> list[Word]:
    """The verdicts of one study on what is ``stated``. ``alike``: every arm against itself, tuned twice."""
    rng, seeds = np.random.default_rng((number, 7)), next(iter(arms.values())).seeds
    claims = []
    for metric, better, than in stated:
        drawn = rng.permutation(seeds)
        tuning = np.array_split(drawn[SEEDS:], 2) if alike else [drawn[SEEDS:]] * 2  # seed by seed, as in a real study
        sides = ((better, arms[than if alike else better]), (than, arms[than]))
        claims.append(statement(metric, sides, way, drawn[:SEEDS], tuning))
    return [verdict.word for verdict in judge(claims)]


def tuned_again(arms: Mapping[str, Arm], claim: Claim, way: str, times: int) -> Counter[str]:
    """What a claim comes to as one of ``COUNTED``, by the same run seeds, when only the tuning is drawn anew."""
    metric, better, than = claim
    found: Counter[str] = Counter()
    seeds = arms[than].seeds
    for number in range(times):
        tuning = np.random.default_rng((number, 3)).permutation(seeds[SEEDS:])
        sides = ((better, arms[better]), (than, arms[than]))
        evidence = weigh(statement(metric, sides, way, seeds[:SEEDS], [tuning] * 2))
        clear = evidence.p is not None and evidence.p * COUNTED <= ALPHA
        found[
            "undecided" if not clear or evidence.favours is None else "supported" if evidence.favours else "refuted"
        ] += 1
    return found


def of_claims(pool: pd.DataFrame, studies: int) -> bool:
    """Print how often claims are decided, and how often falsely; whether that is in 5 % of studies or fewer."""
    arms, fine = {str(label): Arm(runs) for label, runs in pool.groupby("label")}, True
    print("| claim | once | by seed | tuned again: once | by seed |\n|---|---|---|---|---|")
    found = {way: [family(arms, CLAIMS, way, number, alike=False) for number in range(studies)] for way in WAYS}
    for place, claim in enumerate(CLAIMS):
        cells = [shares(Counter(words[place] for words in found[way])) for way in WAYS]
        cells += [shares(tuned_again(arms, claim, way, studies)) for way in WAYS]
        print(f"| {claim[1]}: {METRICS[claim[0]].comparative} than {claim[2]} | {' | '.join(cells)} |", flush=True)
    every = [(metric, label, label) for label in arms for metric in ALIKE]
    for stated, way in product((CLAIMS, every), WAYS):
        words = [family(arms, stated, way, number, alike=True) for number in range(studies)]
        wrong = sum(any(word != "undecided" for word in study) for study in words)
        low, high = exact_interval(wrong, studies)
        share = f"{100 * wrong / studies:.1f} % of {studies:,} studies ({100 * low:.1f} to {100 * high:.1f} %)"
        print(f"{way}: any false verdict among {len(stated)} claims on arms that are alike in {share}", flush=True)
        fine &= way == "once" or low <= ALPHA
    return fine


def shares(words: Counter[str]) -> str:
    """``supported 30, refuted 0, undecided 70``, in percent; those that there are."""
    every = sum(words.values())
    order = ("supported", "refuted", "undecided")
    return ", ".join(f"{word} {100 * words[word] / every:.0f}" for word in order if words[word])


def rates(pool: pd.DataFrame, studies: int) -> Iterator[tuple[str, str, str, int]]:
    """Arm, metric, way of tuning, and of so many studies those with a false verdict."""
    for label, runs in pool.groupby("label", sort=False):
        arm = Arm(runs)
        for metric in ALIKE:
            for way in WAYS:
                yield str(label), metric, way, sum(false(arm, metric, way, number) for number in range(studies))


def table(found: Sequence[tuple[str, str, str, int]], studies: int) -> list[str]:
    """Rows of arms, columns of metrics: ``once → by seed``, in percent."""
    lines = [f"| arm | {' | '.join(METRICS[metric].title for metric in ALIKE)} |"]
    lines += ["|---|" + "---:|" * len(ALIKE)]
    counts = {(label, metric, way): wrong for label, metric, way, wrong in found}
    for label in dict.fromkeys(label for label, *_ in found):
        cells = [" → ".join(f"{100 * counts[label, metric, way] / studies:.1f}" for way in WAYS) for metric in ALIKE]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def pool_of(folder: Path) -> pd.DataFrame:
    """The runs of a results folder of pool.yaml."""
    runs = pd.read_parquet(folder / "studies" / "pool" / "runs.parquet")
    summary = pd.read_parquet(folder / "studies" / "pool" / "summary.parquet").drop_duplicates("arm")
    labels = summary.set_index("arm")["label"].str.replace(r", lr=.*", "", regex=True)
    return runs.assign(label=runs["arm"].map(labels))[COLUMNS].sort_values(["label", "lr", "seed"], ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1_000, help="of each arm and metric")
    parser.add_argument("--pool", type=Path, help="results folder of pool.yaml")
    parser.add_argument("--only", default="alike,claims", help="which of the two")
    arguments = parser.parse_args()
    if arguments.pool:
        pool_of(arguments.pool).to_parquet(POOL, compression="zstd", index=False)
        return
    pool, fine = pd.read_parquet(POOL), True
    if "claims" in arguments.only:
        fine = of_claims(pool, arguments.studies)
    if "alike" not in arguments.only:
        sys.exit(0 if fine else "More false verdicts than 5 % on the claims of the article.")
    found = list(rates(pool, arguments.studies))
    print("\n".join(table(found, arguments.studies)))
    for way in WAYS:
        worst = max((wrong, f"{label}, {metric}") for label, metric, own, wrong in found if own == way)
        mean = np.mean([wrong for *_, own, wrong in found if own == way]) / arguments.studies
        print(f"{way}: {100 * mean:.1f} % on average, at most {100 * worst[0] / arguments.studies:.1f} % ({worst[1]})")
    many = [
        f"{label}, {metric}"
        for label, metric, way, wrong in found
        if way == "by seed" and exact_interval(wrong, arguments.studies, 1 - 0.05 / len(found))[0] > ALPHA
    ]
    sys.exit(f"More false verdicts than 5 %: {'; '.join(many)}" if many or not fine else 0)


if __name__ == "__main__":
    main()

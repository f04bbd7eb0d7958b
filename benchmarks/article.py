"""The article's study with made records: every claim of config/article.yaml, on arms of which the truth is known.

An arm shares with the others what a seed or a round of the timing job does to all. What is its own is drawn alike for
every arm but for its level, so that two arms of one level are exchangeable.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import count
from math import ceil, log
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.claims import NOT_BETTER, Outcome, Values
from study.metrics import METRICS
from study.plan.file.claim import PlannedClaim
from study.plan.file.expand import prepare
from study.plan.history import History
from study.plan.plan import Plan
from study.show.claims.verdicts import Ruling, judge
from study.show.observations import Observations, observe
from study.show.records import STUDY_RUNS, Records
from study.store.layout import Store
from study.store.schemas import CURVES, TIMING, TUNING

FILE = Path(__file__).parents[1] / "config" / "article.yaml"
ROWS = {"train": 1077, "val": 360, "test": 360}  # of digits
WEIGHTS = 5_000
MIB = 2**20
SCALE = {"train_seconds": "seconds", "seconds_to_target": "seconds", "speedup": "seconds"}  # one level decides all
AHEAD = {"test_accuracy": 0.02, "train_accuracy": 0.02, "small_weights": 0.01, "train_loss": log(1.5),
         "seconds": log(1.1 * 1.2)}  # fmt: skip
Levels = dict[str, dict[str, float]]  # scale → arm → how good it is, as differences are measured


class Drawn(NamedTuple):
    """What became of one arm."""

    ends: dict[str, Values]  # final metric → its value if the run finishes [seeds]
    reached: Values  # epoch of the first evaluation at the target; beyond the budget where there is none [seeds]
    stopped: Values  # last epoch before it diverged; inf: it finished, -1: before the first evaluation [seeds]
    val_rows: Values  # classified correctly [seeds, epochs + 1]
    step_seconds: Values  # [rounds]


def equal(place: int, claim: PlannedClaim) -> float:
    """No arm is better: of claims with a margin, "better by less than the margin" is true."""
    return 0.0


def at_the_margin(place: int, claim: PlannedClaim) -> float:
    """Every arm said to be faster is so by exactly the margin, so that no verdict on it is true."""
    return margin_of(claim) if scale_of(claim) == "seconds" else 0.0


def some_true(place: int, claim: PlannedClaim) -> float:
    """Every second claim is true, but for those on epochs, steps and memory: a third of all."""
    return AHEAD.get(scale_of(claim), 0.0) * (place % 2)


class Article(NamedTuple):
    """The study with so many seeds. ``ahead``: by how much a claim is true, given its place in the study."""

    title: str
    ahead: Callable[[int, PlannedClaim], float]
    seeds: int
    share: float = 1.0  # of the studies asked for

    def study(self, number: int) -> Outcome:
        """Make and judge one study."""
        plan = planned(self.seeds)
        found = levels(plan, self.ahead)
        drawn = draw(plan, found, np.random.default_rng((number, self.seeds)))
        return outcome(judge(plan, observations(plan, drawn), History(claims={}, looks={}, drawn={})), found)


def outcome(rulings: list[Ruling], found: Levels) -> Outcome:
    """A verdict is false where the truth, by how much the arms really differ, is another or lies on the margin."""
    wrong, supported = False, []
    for _, claim, verdict in rulings:
        level = found.get(scale_of(claim), {})
        beyond = round(level.get(claim.better_arm, 0.0) - level.get(claim.than_arm, 0.0) - margin_of(claim), 9)
        wrong |= (verdict.word == "supported" and beyond <= 0) or (verdict.word in NOT_BETTER and beyond >= 0)
        supported += [verdict.word == "supported"] if beyond > 0 else []
    return Outcome(bool(wrong), float(np.mean(supported)) if supported else np.nan)


def scale_of(claim: PlannedClaim) -> str:
    return SCALE.get(claim.metric, claim.metric)


def margin_of(claim: PlannedClaim) -> float:
    """On the scale of differences."""
    about = METRICS[claim.metric]
    return about.threshold(about.margin if claim.margin is None else claim.margin)


@cache
def planned(seeds: int) -> Plan:
    """The plan of the article with at most so many seeds and rounds."""
    plan = prepare(FILE, Store(Path("results")))
    assert plan.timing is not None
    return plan.model_copy(
        update={
            "comparisons": tuple(c.model_copy(update={"seeds": min(c.seeds, seeds)}) for c in plan.comparisons),
            "seeds": {arm: min(n, seeds) for arm, n in plan.seeds.items()},
            "timing": plan.timing.model_copy(update={"rounds": min(plan.timing.rounds, seeds)}),
        }
    )


def levels(plan: Plan, ahead: Callable[[int, PlannedClaim], float]) -> Levels:
    """The levels of arms at which each claim is ``ahead`` by what it should be, on each scale.

    Claims of one scale never close a circle, so that some levels fit them all.
    """
    places, arms, found = count(), list(plan.arms), {}
    claims = [(claim, ahead(next(places), claim)) for c in plan.comparisons for claim in c.claims if not claim.derived]
    for scale in {scale_of(claim) for claim, _ in claims} - {"steps_to_target", "epochs_to_target", "memory_mib"}:
        mine = [(claim, gap) for claim, gap in claims if scale_of(claim) == scale]
        sides = [[(arm == claim.better_arm) - (arm == claim.than_arm) for arm in arms] for claim, _ in mine]
        level = np.linalg.lstsq(np.array(sides, dtype=float), np.array([gap for _, gap in mine]))[0]
        found[scale] = dict(zip(arms, level - level.max(), strict=True))
    return found


def draw(plan: Plan, found: Levels, rng: np.random.Generator) -> dict[str, Drawn]:
    """By arm. How many runs diverge, reach the target, or reach it at the same time is the study's, not the arm's."""
    assert plan.timing is not None
    seeds, rounds = max(plan.seeds.values()), plan.timing.rounds
    hard = rng.normal(0.96, 0.008, seeds).clip(0.5, 0.99)
    loss, small = rng.lognormal(-3, 0.3, seeds), rng.uniform(0.02, 0.1, seeds)
    pace = rng.lognormal(log(rng.choice([0.2, 0.75])), 0.25, seeds)  # of the budget, until the target
    own, lost = rng.choice([0.03, 0.25]), rng.choice([0, 0, 0.05, 0.3])
    machine = 1e-2 * np.exp(rng.normal(0, 0.1, rounds)) * (1 + (rng.random(rounds) < 0.2))  # of an epoch
    drawn = {}
    for arm, planned_arm in plan.arms.items():
        recipe = planned_arm.outline
        n, level = plan.seeds[arm], {scale: of[arm] for scale, of in found.items()}
        share = {"test_accuracy": hard, "train_accuracy": hard + 0.005, "small_weights": small}
        total = {"test_accuracy": ROWS["test"], "train_accuracy": ROWS["train"], "small_weights": WEIGHTS}
        ends = {m: rng.binomial(total[m], (share[m][:n] + level[m]).clip(0, 1)) / total[m] for m in share}
        ends["train_loss"] = loss[:n] * (1 + rng.exponential(0.3, n) ** 2) * np.exp(-level["train_loss"])
        reached = np.ceil(recipe.epochs * pace[:n] * rng.lognormal(0, own, n)).clip(1)
        gone = np.where(rng.random(n) < 0.75, rng.integers(0, recipe.epochs, n), -1)
        stopped = np.where(rng.random(n) < lost, gone, np.inf)
        epoch, least = np.arange(recipe.epochs + 1), ceil(0.95 * ROWS["val"])
        later = rng.integers(least - 10, ROWS["val"], (n, len(epoch)))
        before = np.minimum(later, least - 1)
        rows = np.where(epoch < reached[:, None], before, np.where(epoch == reached[:, None], least, later))
        noise = 0.04 * rng.standard_t(3, rounds) - level["seconds"]
        drawn[arm] = Drawn(ends, reached, stopped, rows, machine * np.exp(noise) / batches(plan, arm))
    return drawn


def observations(plan: Plan, drawn: dict[str, Drawn]) -> Observations:
    """What such a study is judged by: of its tuning there are no records, and no arm of it is taken for undertuned."""
    return Observations(observe(plan, records(plan, drawn)).frame.assign(undertuned=False, unsearched=False))


def records(plan: Plan, drawn: dict[str, Drawn]) -> Records:
    """What a study whose runs ended so would leave."""
    runs, curves, timing = [], [], []
    assert plan.timing is not None
    for arm, found in drawn.items():
        recipe, seed = plan.arms[arm].outline, np.arange(len(found.reached))
        status = np.where(np.isinf(found.stopped), "finished", "diverged")
        ends = {metric: np.where(status == "finished", values, np.nan) for metric, values in found.ends.items()}
        about = {"batch_size": recipe.batch_size, "epochs": recipe.epochs, "recipe": recipe.model_dump_json()}
        row = {"arm": arm, "seed": seed, "status": status, "learned": status == "finished"}
        runs.append(pd.DataFrame(row | ends | about | {"train_rows": ROWS["train"]}))
        seeds, epoch = np.nonzero(np.arange(recipe.epochs + 1) <= found.stopped[:, None])
        accuracy = found.val_rows[seeds, epoch] / ROWS["val"]
        row = {"arm": arm, "seed": seeds, "epoch": epoch, "step": epoch * batches(plan, arm), "val_accuracy": accuracy}
        curves.append(pd.DataFrame(row))
        rounds = {"round": np.arange(plan.timing.rounds), "step_seconds": found.step_seconds, "memory_bytes": MIB}
        timing += [pd.DataFrame({"arm": arm} | rounds)] if arm in plan.timing.arms else []
    tables = ((runs, STUDY_RUNS), (curves, CURVES), (timing, TIMING))
    made = [pd.concat(frames, ignore_index=True).reindex(columns=schema.names) for frames, schema in tables]
    return Records(*made, TUNING.empty_table().to_pandas())


def batches(plan: Plan, arm: str) -> int:
    """Steps of an epoch."""
    return ceil(ROWS["train"] / plan.arms[arm].outline.batch_size)

"""The opening of the page: what came out, in one sentence, and what that is worth, in four short ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import pandas as pd

from study.metrics import METRICS
from study.plan.plan import Plan
from study.show.claims.beside import about_new_data, limit
from study.show.claims.table import MARKS, families, note_on_looks, stated_rows, tally
from study.show.formatting import Estimate, effect, quoted, turned
from study.show.observations import device_of
from study.show.page.timing import timed_on
from study.show.records import Records
from study.show.tables import ledger
from study.show.tables.tuning import doubts, found
from study.show.templates import paragraph, paragraphs
from study.wording import counted, listed

NAMED = 4  # datasets, networks, budgets: more of them are counted


def result(claims: pd.DataFrame) -> str:
    """How many claims came out how, and the clearest verdict; of a study without claims that it has none."""
    stated = stated_rows(claims)
    counts = Counter(stated["verdict"])
    return paragraph(
        "result",
        claims=len(stated),
        counts={word: counts[word] for word in MARKS if counts[word]},
        families=len(families(stated)),
        tally=tally(stated),
        clearest=clearest(stated) if len(stated) > 1 else "",
    )


def clearest(claims: pd.DataFrame) -> str:
    """Of two arms that a verdict tells apart, which is better and by how much: by the smallest p, then the largest
    difference as seen against its spread. Empty where there is none.
    """
    ranked = sorted((rank, text) for _, row in claims.iterrows() for rank, text in _told_apart(row))
    return ranked[0][1] if ranked else ""


def _told_apart(row: pd.Series) -> Iterable[tuple[tuple[float, float], str]]:
    ends = [row["estimate"], row["low_adjusted"], row["high_adjusted"]]
    if row["kind"] != "better" or row["verdict"] not in ("supported", "refuted") or any(pd.isna(x) for x in ends):
        return
    about, names = METRICS[row["metric"]], [row["better"], row["than"]]
    nothing = 1.0 if about.ratio else 0.0
    if ends[2] < nothing:  # the other one is better: the same, seen from there
        names.reverse()
        ends = list(turned(row["metric"], Estimate(*ends)))
    if ends[1] > nothing and pd.notna(row["p_adjusted"]):
        cell = effect(row["metric"], *ends)
        by = f"a factor of {cell.value.removeprefix('× ')}" if about.ratio else cell.value
        spread = abs(row["mean"]) / row["sd"] if row["sd"] else math.inf
        text = f"{quoted(names[0])} has {about.comparative} than {quoted(names[1])}, by {by} [{cell.around}]"
        yield (row["p_adjusted"], -spread), text


def worth(plan: Plan, records: Records, claims: pd.DataFrame, over: str, budgets: list[str]) -> list[tuple[str, str]]:
    """What results hold for, what luck is accounted for, whether tuning was fair, and what would change a verdict.

    ``over``: what results generalise over; ``budgets``: as the protocol has them.
    """
    stated, outlines = stated_rows(claims), [arm.outline for arm in plan.arms.values()]
    runs, tuned, waits = records.runs, found(records.tuning), needs(stated)
    doubtful = [name for name, one in tuned.items() if name in plan.arms and one and doubts(one)]
    metrics = [METRICS[metric] for comparison in plan.comparisons for metric in comparison.used]
    parts = paragraphs(
        "opening",
        plan=plan,
        data=_few(dict.fromkeys(_data(plan, runs)), "dataset"),
        networks=_few(dict.fromkeys(one.network.title for one in outlines if not one.trainer.free), "network"),
        budgets=budgets,
        timed=timed_on(plan, records.timing) if any(metric.timed for metric in metrics) else None,
        device=device_of(runs) if len(runs) else None,
        seeds=sorted({one.seeds for one in plan.comparisons if one.here}),
        over=over,
        rounds=records.timing["round"].nunique() if any(metric.per_round for metric in metrics) else 0,
        paired=all(one.paired for one in plan.comparisons),
        counting=int(claims["counts"].sum()) if len(claims) else 0,
        families=len(families(claims)),
        looks=note_on_looks(int(claims["looks"].max()), int(claims["looks_declared"].max())) if len(claims) else "",
        rows=sum(map(about_new_data, (row for _, row in stated.iterrows()))),
        searches=ledger.searches(plan, records),
        doubtful=len({plan.names[name] for name in doubtful}),
        claims=len(stated),
        undecided=int((stated["verdict"] == "undecided").sum()) if len(stated) else 0,
        helps={what: count for what, count in waits.most_common() if what != CLOSE},
        close=waits[CLOSE],
    )
    return [(name, text) for name, _, text in (part.partition(": ") for part in parts)]


def _few(words: Iterable[str], noun: str) -> str:
    found = list(words)
    return listed(found) if len(found) <= NAMED else counted(len(found), noun)


def _data(plan: Plan, runs: pd.DataFrame) -> Iterable[str]:
    """``digits (1,077 rows to train on, 360 to test)``; without rows where more are named, or none has run."""
    ids = runs["arm"].map({arm: recipe.dataset_id for arm, recipe in plan.arms.items()})
    for dataset_id, dataset in plan.datasets.items():
        known = runs[(ids == dataset_id) & runs["train_rows"].notna()]
        rows = ""
        if len(known) and len(plan.datasets) <= NAMED:
            train, test = (int(known[f"{split}_rows"].max()) for split in ("train", "test"))
            rows = f" ({train:,} rows to train on, {test:,} to test)"
        yield f"{dataset.title}{rows}"


def needs(claims: pd.DataFrame) -> Counter[str]:
    """What may decide the undecided claims, and how many of them; those that nothing would: ``CLOSE``."""
    rows = [row for _, row in claims.iterrows() if row["verdict"] == "undecided"]
    kinds = [_need(row) for row in rows]
    pairs = sorted(
        int(row["pairs_needed"])
        for row, kind in zip(rows, kinds, strict=True)
        if kind == SEEDS and pd.notna(row["pairs_needed"])
    )
    ends = " to ".join(dict.fromkeys(f"{end:,}" for end in pairs[:1] + pairs[-1:]))
    return Counter(f"{kind} ({ends})" if kind == SEEDS and ends else kind for kind in kinds)


SEEDS, CLOSE = "more seeds or rounds", "close"


def _need(row: pd.Series) -> str:
    """What an undecided claim waits for."""
    if row["test"] == "none":
        return "the runs that are missing"
    if len(row["undertuned"]):
        return "a wider search"
    if row["test"] == "not estimable" or (pd.isna(row["pairs_even"]) and pd.isna(row["pairs_needed"])):
        return CLOSE
    return "more test rows" if limit(row) else SEEDS


def arms_in(plan: Plan) -> int:
    """How many arms there are, as people count them: one that is tuned for two metrics is one."""
    trained = {(arm.outline.model_dump_json(), arm.search.id if arm.search else "") for arm in plan.arms.values()}
    return len(trained) + len(plan.given)

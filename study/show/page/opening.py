"""The opening of the page: what came out, in one sentence, and what that is worth, in four short ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import pandas as pd

from study.metrics import METRICS
from study.plan.choice import Chosen
from study.plan.file.labels import short
from study.plan.plan import Plan, PlannedComparison
from study.show.claims.beside import about_new_data, limit
from study.show.claims.table import MARKS, families, lines, note_on_looks, pair, stated_rows, tally
from study.show.formatting import COUNTED, NONE, column, margin_text, quoted
from study.show.observations import device_of
from study.show.page.protocol import budgets
from study.show.page.scope import scope
from study.show.page.timing import timed_on
from study.show.records import Records, by_dataset
from study.show.tables import ledger
from study.show.tables.results_table import target_text
from study.show.tables.tuning import at_edge, doubts
from study.show.templates import paragraph, paragraphs
from study.stats.estimates import Estimate
from study.wording import counted, listed

FEW = 3  # comparisons of which the first claim is what a study is about; of more it is one of many
NAMED = 4  # datasets, networks, budgets, arms at an edge: more of them are counted


def result(claims: pd.DataFrame, summary: pd.DataFrame) -> str:
    """How many claims came out how, and the first one, where they are of few comparisons; of a study without claims
    that it has none. ``summary``: the rows of summary.parquet.
    """
    stated = stated_rows(claims)
    counts = Counter(stated["verdict"])
    return paragraph(
        "result",
        claims=len(stated),
        counts={word: counts[word] for word in MARKS if counts[word]},
        families=len(families(stated)),
        tested=int(claims["counts"][claims["family"] == stated["family"].iloc[0]].sum()) if len(stated) else 0,
        tally=tally(stated),
        first=_first(stated, summary) if 0 < stated["comparison"].nunique() <= FEW else None,
    )


def _first(claims: pd.DataFrame, summary: pd.DataFrame) -> dict[str, str]:
    """The claim that a study file states first: ``adam has fewer epochs to target than sgd (3.9 against 6.9)``, its
    verdict, effect and adjusted p; empty where there is no estimate, or nothing was tested.
    """
    row = claims.iloc[0]
    about, (one, other) = METRICS[row["metric"]], (quoted(row["better"]), quoted(row["than"]))
    margin = margin_text(row["metric"], float(row["margin"]))
    if row["kind"] == "equal":
        said = f"{one} and {other} have equal {about.title} within {margin}"
    elif row["kind"] == "effect":
        said = f"{one} has a larger effect on {about.title} than {other}"
    else:
        said = f"{one} has {about.comparative} than {other}"
    said += f" by more than {margin}" if row["margin"] and row["kind"] != "equal" else ""
    said += f" ({levels})" if (levels := _levels(row, summary)) else ""
    line = lines(claims.head(1))[0]
    estimate = line.estimate._replace(remark="")
    if estimate.value.startswith("× "):
        by = "by a factor of" if row["verdict"] == "supported" else f"a factor (above 1: {about.verdicts[0]}) of"
        estimate = estimate._replace(value=f"{by} {estimate.value[2:]}")
    p = "" if line.adjusted == NONE else line.adjusted if line.adjusted.startswith("<") else f"= {line.adjusted}"
    effect = str(estimate) if estimate.value != NONE else ""
    return {"claim": said, "verdict": row["verdict"], "effect": effect, "p": p}


def _levels(row: pd.Series, summary: pd.DataFrame) -> str:
    """What both arms of a claim come to, ``3.9 against 6.9``; empty unless both have an estimate."""
    mine = summary[(summary["comparison"] == row["comparison"]) & (summary["metric"] == row["metric"])]
    known = mine.set_index("label")[["estimate", "low", "high"]].dropna(subset="estimate")
    sides = (row["better"], row["than"])
    if not {*sides} <= {*known.index}:
        return ""
    cells = column(row["metric"], [Estimate(*each) for each in known.itertuples(index=False)])  # as its table has them
    better, than = (cells[known.index.get_loc(label)].value for label in sides)
    shown = METRICS[row["metric"]].shown
    return f"{better} against {than}" + f" {shown}" * bool(shown and shown not in COUNTED)


def worth(plan: Plan, records: Records, claims: pd.DataFrame) -> list[tuple[str, str]]:
    """What results hold for, what luck is accounted for, whether tuning was fair, and what would change a verdict."""
    stated, outlines = stated_rows(claims), [arm.outline for arm in plan.arms.values()]
    runs, tuned, waits = records.runs, records.chosen, needs(stated)
    doubtful = [name for name, one in tuned.items() if name in plan.arms and one and doubts(one)]
    metrics = [METRICS[metric] for comparison in plan.comparisons for metric in comparison.used]
    undecided = [_named(row) for _, row in stated.iterrows() if row["verdict"] == "undecided"]
    parts = paragraphs(
        "opening",
        plan=plan,
        data=_few(dict.fromkeys(_data(plan, runs)), "dataset"),
        networks=_few(dict.fromkeys(one.network.title for one in outlines if not one.trainer.free), "network"),
        budgets=budgets(plan),
        targets=listed(dict.fromkeys(target_text(one.target) for one in plan.comparisons if one.target and aims(one))),
        timed=timed_on(plan, records.timing) if any(metric.timed for metric in metrics) else None,
        device=device_of(runs) if len(runs) else None,
        seeds=sorted({one.seeds for one in plan.comparisons if one.here}),
        over=scope(plan)["over"],
        rounds=records.timing["round"].nunique() if any(metric.per_round for metric in metrics) else 0,
        paired=all(one.paired for one in plan.comparisons),
        counting=int(claims["counts"].sum()) if len(claims) else 0,
        families=len(families(claims)),
        looks=note_on_looks(int(claims["looks"].max()), int(claims["looks_declared"].max())) if len(claims) else "",
        rows=sum(map(about_new_data, (row for _, row in stated.iterrows()))),
        searches=ledger.searches(plan, records),
        tuned=_few(dict.fromkeys(short(key) for one in plan.searches.values() for key in one.covers), "setting"),
        validated=any(one.selections and aims(one) for one in plan.comparisons),
        doubtful=arms_in(plan, doubtful),
        edge=at_edges(plan, tuned),
        once=any(arm.search and not arm.search.by_seed for arm in plan.arms.values()),
        claims=len(stated),
        undecided=undecided,
        closest=closest_call(stated) if len(stated) > 1 else "",
        helps={what: count for what, count in waits.most_common() if what != CLOSE},
        close=waits[CLOSE],
    )
    return [(name, text) for name, _, text in (part.partition(": ") for part in parts)]


def _few(words: Iterable[str], noun: str) -> str:
    found = list(words)
    return listed(found) if len(found) <= NAMED else counted(len(found), noun)


def _data(plan: Plan, runs: pd.DataFrame) -> Iterable[str]:
    """``digits (1,077 rows to train on, 360 to test)``; without rows where more are named, or none has run."""
    for dataset, known in by_dataset(plan, runs):
        rows = ""
        if len(known) and len(plan.datasets) <= NAMED:
            train, test = (int(known[f"{split}_rows"].max()) for split in ("train", "test"))
            rows = f" ({train:,} rows to train on, {test:,} to test)"
        yield f"{dataset.named}{rows}"


def needs(claims: pd.DataFrame) -> Counter[str]:
    """What may decide the undecided claims, and how many of them; those that nothing would: ``CLOSE``."""
    rows = [row for _, row in claims.iterrows() if row["verdict"] == "undecided"]
    kinds = [_need(row) for row in rows]
    waiting = [row for row, kind in zip(rows, kinds, strict=True) if kind == SEEDS]
    more = "more seeds or rounds" if any(METRICS[row["metric"]].timed for row in waiting) else "more seeds"
    pairs = sorted(int(row["pairs_needed"]) for row in waiting if pd.notna(row["pairs_needed"]))
    ends = " to ".join(dict.fromkeys(f"{end:,}" for end in pairs[:1] + pairs[-1:]))
    more += f" ({ends} for a chance of 80 %)" if ends else ""
    return Counter(more if kind == SEEDS else kind for kind in kinds)


def aims(comparison: PlannedComparison) -> bool:
    """Whether it shows or claims what is measured to the target, on the validation rows."""
    return any(METRICS[metric].target for metric in comparison.used)


def closest_call(claims: pd.DataFrame) -> str:
    """The decided claim whose p comes nearest to what decides: the first that other seeds would leave undecided. Empty
    where none was tested.
    """
    tested = [
        row
        for _, row in claims.iterrows()
        if row["verdict"] != "undecided" and row["test"] != "deterministic" and pd.notna(row["p_adjusted"])
    ]
    if not tested:
        return ""
    row = max(tested, key=lambda row: float(row["p_adjusted"] * row["looks_declared"]))
    line = lines(pd.DataFrame([row]))[0]
    claim = line.claim.removesuffix(", by any amount")
    return f"“{claim}” ({line.verdict}, adjusted p {line.adjusted} against {line.level})"


def _named(claim: pd.Series) -> str:
    return f"“{pair(claim['metric'], claim['better'], claim['than'], claim['kind'])}”"


SEEDS, CLOSE = "seeds", "close"


def _need(row: pd.Series) -> str:
    """What an undecided claim waits for."""
    if row["test"] == "none":
        return "the runs that failed or are missing"
    if len(row["undertuned"]):
        return "more tuning seeds" if set(row["undertuned"]) <= {*row["misled"]} else "a wider search"
    if row["test"] == "not estimable" or (pd.isna(row["pairs_even"]) and pd.isna(row["pairs_needed"])):
        return CLOSE
    return "more test rows" if limit(row) else SEEDS


def arms_in(plan: Plan, names: Iterable[str] | None = None) -> int:
    """How many arms there are, or are named, as people count them: one that is tuned for two metrics is one."""
    trained = {_as_counted(plan, name) for name in (plan.arms if names is None else names)}
    return len(trained) + (len(plan.given) if names is None else 0)


def _as_counted(plan: Plan, name: str) -> tuple[str, str]:
    arm = plan.arms[name]
    return arm.outline.model_dump_json(), arm.search.id if arm.search else ""


def at_edges(plan: Plan, tuned: Mapping[str, Chosen | None]) -> str:
    """``mlp (in 5 of 8 runs)``: the arms that lie on an edge of their search and are not marked; many are counted."""
    named: dict[tuple[str, str], str] = {}
    for arm in (arm for comparison in plan.comparisons for arm in comparison.arms):
        for name in (arm.arm, *arm.tuned.values()):
            one = tuned.get(name)
            if one and one.sides and not doubts(one):
                share = at_edge(one, one.sides)
                named.setdefault(_as_counted(plan, name), quoted(arm.label) + f" (in {share})" * bool(share))
    return listed(named.values()) if len(named) <= NAMED else f"{len(named)} arms, which their tables name"

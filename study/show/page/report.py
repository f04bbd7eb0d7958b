"""The report: one self-contained HTML page, drawn from files that the other verbs wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from study.plan.plan import Plan, PlannedComparison
from study.show.claims import table as claims_table
from study.show.formatting import listed
from study.show.observations import Observations, device_of, workers
from study.show.page import arms as recipes
from study.show.page import protocol, timing
from study.show.page.findings import finding
from study.show.page.svg import Inline, inline
from study.show.records import Records
from study.show.tables import tuning_ledger as ledger
from study.show.tables.effects import Effects, effects_of
from study.show.tables.neighbours import beside
from study.show.tables.ranks import Ranks, headline, ranks_of
from study.show.tables.table import Table, table
from study.store.layout import Store

FOLDED = 24  # rows of a table above which it is folded away


class Section(NamedTuple):
    """One comparison on the page."""

    name: str
    title: str
    asked: str
    fixed: list[tuple[str, str]]
    finding: list[str]
    table: Table | None  # None where its files, or the figure's, could not be drawn
    beside: Table | None  # at neighbouring targets
    effects: Effects | None  # of a full factorial
    figure: Inline | None
    ranks: Ranks | None  # over datasets
    across: Inline | None  # its figure
    tuned: bool
    tuning: Inline | None  # its figure


def render(plan: Plan, store: Store) -> str:
    """The page. Nothing in it depends on when it is drawn."""
    folder = store.study(plan.study)
    records, summary = Records.read(folder), pd.read_parquet(folder / "summary.parquet")
    observations = Observations.read(folder / "observations.parquet")
    claims = pd.read_parquet(folder / "claims.parquet")
    coverage = protocol.coverage(plan, records)
    sections = [_section(plan, comparison, summary, records, observations, folder) for comparison in plan.comparisons]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    why_untimed = timing.failure(plan, store)
    reasons = protocol.reasons(plan, records, why_untimed)
    context: dict[str, Any] = {
        "plan": plan,
        "style": (Path(__file__).parent / "report.css").read_text(encoding="utf-8"),
        "opening": opening(plan, coverage[-1], records),
        "claims": claims_table.lines(claims),
        "tally": claims_table.tally(claims) if len(claims) else "",
        "claim_notes": claims_table.notes(plan, claims) if len(claims) else [],
        "titles": {comparison.name: comparison.title for comparison in plan.comparisons},
        "sections": sections,
        "tuned": any(arm.tune for arm in plan.arms.values()),
        "scope": protocol.scope(plan),
        "facts": protocol.facts(plan, records, why_untimed),
        "timed": timing.timed(plan, records.timing)[: recipes.LIMIT],
        "quietness": timing.quietness(plan, records.timing) if len(records.timing) else "",
        "metrics": protocol.metrics(plan),
        "ledger": ledger.ledger(plan, records),
        "recipes": recipes.recipes(plan, records),
        "coverage": coverage,
        "statuses": protocol.STATUSES,
        "reasons": reasons[: recipes.LIMIT],
        "more_reasons": max(0, len(reasons) - recipes.LIMIT),
        "folded": FOLDED,
        "limit": recipes.LIMIT,
    }
    return environment.get_template("report.html.j2").render(context)


def opening(plan: Plan, total: protocol.Coverage, records: Records) -> str:
    """The study and its coverage in one paragraph."""
    comparisons, arms = len(plan.comparisons), len(plan.arms)
    datasets = listed(sorted({dataset.name for dataset in plan.datasets.values()}))
    ends = dict(zip(protocol.STATUSES, total.counts, strict=True))
    broken = [f"{ends[status]:,} {status}" for status in protocol.STATUSES[1:] if ends[status]]
    device = timing.timed_on(plan, records.timing)
    holds, over = protocol.scope(plan)
    return (
        f"{comparisons} comparison{'s' * (comparisons != 1)} of {arms:,} arm{'s' * (arms != 1)} on {datasets}. "
        f"Of {total.planned:,} planned runs {ends['finished']:,} finished"
        f"{', ' + listed(broken) if broken else '; none diverged, failed or is missing'}."
        + (f" Times and memory were measured on: {device}." if device else "")
        + f" Results hold for {holds}; they generalise over {over}."
    )


def _section(
    plan: Plan,
    comparison: PlannedComparison,
    summary: pd.DataFrame,
    records: Records,
    observations: Observations,
    folder: Path,
) -> Section:
    device = workers(device_of(records.timing), [plan.arms[arm.arm].gpus for arm in comparison.arms])
    drawn = (folder / "tables" / f"{comparison.name}.csv").exists()
    ranks = ranks_of(plan, comparison, summary)
    return Section(
        name=comparison.name,
        title=comparison.title,
        asked=recipes.asked(plan, comparison),
        fixed=recipes.fixed(plan, comparison),
        finding=_found(comparison, summary, records, ranks),
        table=table(comparison, summary, device) if drawn else None,
        beside=beside(comparison, summary, device) if drawn else None,
        effects=effects_of(comparison, observations),
        figure=_figure(folder / "figures" / f"{comparison.name}.svg", f"figure-{comparison.name}", comparison.title),
        ranks=ranks,
        across=_figure(
            folder / "figures" / "across" / f"{comparison.name}.svg",
            f"across-{comparison.name}",
            f"Over datasets: {comparison.title}",
        ),
        tuned=bool(comparison.selections),
        tuning=_figure(
            folder / "figures" / "tuning" / f"{comparison.name}.svg",
            f"tuning-{comparison.name}",
            f"Tuning: {comparison.title}",
        ),
    )


def _found(comparison: PlannedComparison, summary: pd.DataFrame, records: Records, ranks: Ranks | None) -> list[str]:
    """The finding; between arms on several datasets an order of average ranks, and none of their estimates."""
    told = finding(comparison, summary, records)
    return [headline(ranks), *told[1:]] if ranks and ranks.known else told


def _figure(path: Path, prefix: str, name: str) -> Inline | None:
    return inline(path.read_text(encoding="utf-8"), prefix, name) if path.exists() else None

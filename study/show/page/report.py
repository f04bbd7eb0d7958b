"""The report: one self-contained HTML page, drawn from files that the other verbs wrote."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import unescape

import pandas as pd

from study.plan.plan import Plan, PlannedComparison
from study.show.claims import table as claims_table
from study.show.figures import FIGURES
from study.show.observations import Observations, device_of, workers
from study.show.page import protocol, recipes
from study.show.page.findings import finding
from study.show.records import Records
from study.show.tables import timing_table
from study.show.tables import tuning as ledger
from study.show.tables.effects_table import effects_of
from study.show.tables.rank_table import headline, ranks_of
from study.show.tables.results_table import beside, table
from study.show.templates import FOLDER, page
from study.store.layout import Store

FOLDED = 24  # rows of a table above which it is folded away


class Inline(NamedTuple):
    """A figure on the page: SVG text without what only a file needs, with ids of its own."""

    label: str
    svg: str
    caption: str  # as it travels in the file


def render(plan: Plan, store: Store) -> str:
    """The page. Nothing in it depends on when it is drawn."""
    folder = store.study(plan.study)
    records, summary = Records.read(folder), pd.read_parquet(folder / "summary.parquet")
    observations = Observations.read(folder / "observations.parquet")
    claims = pd.read_parquet(folder / "claims.parquet")
    why_untimed = timing_table.failure(plan, store)
    reasons = protocol.reasons(plan, records, why_untimed)
    return page(
        "report",
        plan=plan,
        style=(FOLDER / "report.css").read_text(encoding="utf-8"),
        device=timing_table.timed_on(plan, records.timing),
        kinds=list(FIGURES.values()),
        claims=claims_table.lines(claims),
        tally=claims_table.tally(claims),
        claim_notes=claims_table.notes(plan, claims) if len(claims) else [],
        sections=[_section(plan, one, summary, records, observations, folder) for one in plan.comparisons],
        scope=protocol.scope(plan),
        facts=protocol.facts(plan, records, why_untimed),
        timed=timing_table.timed(plan, records.timing)[: recipes.LIMIT],
        quietness=timing_table.quietness(plan, records.timing) if len(records.timing) else "",
        metrics=protocol.metrics(plan),
        ledger=ledger.ledger(plan, records),
        recipes=recipes.recipes(plan, records),
        coverage=protocol.coverage(plan, records),
        reasons=reasons[: recipes.LIMIT],
        more_reasons=max(0, len(reasons) - recipes.LIMIT),
        folded=FOLDED,
        limit=recipes.LIMIT,
    )


def _section(
    plan: Plan,
    comparison: PlannedComparison,
    summary: pd.DataFrame,
    records: Records,
    observations: Observations,
    folder: Path,
) -> dict[str, Any]:
    """One comparison on the page. A table, or figure, is None where its files could not be drawn."""
    device = workers(device_of(records.timing), [plan.arms[arm.arm].gpus for arm in comparison.arms])
    drawn = (folder / "tables" / f"{comparison.name}.csv").exists()
    ranks = ranks_of(plan, comparison, summary)
    words = finding(comparison, summary, records.tuning)
    return {
        "name": comparison.name,
        "title": comparison.title,
        "asked": recipes.asked(plan, comparison),
        "fixed": recipes.fixed(plan, comparison),
        # Between arms on several datasets an order of average ranks, and none of their estimates.
        "finding": [headline(ranks), *words[1:]] if ranks and ranks.known else words,
        "table": table(comparison, summary, device) if drawn else None,
        "beside": beside(comparison, summary, device) if drawn else None,
        "effects": effects_of(comparison, observations),
        "ranks": ranks,
        "figures": {
            name: inline(
                folder / "figures" / name / f"{comparison.name}.svg",
                f"{name}-{comparison.name}",
                f"{kind.title}: {comparison.title}",
            )
            for name, kind in FIGURES.items()
            if kind.suits(plan, comparison)
        },
    }


def inline(path: Path, prefix: str, label: str) -> Inline | None:
    """The SVG to put into a page; None where the file is not there.

    All ids begin with ``prefix``: figures of one page must not share any. ``label`` names it for who cannot see it.
    """
    if not path.exists():
        return None
    text = path.read_text(encoding="utf-8")
    described = re.search(r"<dc:description>(.*?)</dc:description>", text, re.S)
    caption = unescape(described[1]) if described else ""
    body = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.S)
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = re.sub(r'(href="|url\()#', rf"\1#{prefix}-", body)
    # The rules of one figure's <style> would hold for the whole page; what they say stands on its elements.
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, count=1, flags=re.S)
    body = re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', "", body, count=1)
    start = f'<svg role="img" aria-label="{escape(label)}" stroke-linejoin="round" stroke-linecap="butt"'
    return Inline(label, body.replace("<svg", start, 1), caption)

"""The report: one self-contained HTML page, drawn from files that the other verbs wrote."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

import pandas as pd

from study.metrics import METRICS
from study.plan.plan import Plan, PlannedComparison
from study.show.claims import beside as beside_claims
from study.show.claims import table as claims_table
from study.show.figures import CLAIMS, FIGURES, NARROW, sheets
from study.show.formatting import COUNTED, Cell, Estimate, column, quoted
from study.show.observations import Observations, device_of, workers
from study.show.page import opening, protocol, timing
from study.show.page.given import given_arms
from study.show.page.scope import scope
from study.show.records import Records
from study.show.summary import SUMMARY
from study.show.tables import ledger
from study.show.tables.effects_table import effects_of
from study.show.tables.rank_table import headline, ranks_of
from study.show.tables.results_table import Row, beside, by_metric, table
from study.show.tables.tuning import doubtful_arms, found
from study.show.templates import FOLDER, page, paragraphs
from study.store.layout import Store
from study.store.seal import of_study, read_parquet
from study.wording import leading, listed

MOST = 6  # arms that a finding names
FOLDED = 24  # rows of a table above which it is folded away


def render(plan: Plan, store: Store) -> str:
    """The page. Nothing in it depends on when it is drawn."""
    folder = store.study(plan.study)
    records = Records.read(folder)
    observations = Observations.read(folder / "observations.parquet")
    summary, claims = (
        read_parquet(folder / f"{name}.parquet", of_study(plan.study, name), columns).to_pandas()
        for name, columns in (("summary", SUMMARY), ("claims", None))
    )
    claims = claims_table.primary_first(claims)
    why_untimed = timing.failure(plan, store)
    reasons = protocol.reasons(plan, records, why_untimed)

    def section(comparison: PlannedComparison) -> dict[str, Any]:
        """One comparison on the page. A table, or figure, is None where its files could not be drawn."""
        name = comparison.name
        gpus = [plan.arms[arm.arm].gpus for arm in comparison.arms if comparison.here]
        device = workers(device_of(records.timing), gpus)
        drawn = (folder / "tables" / f"{name}.csv").exists()
        ranks = ranks_of(plan, comparison, summary)
        words = finding(comparison, summary, records.tuning)
        return {
            "name": name,
            "title": comparison.title,
            "asked": protocol.asked(plan, comparison),
            "fixed": protocol.fixed(plan, comparison),
            # Between arms on several datasets an order of average ranks, and none of their estimates.
            "finding": [headline(ranks), *words[1:]] if ranks and ranks.known else words,
            "table": table(comparison, summary, device) if drawn else None,
            "beside": beside(comparison, summary, device) if drawn else None,
            "effects": effects_of(comparison, observations),
            "ranks": ranks,
            "figures": {
                of: inline(folder / "figures" / of / f"{name}.svg", f"{of}-{name}", f"{kind.title}: {comparison.title}")
                for of, kind in FIGURES.items()
                if kind.suits(plan, comparison)
            },
        }

    held = scope(plan)
    return page(
        "report",
        plan=plan,
        result=opening.result(claims),
        worth=opening.worth(plan, records, claims, held["over"], protocol.budgets(plan)),
        arms=opening.arms_in(plan),
        style=(FOLDER / "report.css").read_text(encoding="utf-8"),
        kinds=list(FIGURES.values()),
        claims=claims_table.lines(claims),
        forest=forest(plan, folder),
        remarks=[beside_claims.remarks(row) for _, row in claims.iterrows()],
        improvements=beside_claims.improvements(claims),
        claim_notes=claims_table.notes(plan, claims) if len(claims) else [],
        sections=list(map(section, plan.comparisons)),
        scope=held,
        facts=protocol.facts(plan, records, why_untimed),
        timed=timing.timed(plan, records.timing)[: protocol.LIMIT],
        quietness=timing.quietness(plan, records.timing) if len(records.timing) else "",
        metrics=protocol.metrics(plan, observations),
        ledger=ledger.ledger(plan, records),
        recipes=protocol.recipes(plan, records),
        given=given_arms(plan),
        coverage=protocol.coverage(plan, records),
        reasons=reasons[: protocol.LIMIT],
        more_reasons=max(0, len(reasons) - protocol.LIMIT),
        folded=FOLDED,
        limit=protocol.LIMIT,
    )


def forest(plan: Plan, folder: Path) -> list[dict[str, Any]]:
    """The figures of all claims, each for a wide and for a narrow page; None where one could not be drawn."""
    found = []
    for sheet in sheets(plan):
        stem, label = folder / "figures" / CLAIMS / sheet.of, "Forest plot of the claims"
        names = {"wide": sheet.of, "narrow": f"{sheet.of}{NARROW}"}
        found.append({w: inline(stem.with_name(f"{n}.svg"), f"{CLAIMS}-{n}", label) for w, n in names.items()})
    return found


def inline(path: Path, prefix: str, label: str) -> dict[str, str] | None:
    """A figure on the page: SVG text without what only a file needs, and the caption that travels in the file.

    None where the file is not there. All ids begin with ``prefix``: figures of one page must not share any. ``label``
    and caption are its title and description, for who cannot see it.
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
    named = f'<svg role="img" aria-labelledby="{prefix}-title" aria-describedby="{prefix}-desc"'
    body = body.replace("<svg", f'{named} stroke-linejoin="round" stroke-linecap="butt"', 1)
    about = f'<title id="{prefix}-title">{escape(label)}</title><desc id="{prefix}-desc">{escape(caption)}</desc>'
    end = body.index(">") + 1
    return {"label": label, "svg": f"{body[:end]}{about}{body[end:]}", "caption": caption}


def finding(comparison: PlannedComparison, summary: pd.DataFrame, tuning: pd.DataFrame) -> list[str]:
    """Paragraphs on a comparison: its best arms by the first metric in which two differ (else the first), those that
    come near, then the arms that are undertuned. ``tuning``: that of ``Records``.
    """
    rows = by_metric(comparison, summary)
    if not any(row["n_finished"] for mine in rows.values() for row in mine):
        return ["No run has finished yet, so there is nothing to say."]
    known = {metric: [row for row in mine if pd.notna(row["estimate"])] for metric, mine in rows.items()}
    differ = (metric for metric, mine in known.items() if len({row["estimate"] for row in mine}) > 1)
    metric = next(differ, comparison.metrics[0])
    about = METRICS[metric]
    ranked = sorted(known[metric], key=lambda row: -about.orientation * row["estimate"])
    best = [row for row in ranked if row["estimate"] == ranked[0]["estimate"]]
    cells = column(metric, [Estimate(row["estimate"], row["low"], row["high"]) for row in ranked])
    pairs = zip(ranked[len(best) :], cells[len(best) :], strict=True)
    near = [row for row, cell in pairs if _overlap(cell, cells[0])]
    without = [row for row in rows[metric] if pd.isna(row["estimate"])]
    median = f"{'highest' if about.better == 'higher' else 'lowest'} median of {about.title}"
    by_median = bool(best) and best[0]["estimator"] == "median"
    return paragraphs(
        "finding",
        title=about.title,
        extreme=median if by_median else about.superlative,
        best=[row["label"] for row in best],
        named=_named(best),
        value=_value(metric, ranked[0]["unit"], cells[: len(best)]) if best else "",
        known=len(ranked),
        near=_named(near),
        without=_named(without),
        has="has" if len(without) == 1 else "have",
        why=_why(metric, without),
        undertuned=doubtful_arms(comparison, found(tuning)),
    )


def _overlap(one: Cell, other: Cell) -> bool:
    """Whether both have an interval, and they overlap as they are printed."""
    if not (one.around and other.around):
        return False
    ends = [[leading(x) for x in cell.around.split(" to ")] for cell in (one, other)]  # None: no number
    lows, highs = zip(*ends, strict=True)
    return max(-math.inf if x is None else x for x in lows) <= min(math.inf if x is None else x for x in highs)


def _value(metric: str, unit: str, cells: Sequence[Cell]) -> str:
    """The estimate that the best arms share, with its interval where they share that too."""
    about = METRICS[metric]
    shared = f" [{cells[0].around}]" if cells[0].around and len(set(cells)) == 1 else ""
    return cells[0].value + ("" if about.unit in COUNTED else " %" if about.percent else f" {unit}".rstrip()) + shared


def _named(rows: Sequence[Row]) -> str:
    """Arms by their labels, or number."""
    return listed(quoted(row["label"]) for row in rows) if len(rows) <= MOST else f"{len(rows)} arms"


def _why(metric: str, rows: list[Row]) -> str:
    """Why arms have no estimate, where all of them lack it for one reason. ``rows``: theirs in the summary."""
    if METRICS[metric].target and not any(pd.isna(row["n_reached"]) for row in rows):
        return " (under half of the runs of each reached the target)"
    if not any(row["n_finished"] for row in rows):
        return " (no run finished)"
    if all(row["estimator"] == "median" for row in rows):
        return " (over half of the runs of each diverged)"
    return " (not timed yet)" if METRICS[metric].timed else ""

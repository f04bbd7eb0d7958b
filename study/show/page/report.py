"""The report: one self-contained HTML page, drawn from files that the other verbs wrote."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

from study.plan.damage import failed_timing
from study.plan.plan import Plan, PlannedComparison
from study.show.claims import table as claims_table
from study.show.figures import CLAIMS, FIGURES, NARROW, sheets
from study.show.page import opening, protocol, rest, timing
from study.show.page.finding import finding, order_repeats
from study.show.page.scope import scope
from study.show.results import Results
from study.show.tables import ledger
from study.show.tables.effects_table import effects_of
from study.show.tables.rank_table import headline, ranks_of
from study.show.tables.results_table import beside, table
from study.show.templates import page


def render(results: Results) -> str:
    """The page. Nothing in it depends on when it is drawn."""
    plan, folder = results.plan, results.folder
    records, observations, summary = results.records, results.observations, results.summary
    chosen = records.chosen
    claims = claims_table.primary_first(results.claims)
    why_untimed, _ = failed_timing(plan, results.store) or (None, "")
    reasons = protocol.reasons(plan, records, why_untimed)

    def section(comparison: PlannedComparison) -> dict[str, Any]:
        """One comparison on the page. A table, or figure, is None where its files could not be drawn."""
        name, device = comparison.name, results.device(comparison)
        drawn = (folder / "tables" / f"{name}.csv").exists()
        ranks = ranks_of(plan, comparison, summary)
        words = finding(comparison, summary, observations, chosen, claims)
        return {
            "name": name,
            "title": comparison.title,
            "asked": protocol.asked(plan, comparison),
            "fixed": protocol.fixed(plan, comparison),
            # Between arms on several datasets an order of average ranks, and none of their estimates.
            "finding": [headline(ranks), *words[1:]] if ranks and ranks.known else words,
            "table": table(comparison, summary, device) if drawn else None,
            "order": order_repeats(comparison, observations),
            "beside": beside(comparison, summary, device) if drawn else None,
            "effects": effects_of(comparison, observations),
            "ranks": ranks,
            "figures": {
                of: inline(folder / "figures" / of / f"{name}.svg", f"{of}-{name}", f"{kind.title}: {comparison.title}")
                for of, kind in FIGURES.items()
                if kind.suits(plan, comparison)
            },
        }

    return page(
        "report",
        plan=plan,
        result=opening.result(claims, summary),
        worth=opening.worth(plan, records, claims),
        arms=opening.arms_in(plan),
        kinds=list(FIGURES.values()),
        claims=claims_table.lines(claims),
        forest=forest(plan, folder),
        claim_notes=claims_table.notes(plan, claims) if len(claims) else [],
        sections=list(map(section, plan.comparisons)),
        scope=scope(plan),
        rest=rest.parts(plan),
        data=rest.data(plan, records.runs),
        facts=rest.by_part(protocol.facts(plan, records, why_untimed)),
        timed=timing.timed(plan, records.timing)[: protocol.LIMIT],
        quietness=timing.quietness(plan, records.timing) if len(records.timing) else "",
        metrics=protocol.metrics(plan, observations),
        ledger=ledger.ledger(plan, records),
        recipes=protocol.recipes(plan, records),
        agreed=protocol.agreed(plan),
        given=rest.given_arms(plan),
        coverage=protocol.coverage(plan, records),
        reasons=reasons[: protocol.LIMIT],
        more_reasons=max(0, len(reasons) - protocol.LIMIT),
        titles={comparison.name: comparison.title for comparison in plan.comparisons},
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


def inline(path: Path, prefix: str, label: str) -> dict[str, Any] | None:
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
    view = re.search(r'viewBox="0 0 ([\d.]+) ', body)
    small = prefix.partition("-")[0] in FIGURES and view is not None and float(view[1]) < 4 * 72  # of one column
    style = ' style="max-width: 26rem; min-width: 0"' * small
    named = f'<svg{style} role="img" aria-labelledby="{prefix}-title" aria-describedby="{prefix}-desc"'
    body = body.replace("<svg", f'{named} stroke-linejoin="round" stroke-linecap="butt"', 1)
    about = f'<title id="{prefix}-title">{escape(label)}</title><desc id="{prefix}-desc">{escape(caption)}</desc>'
    end = body.index(">") + 1
    return {"label": label, "svg": f"{body[:end]}{about}{body[end:]}", "caption": caption, "small": small}

"""The studies of a store that have a report, on one page of links."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from study.plan.plan import Plan
from study.show.claims.table import tally
from study.show.page.opening import arms_in
from study.show.templates import page
from study.store.layout import Store
from study.store.notes import note_text
from study.store.seal import read_table
from study.wording import counted


def index(store: Store) -> str:
    """The page. Nothing in it depends on when it is drawn."""
    reports = sorted((store.root / "studies").glob("*/report.html"))
    entries = [entry for report in reports if (entry := _entry(report, store))]
    return page("index", title=f"Studies in {store.root.name}", entries=entries)


def _entry(report: Path, store: Store) -> dict[str, str]:
    """A study: the ``link`` to its report, and how large it is, what came of its claims, and when (``about``). Empty
    where its plan cannot be read, so that nothing is known.
    """
    try:
        plan = Plan.model_validate_json(note_text(report.with_name("plan.json")))
    except (OSError, ValueError):
        return {}
    about = [plan.study, counted(arms_in(plan), "arm")]
    with suppress(OSError, ValueError, KeyError):  # damaged: the next run of the study says so
        claims = read_table(report.with_name("claims.parquet"), columns=["verdict", "family"]).to_pandas()
        about += [tally(claims)] if len(claims) else []
    with suppress(OSError, ValueError, KeyError):
        times = read_table(report.with_name("runs.parquet"), columns=["started_at"])["started_at"].to_pylist()
        about += [f"trained until {max(filter(None, times))[:10]}"] if any(times) else []
    link = report.relative_to(store.root).as_posix()
    return {"link": link, "title": plan.title, "question": plan.question, "about": " · ".join(about)}

"""The report: one self-contained HTML page."""

from __future__ import annotations

from study.plan.plan import Plan
from study.plan.store import Store


def render(plan: Plan, store: Store) -> str:
    folder = store.study(plan.study)
    parts = [f"<h1>{plan.title}</h1>"]
    for comparison in plan.comparisons:
        parts.append(f"<h2>{comparison.title}</h2><pre>")
        parts.append((folder / "tables" / f"{comparison.name}.md").read_text())
        parts.append("</pre>" + (folder / "figures" / f"{comparison.name}.svg").read_text())
    return "\n".join(parts)

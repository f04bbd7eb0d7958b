"""Tables of a comparison: on the page, and as files for people and machines.

The Snakefile reads from here what is to be written, so pandas is imported where a table is made, and not before.
"""

from __future__ import annotations

from study.plan.plan import Plan

ENDINGS = ("csv", "md", "tex")


def tables(plan: Plan) -> list[str]:
    """The names of the comparisons that have a table: all, in the order of the page."""
    return [comparison.name for comparison in plan.comparisons]

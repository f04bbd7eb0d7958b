"""What is chosen of how results are shown: the columns of a comparison's tables.

Nothing of it enters an id, or changes what is trained.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from study.axes.base import Frozen
from study.errors import Mistakes, join, suggest
from study.wording import one_line

ARM, TUNED, RUNS = "arm", "tuned", "runs"  # columns that are of no metric
AGAINST, REPORTED = "_against", "_reported"  # end the names of columns beside a metric's own
Several = Field(strict=False, min_length=1, json_schema_extra={"uniqueItems": True})
Name = Annotated[str, Field(min_length=1)]
Header = Annotated[str, Field(pattern=r"\S"), AfterValidator(one_line)]


class TableStyle(Frozen):
    """What the LaTeX and Markdown tables of one comparison show."""

    columns: Annotated[
        Annotated[tuple[Name, ...], Several] | Annotated[dict[Name, Header], Field(min_length=1)],
        Field(
            description="In their order, or column → its header: a metric, 'METRIC_against' (the reference, where it "
            "is claimed), 'METRIC_reported', 'tuned', 'runs'; 'arm' for the header of the labels, which come first."
        ),
    ]

    @property
    def headers(self) -> dict[str, str | None]:
        """Column → its header, None for the usual one."""
        return dict(self.columns) if isinstance(self.columns, dict) else dict.fromkeys(self.columns)


def columns(metrics: Iterable[str], claimed: Container[str], reported: Container[str], tuned: bool) -> list[str]:
    """The columns of a comparison that shows ``metrics``, some of them claimed, some reported elsewhere."""
    parts = ((m, *[m + AGAINST] * (m in claimed), *[m + REPORTED] * (m in reported)) for m in metrics)
    return [ARM, *(name for part in parts for name in part), *[TUNED] * tuned, RUNS]


def check_columns(path: str, table: TableStyle | None, has: Sequence[str], mistakes: Mistakes) -> None:
    """Note columns that the comparison at ``path`` has not, or that are named twice. ``has``: those it has."""
    for i, name in enumerate(table.columns if table else ()):
        place = join(path, "table", "columns", name if isinstance(table and table.columns, dict) else i)
        if name not in has:
            mistakes.add(place, suggest(name, has, "column of this comparison"))
        elif name in list(table.columns if table else ())[:i]:
            mistakes.add(place, f"{name!r} is listed twice; keep one")
    if table and set(table.columns) == {ARM}:
        mistakes.add(join(path, "table", "columns"), f"shows nothing but labels; add one of {', '.join(has[1:])}")

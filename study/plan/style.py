"""What is chosen of how results are shown: the style of all figures, a comparison's panels, and columns of its tables.

Nothing of it enters an id, or changes what is trained.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from functools import cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from study.axes.base import Frozen
from study.errors import nearest, suggest
from study.wording import one_line, show

WIDTHS = {"single": 3.5, "double": 7.2, "slide": 6.0}  # inches: a column, a page, and a slide that it is enlarged to
INCHES = {"mm": 1 / 25.4, "cm": 1 / 2.54, "in": 1.0}
LENGTH = re.compile(r"(\d+(?:\.\d+)?) ?(mm|cm|in)")
NARROWEST, WIDEST = 2.5, 20.0  # inches
PALETTES = (  # of seaborn, for what has no order
    "colorblind", "deep", "muted", "bright", "dark", "pastel",
    "tab10", "Set1", "Set2", "Set3", "Dark2", "Paired", "Accent",
)  # fmt: skip
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
CURVES = "curves"  # the panel of learning curves
FEW = 8  # arms that lines can show
ARM, TUNED, RUNS = "arm", "tuned", "runs"  # columns that are of no metric
AGAINST, REPORTED = "_against", "_reported"  # end the names of columns beside a metric's own
Several = Field(strict=False, min_length=1, json_schema_extra={"uniqueItems": True})
Name = Annotated[str, Field(min_length=1)]
Header = Annotated[str, Field(pattern=r"\S"), AfterValidator(one_line)]


def _inches(given: str | int | float) -> float:
    """Of a width as it is written; 0 where it is none."""
    length = LENGTH.fullmatch(str(given))
    return WIDTHS.get(str(given)) or (float(length[1]) * INCHES[length[2]] if length else 0.0)


def _width(given: str | int | float) -> str:
    if not NARROWEST <= _inches(given) <= WIDEST:
        words = (
            f"{show(given)} is no width; give single, double, slide, or a length of 65 to 500 mm such as 85 mm, 3.3 in"
        )
        raise PydanticCustomError("words", "{words}", {"words": words})
    return str(given)


def _palette(given: str | tuple[str, ...]) -> str | tuple[str, ...]:
    if isinstance(given, str):
        words = "" if given in PALETTES else suggest(given, PALETTES, "palette of seaborn")
    else:
        wrong = [one for one in given if not COLOUR.fullmatch(one)]
        words = f"{show(wrong[0])} is no colour; give one such as '#0173b2'" if wrong else ""
        words = words or "give at least two colours" * (len(given) < 2)
    if words:
        raise PydanticCustomError("words", "{words}", {"words": words})
    return given


class Style(Frozen):
    """How all figures look, in a paper or on a slide."""

    width: Annotated[
        str | int | float,
        AfterValidator(_width),
        WithJsonSchema({"anyOf": [{"enum": [*WIDTHS]}, {"type": "string", "pattern": f"^{LENGTH.pattern}$"}]}),
        Field(
            description="single: one column, 3.5 inches; double: a page, 7.2; slide: one that it fills; or a length."
        ),
    ] = "double"
    font: Annotated[Header | None, Field(description="A family of letters that is installed, such as Arial.")] = None
    palette: Annotated[
        str | Annotated[tuple[str, ...], Field(strict=False)],
        AfterValidator(_palette),
        WithJsonSchema(
            {"anyOf": [{"enum": [*PALETTES]}, {"type": "array", "items": {"type": "string"}, "minItems": 2}]}
        ),
        Field(description="Colours of the arms: a palette of seaborn, or a list such as ['#0173b2', '#de8f05']."),
    ] = "colorblind"
    formats: Annotated[
        tuple[Literal["svg", "pdf", "png"], ...],
        Several,
        Field(description="Of the files; svg, which the page shows, is always one."),
    ] = ("svg", "pdf", "png")

    @property
    def inches(self) -> float:
        """The width of a figure."""
        return _inches(self.width)

    @property
    def endings(self) -> tuple[str, ...]:
        """Of the files, that of the page first."""
        return tuple(dict.fromkeys(("svg", *self.formats)))


class FigureStyle(Frozen):
    """What the figure of one comparison shows."""

    panels: Annotated[
        tuple[Name, ...],
        Several,
        Field(description="In their order: metrics that the comparison shows, and 'curves', its learning curves."),
    ]


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


@cache
def missing_font(style: Style) -> str:
    """What is wrong with its font on this machine; empty where it is there, or is not known to be missing."""
    if style.font is None:
        return ""
    try:
        from matplotlib.font_manager import get_font_names  # slow: only where somebody asks for a font
    except ImportError:
        return ""
    names = get_font_names()
    close = nearest(style.font, names)
    meant = f"did you mean {close!r}?" if close else "install it, or take it out"
    return "" if style.font in names else f"the font {style.font!r} is not installed on this machine; {meant}"


def columns(metrics: Iterable[str], claimed: Container[str], reported: Container[str], tuned: bool) -> list[str]:
    """The columns of a comparison that shows ``metrics``, some of them claimed, some reported elsewhere."""
    parts = ((m, *[m + AGAINST] * (m in claimed), *[m + REPORTED] * (m in reported)) for m in metrics)
    return [ARM, *(name for part in parts for name in part), *[TUNED] * tuned, RUNS]

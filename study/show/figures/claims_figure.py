"""The forest plot: every claim of a study on a line, with its effect, the interval that decided it, and its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

from study.metrics import METRICS
from study.plan.style import Style
from study.show import formats
from study.show.claims.table import Line, lines, pair, part
from study.show.figures import NARROW as NARROW_END
from study.show.figures.data import USUAL
from study.show.figures.panel import page, settings
from study.show.figures.scales import around_nothing, few_ticks

INK, SOFT, BAND, RULE = "#1b1f24", "#57606a", "#cdd7e0", "#dfe4e9"
TINT = "#e9eef2"
SIZE, LINE, PAD, FAMILY = 7.5, 0.145, 0.05, 0.22  # points; inches: of a line of text, around a row, a family's heading
EFFECT = {True: 1.9, False: 1.2}  # inches that the text of an effect may be wide, beside one or two axes, or more
EFFECTS = "effect [interval]"


class Mark(NamedTuple):
    """How a verdict looks. Colours from seaborn's "colorblind", darkened to be read as text."""

    marker: str
    colour: str
    filled: bool = True


MARKS = {
    "supported": Mark("o", "#0063a0"),
    "refuted": Mark("X", "#b84a00"),
    "within the margin": Mark("D", "#8c3f80", filled=False),
    "undecided": Mark("o", INK, filled=False),
    "withdrawn": Mark("|", SOFT),
}


class Form(NamedTuple):
    """Where things stand, in inches from the left: a whole page, or one column of two."""

    width: float
    claim: float  # room for its text
    panels: float  # where they begin; they end where effects and verdicts begin, which take what they need
    stacked: bool  # the claim above its interval, not beside it: then there is no room for the effect as text


WIDE = Form(7.2, 2.58, 2.72, stacked=False)
NARROW = Form(3.45, 3.33, 0.1, stacked=True)
FORMS = {"": WIDE, NARROW_END: NARROW}  # by the end of the file's name


class Row(NamedTuple):
    """One claim. Numbers are those of the axis; NaN where there are none."""

    comparison: str
    claim: str
    scale: str  # "factor", or the unit of a difference
    value: float
    low: float
    high: float
    margin: float
    verdict: str
    effect: str  # as text
    within: str = ""  # what stands in place of a mark
    family: str = ""  # where there is another than the primary one


class Heading(NamedTuple):
    """Over the claims of a comparison, or of a family. ``top``: inches from the first one."""

    top: float
    text: str
    of_family: bool = False


def rows(claims: pd.DataFrame, stated: slice = slice(None)) -> list[Row]:
    """``claims``: those of a study, of which some are drawn."""
    said = dict(zip(claims.index, lines(claims), strict=True))
    return [_row(row, said[at]) for at, row in part(claims, stated).iterrows()]


def _row(row: pd.Series, line: Line) -> Row:
    about, said = METRICS[row["metric"]], line.estimate
    times = about.multiplier
    scale = "factor" if about.ratio else "points" if about.percent else about.unit or "difference"
    low, high = (row[f"{end}_adjusted"] if pd.notna(row[f"{end}_adjusted"]) else row[end] for end in ("low", "high"))
    value, low, high = (float("nan") if pd.isna(x) else times * float(x) for x in (row["estimate"], low, high))
    margin = (1 + row["margin"]) if about.ratio else times * row["margin"]
    around = (said.around.partition(": ")[2] or said.around).replace(" to ", ", ")
    effect = said.value.removesuffix(f" {scale}")  # the axis says it
    effect += f" [{around}]" * bool(around)
    why = "" if np.isfinite(value) else "not judged yet" if row["test"] == "none" else "by rank"
    claim = pair(row["metric"], row["better"], row["than"], row["kind"])
    return Row(line.comparison, claim, scale, value, low, high, margin, line.verdict, effect, why, line.family)


def draw(claims: Sequence[Row], titles: Mapping[str, str], form: Form = WIDE, style: Style = USUAL) -> Figure:
    """``titles``: of the comparisons, by name."""
    scales = list(dict.fromkeys(row.scale for row in claims))
    pad = 2 * PAD if form.stacked else PAD
    folded = [_folded(formats.figure(row.claim), form.claim, style) for row in claims]
    verdicts = [row.verdict.replace(" the", "") for row in claims]
    verdict = form.width - 0.16 - max(_width(text, style, "bold") for text in verdicts)  # where they begin
    effects, effect = [""] * len(claims), verdict
    if not form.stacked:
        long = {row.effect for row in claims if _width(row.effect, style) > EFFECT[len(scales) < 3]}
        effects = [row.effect.replace(" [", "\n[") if row.effect in long else row.effect for row in claims]
        effect -= max(_width(line, style) for text in (EFFECTS, *effects) for line in text.split("\n")) + 0.12
    ends = (form.panels, effect - 0.14)
    counts = [max(text.count("\n"), said.count("\n")) + 1 for text, said in zip(folded, effects, strict=True)]
    tops, headings, y = _places(claims, [LINE * (count + form.stacked) + pad for count in counts], titles)
    above, below = 0.26, 0.45
    height = above + y + below
    with page(style) as figure:
        figure.set_layout_engine(None)
        figure.set_size_inches(form.width, height)
        inch = figure.dpi_scale_trans

        def write(x: float, down: float, text: str, **how: Any) -> None:
            figure.text(x, height - above - down, text, **{"transform": inch, "va": "center", "fontsize": SIZE, **how})

        for heading in headings:
            title, cut, _ = _folded(formats.figure(heading.text), form.width - 0.3, style, "bold").partition("\n")
            middle = heading.top + (FAMILY if heading.of_family else LINE + PAD) / 2
            write(0.06, middle, title + "…" * bool(cut), weight="bold", color=INK)
        middles = []
        for row, text, said, told, top, count in zip(claims, folded, effects, verdicts, tops, counts, strict=True):
            block = LINE * count
            middles.append(top + pad / 2 + (block + LINE / 2 if form.stacked else block / 2))
            write(0.06, top + (pad + block) / 2, text, color=INK, linespacing=1.15)
            write(effect, middles[-1], said, color=INK, linespacing=1.15)
            write(verdict + 0.12, middles[-1], told, color=MARKS[row.verdict].colour, weight="bold")
        # One of inches, over all: for marks beside words, and lines between comparisons.
        over = figure.add_axes((0, 0, 1, 1), zorder=3)
        over.set(xlim=(0, form.width), ylim=(0, height))
        over.axis("off")
        for heading, after_family in zip(headings, [True, *(one.of_family for one in headings)], strict=False):
            top = height - above - heading.top
            if heading.of_family:
                over.add_patch(Rectangle((0, top - FAMILY), form.width, FAMILY, color=TINT, linewidth=0, zorder=0))
            elif not after_family:
                over.plot([0.06, form.width - 0.06], [top + 0.02] * 2, color=RULE, linewidth=0.7)
        for row, at in zip(claims, middles, strict=True):
            _mark(over, verdict + 0.04, height - above - at, MARKS[row.verdict])
        write(sum(ends) / 2, -0.13, "named first: worse ←  → better", color=SOFT, ha="center")
        write(effect, -0.13, EFFECTS * (not form.stacked), color=SOFT)
        write(verdict, -0.13, "verdict", color=SOFT)
        gap = 0.16
        each = (ends[1] - ends[0] - gap * (len(scales) - 1)) / len(scales)
        for i, scale in enumerate(scales):
            left = ends[0] + i * (each + gap)
            ax = figure.add_axes((left / form.width, below / height, each / form.width, y / height))
            ax.set_ylim(y, 0)
            mine = [(row, at) for row, at in zip(claims, middles, strict=True) if row.scale == scale]
            _panel(ax, scale, mine, each, form.stacked, style)
    return figure


def _places(
    claims: Sequence[Row], heights: Sequence[float], titles: Mapping[str, str]
) -> tuple[list[float], list[Heading], float]:
    """Where claims of these heights stand, their headings, and where the last one ends: inches from the first one."""
    headings: list[Heading] = []
    tops, y, before = [], 0.0, ("", "")
    for row, height in zip(claims, heights, strict=True):
        if row.family != before[0]:
            y += 0.12 * bool(headings)
            headings.append(Heading(y, f"Family: {row.family}", of_family=True))
            y += FAMILY + 0.04
        if (row.family, row.comparison) != before:
            y += 0.05 * bool(headings and not headings[-1].of_family)
            headings.append(Heading(y, titles.get(row.comparison, row.comparison)))
            y += LINE + PAD
        before = row.family, row.comparison
        tops.append(y)
        y += height
    return tops, headings, y


def _width(text: str, style: Style, weight: str = "normal") -> float:
    """Inches, with some more for hinting."""
    font = FontProperties(family=settings(style)["font.sans-serif"], size=SIZE, weight=weight)
    return 1.05 * float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) / 72


def _folded(text: str, room: float, style: Style, weight: str = "normal") -> str:
    """The text in lines that are no wider than so many inches; a word that is wider is broken."""
    found = [""]
    for word in text.split(" "):
        longer = f"{found[-1]} {word}".strip()
        if _width(longer, style, weight) <= room:
            found[-1] = longer
            continue
        found += [""] * bool(found[-1])
        for letter in word:
            if found[-1] and _width(found[-1] + letter, style, weight) > room:
                found.append("")
            found[-1] += letter
    return "\n".join(found)


def _panel(ax: Axes, scale: str, claims: Sequence[tuple[Row, float]], room: float, valued: bool, style: Style) -> None:
    """The claims whose effect has this scale, each at its place. ``room``: the width, in inches; ``valued``: with the
    value of what is past an edge.
    """
    ratio, nothing = scale == "factor", float(scale == "factor")
    low, high = limits([row for row, _ in claims], ratio)
    if ratio:
        ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.yaxis.set_visible(False)
    ax.spines["left"].set_visible(False)
    for row, at in claims:
        mark, half = MARKS[row.verdict], LINE * 0.52
        ax.plot([low, high], [at, at], color=RULE, linewidth=0.6, zorder=0)
        if np.isfinite(row.value):
            ax.plot([nothing, nothing], [at - half, at + half], color=SOFT, linewidth=0.9, zorder=1)
        if row.margin > nothing:
            start = 1 / row.margin if ratio else -row.margin
            start, end = max(start, low), min(row.margin, high)
            ax.add_patch(Rectangle((start, at - half), end - start, 2 * half, color=BAND, linewidth=0, zorder=0))
        if not np.isfinite(row.value):
            place = np.sqrt(low * high) if ratio else (low + high) / 2
            ax.text(place, at, row.within, fontsize=7, style="italic", color=SOFT, ha="center", va="center",
                    bbox={"color": "white", "pad": 1})  # fmt: skip
            continue
        inside = [float(np.clip(x, low, high)) for x in (row.value, row.low, row.high)]
        if not np.isnan([row.low, row.high]).any():
            ax.plot(inside[1:], [at, at], color=mark.colour, linewidth=1.8, solid_capstyle="butt", zorder=3)
        ends = [row.value if np.isnan(x) else x for x in (row.low, row.high)]
        for end, edge, arrow in ((ends[0], low, "<"), (ends[1], high, ">")):
            if (end < low) if arrow == "<" else (end > high):
                ax.plot(edge, at, arrow, color=mark.colour, markersize=5, markeredgewidth=0, clip_on=False, zorder=4)
        if low <= row.value <= high:
            _mark(ax, row.value, at, mark)
        elif valued:
            left = row.value < low  # the edge; the value stands at the inner end of what is drawn
            inner = inside[2 if left else 1] if np.isfinite(row.low) else low if left else high
            ax.annotate(row.effect.partition(" [")[0], (inner, at), (5 if left else -5, 0), textcoords="offset points",
                        ha="left" if left else "right", va="center", fontsize=7, color=mark.colour,
                        bbox={"color": "white", "pad": 0.4, "linewidth": 0})  # fmt: skip
    few_ticks(ax.xaxis, max(1, int(room / 0.25)))
    ax.tick_params(labelsize=7)
    label = f"{scale}, log scale" if ratio else scale
    if _width(label, style) > room:
        label = label.replace(", log scale", " (log)")  # there is no room below for a second line
    ax.set_xlabel(_folded(label, room, style), fontsize=SIZE, color=INK)


def _mark(ax: Axes, x: float, y: float, mark: Mark) -> None:
    ax.plot(
        x, y, mark.marker, color=mark.colour, markerfacecolor=mark.colour if mark.filled else "white", markersize=5.2,
        markeredgewidth=1.3 if not mark.filled or mark.marker == "|" else 0.3, zorder=5, clip_on=False,
    )  # fmt: skip


def limits(claims: Sequence[Row], ratio: bool) -> tuple[float, float]:
    """Ends of the axis: all intervals and margins, but for what lies so far out that it would squeeze the others."""
    margins = [row.margin for row in claims if row.margin > ratio]
    return around_nothing([[row.value, row.low, row.high] for row in claims], margins, ratio)


def caption(claims: Sequence[Row]) -> str:
    """What the marks mean, as far as there are such marks."""
    parts = [
        "Each line is a claim of the study file, on paired differences; right of the line of no difference what is "
        "named first is better.",
        "Bar: the interval of the level that decided the claim" + (
            "; a mark without a bar is a measurement that all rounds agree on"
            if any(np.isfinite(row.value) and np.isnan(row.low) for row in claims)
            else ""
        ) + ".",
    ]  # fmt: skip
    if any(row.margin > (row.scale == "factor") for row in claims):
        parts.append("Grey band: differences within the claim's margin.")
    if any(row.within for row in claims):
        parts.append("Words in place of a mark: the claim has no effect size.")
    if any(row.family for row in claims):
        parts.append("Claims of one family are corrected together, and each family holds 5 % of its own.")
    if any(map(_beyond, ([row for row in claims if row.scale == scale] for scale in {row.scale for row in claims}))):
        parts.append("An arrow leads to what is past the edge of the axis.")
    return " ".join(parts)


def _beyond(claims: Sequence[Row]) -> bool:
    """Whether anything of claims of one scale is past the edge of its axis."""
    low, high = limits(claims, claims[0].scale == "factor")
    return any(x < low or x > high for row in claims for x in (row.value, row.low, row.high))

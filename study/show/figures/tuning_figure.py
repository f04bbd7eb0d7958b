"""The figure of a comparison's tuning: a panel for each setting that was searched and each metric chosen by.

It is a figure of its own: other runs (those of the tuning seeds), another metric (validation) and another axis than in
the figure of the comparison, which has no room left.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation, blended_transform_factory

from study.metrics import METRICS
from study.show.figures import candidate_panels
from study.show.figures.candidates import Candidates
from study.show.figures.data import Evidence
from study.show.figures.panels.panel import FEW, SOME
from study.show.figures.style import LETTERS, WIDTH, arms_above, letter, note, page, sentence
from study.show.tables.tuning import ALL_DIVERGED, read_by, short, undertuned_arms
from study.wording import counted, listed

ROW = 0.11  # inches of an arm in the strip of seeds that were lost

LOST = {"diverged": "diverged (crosses)", "unreached": "did not reach the target (rings)"}


def draw(evidence: Evidence, panels: Sequence[Candidates]) -> Figure:
    """The figure. Its caption is ``caption(evidence, panels)``."""
    with page() as figure:
        for i, (spec, one) in enumerate(zip(_lay_out(figure, evidence, panels), panels, strict=True)):
            letter(_panel(figure, spec, evidence, one), i, len(panels))
        note(figure.axes[0], f"n = {seeds_text(panels)} per candidate")
        chosen = Line2D([], [], linestyle="", marker="o", markersize=7, color="0.75", markeredgecolor="0.1",
                        markeredgewidth=1.1, label="chosen")  # fmt: skip
        if len(evidence.labels) <= FEW:
            arms_above(figure, evidence, chosen)
    return figure


def caption(evidence: Evidence, panels: Sequence[Candidates]) -> str:
    """What the panels show, which metrics hang on each, and the arms that ended on an edge."""
    mapped = _mapped(evidence)
    panel = candidate_panels.draw_map if mapped else candidate_panels.draw_lines
    several = any("," in text for one in panels for text in _settings(one))
    arrows = any(chosen and chosen.undertuned for one in panels for chosen in one.chosen.values())
    ends = {end for one in panels for label in candidate_panels.losers(one) for end in one.lost(label)["end"]}
    lost = any(candidate_panels.losers(one) for one in panels) and not mapped
    titles = listed(dict.fromkeys(METRICS[one.select].title for one in panels))
    words = {
        "Metric": f"Tuning. {titles[0].upper()}{titles[1:]}",
        "setting": listed(dict.fromkeys(short(one.key) for one in panels)),
        "seeds": seeds_text(panels),
        "best": ", each with the best of the other settings" * several,
        "arrow": "; an arrow: the best is still at the edge" * arrows,
        "lost": listed((text for end, text in LOST.items() if end in ends), "or"),
    }
    texts = [sentence(kind, **words) for kind in (panel, *((candidate_panels.draw_lost,) * lost))]
    if len({one.select for one in panels}) > 1:
        texts += [_decides(evidence, select, panels) for select in dict.fromkeys(one.select for one in panels)]
    gone = [x for x in evidence.labels if any(x in s.chosen and s.chosen[x] is None for s in panels)]
    if gone:
        texts.append(f"{listed(gone)}: {ALL_DIVERGED}, so nothing was trained.")
    return " ".join(text for text in (*texts, undertuned_arms(evidence.comparison, evidence.chosen)) if text)


def _mapped(evidence: Evidence) -> bool:
    """Whether arms are rows of a map, rather than lines."""
    return FEW < len(evidence.labels) <= SOME


def seeds_text(panels: Sequence[Candidates]) -> str:
    """How many tuning seeds a candidate has."""
    most = max((one.rows["seed"].nunique() for one in panels), default=0)
    return counted(most, "tuning seed")


def _decides(evidence: Evidence, select: str, panels: Sequence[Candidates]) -> str:
    """Which metrics the arms chosen in a panel are shown for."""
    letters = [LETTERS[i % 26] for i, one in enumerate(panels) if one.select == select]
    return f"({', '.join(letters)}) decides {listed(METRICS[m].title for m in read_by(evidence.comparison, select))}."


def _settings(one: Candidates) -> list[str]:
    """The settings of the chosen candidates, by name."""
    return [",".join(chosen.settings) for chosen in one.chosen.values() if chosen]


def _lay_out(figure: Figure, evidence: Evidence, panels: Sequence[Candidates]) -> list[SubplotSpec]:
    """Side by side; with several settings a row for each selection."""
    arms, keys = len(evidence.labels), {one.key for one in panels}
    columns = min(len(panels), 2) if len(keys) == 1 else min(len(keys), 3)
    if _mapped(evidence):
        columns = 1
    rows = -(-len(panels) // columns)
    height = 0.24 * arms + 0.9 if columns == 1 and arms > FEW else 2.4
    strip = ROW * max((len(candidate_panels.losers(one)) for one in panels), default=0)
    figure.set_size_inches(WIDTH, rows * (height + strip) + 0.5)
    grid = figure.add_gridspec(rows, columns)
    return [grid[i // columns, i % columns] for i in range(len(panels))]


def _panel(figure: Figure, spec: SubplotSpec, evidence: Evidence, one: Candidates) -> Axes:
    ax = figure.add_subplot(spec)
    if _mapped(evidence):
        candidate_panels.draw_map(ax, evidence, one)
    else:
        candidate_panels.draw_lines(ax, evidence, one)
    rows = len(candidate_panels.losers(one)) if len(evidence.labels) <= FEW else 0
    if not rows:
        ax.set_xlabel(short(one.key))
        return ax
    ax.tick_params(axis="x", which="both", bottom=False, labelbottom=False)
    # Up from the lower end of the axis; the stubs allow affine transforms only.
    inches = figure.dpi_scale_trans + ScaledTranslation(0, 0, ax.transAxes)  # type: ignore[arg-type]
    height = ROW * rows + 0.06
    strip = ax.inset_axes(
        (0, -height - 0.04, 1, height), transform=blended_transform_factory(ax.transAxes, inches), sharex=ax
    )
    candidate_panels.draw_lost(strip, evidence, one)
    strip.tick_params(axis="x", which="both", bottom=True, labelbottom=True)
    strip.set_xlabel(short(one.key))
    return ax

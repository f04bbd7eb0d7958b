"""The figure of a comparison's tuning: a panel for each setting that was searched and each metric chosen by.

It is a figure of its own: other runs (those of the tuning seeds), another metric (validation) and another axis than in
the figure of the comparison, which has no room left.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import matplotlib
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation, blended_transform_factory

from study.metrics import METRICS
from study.show.figures import sweep_lines, sweep_map
from study.show.figures.data import Evidence
from study.show.figures.panels import FEW, SOME
from study.show.figures.style import LETTERS, STYLE, WIDTH, arms_above
from study.show.figures.sweeps import Sweep
from study.show.formatting import counted, listed
from study.show.tables.tuning import ALL_DIVERGED, read_by, short, undertuned_arms

ROW = 0.11  # inches of an arm in the strip of seeds that were lost

LOST = {"diverged": "diverged (crosses)", "unreached": "did not reach the target (rings)"}


def draw(evidence: Evidence, sweeps: Sequence[Sweep]) -> Figure:
    """The figure. Its caption is ``caption(evidence, sweeps)``."""
    mapped = FEW < len(evidence.labels) <= SOME
    with sns.axes_style("ticks", STYLE), matplotlib.rc_context(STYLE):
        figure = Figure(layout="constrained")
        for i, (spec, sweep) in enumerate(zip(_lay_out(figure, evidence, sweeps), sweeps, strict=True)):
            ax = _map(figure, spec, evidence, sweep) if mapped else _lines(figure, spec, evidence, sweep)
            if len(sweeps) > 1:
                ax.set_title(LETTERS[i % 26], loc="left", weight="bold", fontsize=9, x=-0.02)
        figure.axes[0].set_title(f"n = {seeds_text(sweeps)} per candidate", loc="right", fontsize=8, color="0.25")
        chosen = Line2D([], [], linestyle="", marker="o", markersize=7, color="0.75", markeredgecolor="0.1",
                        markeredgewidth=1.1, label="chosen")  # fmt: skip
        if len(evidence.labels) <= FEW:
            arms_above(figure, evidence, chosen)
    return figure


def caption(evidence: Evidence, sweeps: Sequence[Sweep]) -> str:
    """What the panels show, which metrics hang on each, and the arms that ended on an edge."""
    mapped = FEW < len(evidence.labels) <= SOME
    kind: Callable[[Axes, Evidence, Sweep], None] = sweep_map.draw if mapped else sweep_lines.draw
    several = any("," in text for sweep in sweeps for text in _settings(sweep))
    arrows = any(chosen and chosen.undertuned for sweep in sweeps for chosen in sweep.chosen.values())
    ends = {end for sweep in sweeps for label in sweep_lines.losers(sweep) for end in sweep.lost(label)["end"]}
    lost = any(sweep_lines.losers(sweep) for sweep in sweeps) and not mapped
    titles = listed(dict.fromkeys(METRICS[sweep.select].title for sweep in sweeps))
    words = {
        "Metric": f"Tuning. {titles[0].upper()}{titles[1:]}",
        "setting": listed(dict.fromkeys(short(sweep.key) for sweep in sweeps)),
        "seeds": seeds_text(sweeps),
        "best": ", each with the best of the other settings" * several,
        "arrow": "; an arrow: the best is still at the edge" * arrows,
        "lost": listed((text for end, text in LOST.items() if end in ends), "or"),
    }
    texts = [" ".join(inspect.cleandoc(part.__doc__ or "").split()).format(**words)
             for part in (kind, *((sweep_lines.lost,) * lost))]  # fmt: skip
    if len({sweep.select for sweep in sweeps}) > 1:
        texts += [_decides(evidence, select, sweeps) for select in dict.fromkeys(sweep.select for sweep in sweeps)]
    gone = [x for x in evidence.labels if any(x in s.chosen and s.chosen[x] is None for s in sweeps)]
    if gone:
        texts.append(f"{listed(gone)}: {ALL_DIVERGED}, so nothing was trained.")
    return " ".join(text for text in (*texts, undertuned_arms(evidence.comparison, evidence.chosen)) if text)


def seeds_text(sweeps: Sequence[Sweep]) -> str:
    """How many tuning seeds a candidate has."""
    most = max((sweep.rows["seed"].nunique() for sweep in sweeps), default=0)
    return counted(most, "tuning seed")


def _decides(evidence: Evidence, select: str, sweeps: Sequence[Sweep]) -> str:
    """Which metrics the arms chosen in a panel are shown for."""
    letters = [LETTERS[i % 26] for i, sweep in enumerate(sweeps) if sweep.select == select]
    return f"({', '.join(letters)}) decides {listed(METRICS[m].title for m in read_by(evidence.comparison, select))}."


def _settings(sweep: Sweep) -> list[str]:
    """The settings of the chosen candidates, by name."""
    return [",".join(chosen.settings) for chosen in sweep.chosen.values() if chosen]


def _lay_out(figure: Figure, evidence: Evidence, sweeps: Sequence[Sweep]) -> list[SubplotSpec]:
    """Side by side; with several settings a row for each selection."""
    arms, keys = len(evidence.labels), {sweep.key for sweep in sweeps}
    columns = min(len(sweeps), 2) if len(keys) == 1 else min(len(keys), 3)
    if FEW < arms <= SOME:
        columns = 1
    rows = -(-len(sweeps) // columns)
    height = 0.24 * arms + 0.9 if columns == 1 and arms > FEW else 2.4
    strip = ROW * max((len(sweep_lines.losers(sweep)) for sweep in sweeps), default=0)
    figure.set_size_inches(WIDTH, rows * (height + strip) + 0.5)
    grid = figure.add_gridspec(rows, columns)
    return [grid[i // columns, i % columns] for i in range(len(sweeps))]


def _lines(figure: Figure, spec: SubplotSpec, evidence: Evidence, sweep: Sweep) -> Axes:
    rows = len(sweep_lines.losers(sweep)) if len(evidence.labels) <= FEW else 0
    if not rows:
        ax = figure.add_subplot(spec)
        sweep_lines.draw(ax, evidence, sweep)
        ax.set_xlabel(short(sweep.key))
        return ax
    ax = figure.add_subplot(spec)
    sweep_lines.draw(ax, evidence, sweep)
    ax.tick_params(axis="x", which="both", bottom=False, labelbottom=False)
    # Up from the lower end of the axis; the stubs allow affine transforms only.
    inches = figure.dpi_scale_trans + ScaledTranslation(0, 0, ax.transAxes)  # type: ignore[arg-type]
    height = ROW * rows + 0.06
    strip = ax.inset_axes(
        (0, -height - 0.04, 1, height), transform=blended_transform_factory(ax.transAxes, inches), sharex=ax
    )
    sweep_lines.lost(strip, evidence, sweep)
    strip.tick_params(axis="x", which="both", bottom=True, labelbottom=True)
    strip.set_xlabel(short(sweep.key))
    return ax


def _map(figure: Figure, spec: SubplotSpec, evidence: Evidence, sweep: Sweep) -> Axes:
    ax = figure.add_subplot(spec)
    sweep_map.draw(ax, evidence, sweep)
    ax.set_xlabel(short(sweep.key))
    return ax

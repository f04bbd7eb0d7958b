"""The time of a step on each number of devices, over what the model adds up to it."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from study.show.figures import dots
from study.show.figures.data import Evidence
from study.show.formatting import heading
from study.show.scaling import Model

PARTS = {"model: fixed": "0.35", "rows": "0.62", "all-reduce": "0.84"}  # greys: colours stand for arms
PLACE, HEIGHT = 0.44, 0.13  # of the bars, in rows: under the dots


def draw(ax: Axes, evidence: Evidence, metric: str) -> None:
    """{Metric}. Every timing round is a dot; diamond and bar: median with its 95 % interval.{parts}"""
    dots.draw(ax, evidence, metric)
    ends = [values.max() for label in evidence.labels if len(values := evidence.values(metric, label)["value"])]
    model = evidence.scaling.model if evidence.scaling else None
    if isinstance(model, Model) and evidence.scaling:
        for row, label in enumerate(evidence.labels):
            devices, left = evidence.scaling.devices[label], 0.0
            seconds = (model.fixed, (model.step - model.fixed) / devices, model.allreduce(devices))
            for (name, grey), width in zip(PARTS.items(), seconds, strict=True):
                ax.barh(row + PLACE, width, HEIGHT, left=left, color=grey, linewidth=0, label=name if not row else None)
                left += width
            ends.append(left)
        ax.legend(
            ncols=len(PARTS), loc="lower right", bbox_to_anchor=(1.01, 0.98), frameon=False, fontsize=8,
            handlelength=1.2, handletextpad=0.5, columnspacing=1, borderaxespad=0.2,
        )  # fmt: skip
    if ends:
        ax.set_xscale("linear")  # bars begin at 0
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.set_xlim(0, 1.06 * max(ends))
    ax.set_ylim(len(evidence.labels) - 0.35, -0.5)
    ax.xaxis.set_major_formatter(lambda seconds, _: f"{seconds * 1000:g}")
    ax.set_xlabel(heading(metric, "ms", evidence.device))


def told(evidence: Evidence) -> str:
    """What the grey bars are, and how training time follows, for the caption."""
    text = ""
    if evidence.scaling and isinstance(evidence.scaling.model, Model):
        text = (
            " Grey, under the dots: the model's sum of the fixed part, the rows and the all-reduce; how far it ends "
            "from the dots is what it does not explain."
        )
    both = "train_seconds" in evidence.comparison.metrics
    return text + " Training time is the same, times the steps of the budget." * both

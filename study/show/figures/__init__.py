"""Figures: functions of a comparison and its records that return a matplotlib figure."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure

from study.plan.plan import PlannedComparison
from study.show.collect import Records


def draw(comparison: PlannedComparison, records: Records) -> Figure:
    labels = comparison.labels
    curves = records.curves[records.curves["arm"].isin(list(labels))].assign(label=lambda c: c["arm"].map(labels))
    fig, ax = plt.subplots(figsize=(6, 4))
    sns.lineplot(curves, x="epoch", y="val_loss", hue="label", ax=ax)
    return fig


def save(figure: Figure, stem: Path) -> None:
    """Write .svg, .png and .pdf, the same bytes each time."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "evenhand"}):
        figure.savefig(stem.with_suffix(".svg"), metadata={"Date": None})
        figure.savefig(stem.with_suffix(".pdf"), metadata={"CreationDate": None})
        figure.savefig(stem.with_suffix(".png"), dpi=200, metadata={"Software": None})
    plt.close(figure)

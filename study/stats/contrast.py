"""How far apart two arms are, without a test: what claims say of them, for any two."""

from __future__ import annotations

from study.stats.estimates import Contrast
from study.stats.paired import Side, Statement, differences, lacks, oriented, paired_contrast, worse_than_any
from study.stats.unpaired import unpaired_contrast


def contrast(metric: str, better: Side, than: Side, paired: bool = True) -> Contrast:
    """The estimate that a claim on two arms has, above 0 or 1 where ``better`` is better.

    Empty where runs of either are failed or missing, as such a claim is undecided.
    """
    worst = worse_than_any(metric, better), worse_than_any(metric, than)
    if any(lacks((better, than), worst)):
        return Contrast()
    if paired:
        return paired_contrast(metric, differences(metric, better.values, than.values, worst))
    x, y = (oriented(metric, side.values, lost) for side, lost in zip((better, than), worst, strict=True))
    return unpaired_contrast(Statement(metric, better, than, paired=False), x, y)

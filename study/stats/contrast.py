"""How far apart two arms are, without a test: what claims say of them, for any two."""

from __future__ import annotations

from study.stats.estimates import Contrast
from study.stats.paired import Side, Statement, lacks, paired_contrast
from study.stats.unpaired import unpaired_contrast


def contrast(metric: str, better: Side, than: Side, paired: bool = True) -> Contrast:
    """The estimate that a claim on two arms has, above 0 or 1 where ``better`` is better.

    Empty where runs of either are failed or missing, as such a claim is undecided.
    """
    claim = Statement(metric, better, than, paired=paired)
    if lacks(claim):
        return Contrast()
    return (paired_contrast if paired else unpaired_contrast)(claim)

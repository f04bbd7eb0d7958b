"""The claims of a comparison: statements about two of its arms, declared before training."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from study.errors import Mistakes, join, refuse, suggest
from study.metrics import METRICS
from study.plan.file.comparison import check_label, unfit
from study.plan.file.expand import Labelled
from study.plan.file.models import Claim, Comparison, Target, read

PERCENT = {name for name, metric in METRICS.items() if metric.percent}  # compared by a difference, not a factor

EXAMPLE = "{metric: test_accuracy, better: relu, than: sigmoid}"


def read_claims(
    comparison: Comparison,
    path: str,
    arms: Sequence[Labelled],
    target: Target | None,
    labels: Sequence[str] | None,
    doubtful: Collection[str],
    mistakes: Mistakes,
) -> list[Claim]:
    """The claims of the comparison at ``path``, those with a mistake left out. ``labels``: as in ``check_label``."""
    claims: dict[tuple[str, frozenset[str], str], str] = {}
    good = []
    for i, written in enumerate(comparison.claims):
        place = join(path, "claims", i)
        if not isinstance(written, dict):
            mistakes.add(place, refuse(written, f"a claim, such as {EXAMPLE}"))
            continue
        before = len(mistakes)
        claim, broken = read(Claim, written, place, mistakes)
        for side in ("better", "than"):
            if side not in broken:
                check_label(getattr(claim, side), join(place, side), labels, doubtful, mistakes)
        if "metric" not in broken and claim.metric not in METRICS:
            mistakes.add(join(place, "metric"), suggest(claim.metric, METRICS, "metric"))
        elif "metric" not in broken and (words := unfit(claim.metric, arms, target)):
            mistakes.add(join(place, "metric"), words)
        if claim.margin is not None and claim.margin >= 1 and claim.metric in PERCENT:
            words = (
                f"{claim.margin:g} is {100 * claim.margin:g} points; give a fraction below 1, such as 0.01 for 1 point"
            )
            mistakes.add(join(place, "margin"), words)
        if claim.kind == "equal" and not claim.margin and not broken & {"margin", "kind"}:
            words = "'equal' needs a margin above 0: by how much two arms may differ and still count as equal"
            mistakes.add(join(place, "margin"), words)
        if broken:
            continue
        if claim.better == claim.than:
            mistakes.add(join(place, "than"), f"{claim.than!r} is the other side too; give the label of another arm")
        same = (claim.metric, frozenset((claim.better, claim.than)), claim.kind)
        if same in claims:
            mistakes.add(place, f"is about the same arms and metric as {claims[same]}; keep one")
        claims[same] = place
        good += [claim] if len(mistakes) == before else []
    for i, claim in enumerate(good) if len(good) == len(comparison.claims) else ():
        followed = (c for c in good if not c.derived and {c.better, c.than} == {claim.better, claim.than})
        if claim.derived and not any(followed):
            words = "follows from no other claim here on the same two arms; take 'derived' out"
            mistakes.add(join(path, "claims", i, "derived"), words)
    return good

"""Which arm of a comparison the claims put above all others."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from study.plan.plan import PlannedComparison
from study.show.claims.table import meets

Best = Mapping[str, str]  # metric → the label of the arm that supported claims put above every other arm
NOBODY: Best = MappingProxyType({})


def best_of(comparison: PlannedComparison, claims: pd.DataFrame) -> dict[str, str]:
    """The best by each metric: supported claims, or chains of them, put it above all others.

    ``claims``: the rows of claims.parquet. Supported are claims about two arms, at a look that was declared.
    """
    of = (claims["comparison"] == comparison.name) & (claims["kind"] == "better") & (claims["verdict"] == "supported")
    above: dict[str, dict[str, set[str]]] = {}  # metric → label → labels that it is better than
    for row in claims[of & meets(claims, "supported")].to_dict("records"):
        arms = comparison.arms_for(row["metric"])
        if arms.get(row["better"]) == row["better_arm"] and arms.get(row["than"]) == row["than_arm"]:
            above.setdefault(row["metric"], {}).setdefault(row["better"], set()).add(row["than"])
    found = {}
    for metric, pairs in above.items():
        for label in pairs:
            below, new = set[str](), [label]
            while new:
                further = pairs.get(new.pop(), set()) - below
                below |= further
                new += further
            if below | {label} == {arm.label for arm in comparison.arms} and label not in below:
                found[metric] = label
    return found

"""What stands after the evidence, as a reviewer asks for it: its parts, the data, arms that were trained elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from study.axes.dataset import Dataset
from study.plan.file.labels import bare
from study.plan.plan import Plan
from study.show.formatting import NONE
from study.show.page.protocol import LIMIT
from study.show.records import by_dataset
from study.wording import counted

PARTS = {
    "protocol": "Protocol",
    "data": "Data",
    "tuning": "Tuning",
    "timing": "Timing",
    "arms": "Arms",
    "coverage": "Coverage",
    "software": "Software and machines",
    "definitions": "Definitions",
}
OF = {  # a fact of the protocol → where it stands, if not there
    "Data and splits": "data",
    "Splits by seed": "data",
    "Tuning": "tuning",
    "Timing": "timing",
    "Mixed": "software",
    "Trained on": "software",
    "Code": "software",
    "Intervals": "definitions",
}


def by_part(facts: Sequence[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """The facts of the protocol by the part of the page that they stand in, in their order."""
    return {part: [fact for fact in facts if OF.get(fact[0], "protocol") == part] for part in PARTS}


def parts(plan: Plan) -> dict[str, str]:
    """The parts that the page has: title by the name that links use."""
    absent = set() if plan.arms else {"tuning", "timing", "software"}
    absent |= set() if plan.datasets else {"data"}
    return {f"the-{part}": title for part, title in PARTS.items() if part not in absent}


def data(plan: Plan, runs: pd.DataFrame) -> list[dict[str, str]]:
    """A line for every dataset, by heading; – of what is not known. ``runs``: those of the study."""
    lines, splits = [], {"training": "train_rows", "validation": "val_rows", "test": "test_rows"}
    for dataset, known in by_dataset(plan, runs):
        rows = {f"{name} rows": f"{int(known[of].max()):,}" if len(known) else NONE for name, of in splits.items()}
        line = {"dataset": dataset.named} | rows
        lines.append(line | {"features": _features(dataset), "target": _target(dataset), "classes": _balance(dataset)})
    return lines


def _features(dataset: Dataset) -> str:
    """``64``; of images ``1 × 8 × 8``."""
    return " × ".join(map(str, dataset.shape)) or NONE


def _target(dataset: Dataset) -> str:
    if dataset.classes:
        return counted(dataset.classes, "class")
    return "a number" if dataset.has_no_classes else NONE


def _balance(dataset: Dataset) -> str:
    """The rows of the largest and of the smallest class."""
    if dataset.counts:
        (most, larger), (least, smaller) = dataset.counts
        return f"{most} {larger:,} to {least} {smaller:,}"
    return "of about equal size" if dataset.classes and not dataset.found else NONE


class GivenArms(NamedTuple):
    """The arms of a comparison whose runs were not trained here."""

    title: str
    arms: int
    headings: list[str]
    rows: list[list[str]]


def given_arms(plan: Plan) -> list[GivenArms]:
    """What the files say of each arm: all columns of its label, those that the label leaves out too."""
    found = []
    for one in plan.comparisons:
        if one.runs:
            wanted = one.wanted
            rows = [
                [arm.label, *(bare(key, arm.values[key]) for key in one.keys), str(wanted[arm.arm])]
                for arm in one.arms[:LIMIT]
            ]
            found.append(GivenArms(f"{one.title} ({one.runs.name})", len(one.arms), ["arm", *one.keys, "runs"], rows))
    return found

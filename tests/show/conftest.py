"""Plans of small studies, made from a few lines of YAML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pandas as pd
import pytest

from study.plan.file.expand import prepare
from study.plan.plan import Plan
from study.store.layout import Store
from tests.show.claimed import CLAIMED, outcome
from tests.show.records import judged, records

BASELINE = """
study: {name}
title: A small study of {name}
baseline:
  dataset: {dataset}
  network: {{name: mlp, hidden: [8]}}
  optimizer: {{name: sgd, lr: 0.1}}
  batch_size: 32
  epochs: 8
seeds: {seeds}
target: {{metric: {target}}}
comparisons:
"""


@pytest.fixture
def planned(tmp_path: Path) -> Callable[..., Plan]:
    """A plan of the comparisons that are given as YAML."""

    def plan(comparisons: str, name: str = "small", seeds: int = 8, dataset: str = "digits") -> Plan:
        target = "val_loss, value: 0.5" if dataset == "diabetes" else "val_accuracy, value: 0.9"
        text = BASELINE.format(name=name, seeds=seeds, dataset=dataset, target=target)
        path = tmp_path / f"{name}.yaml"
        indented = "".join(f"  {line}\n" for line in dedent(comparisons).strip().splitlines())
        path.write_text(text + indented, encoding="utf-8")
        return prepare(path, Store(tmp_path / "results"))

    return plan


@pytest.fixture
def tables(tmp_path: Path) -> Callable[[int], str]:
    """So many tables of different content, as YAML."""

    def write(count: int) -> str:
        for i in range(count):
            pd.DataFrame({"x": [i, 1.5, 2.5] * 20, "y": ["a", "b", "b"] * 20}).to_csv(
                tmp_path / f"t{i}.csv", index=False
            )
        return ", ".join(f"{{name: table, path: t{i}.csv, target: y}}" for i in range(count))

    return write


@pytest.fixture
def claimed(planned: Callable[..., Plan], tmp_path: Path) -> Callable[..., tuple[Plan, pd.DataFrame]]:
    def made(
        text: str = CLAIMED,
        seeds: int = 10,
        change: Callable[[str, int], Mapping[str, object]] = outcome,
        root: Path = tmp_path,
    ) -> tuple[Plan, pd.DataFrame]:
        plan = planned(text, seeds=seeds)
        return plan, judged(plan, Store(root), records(plan, change))

    return made

"""Stores with records that are made up, by arm and seed, so that nothing is trained."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest

from study.__main__ import main
from study.axes.recipe import RECIPE
from study.plan.file.expand import prepare
from study.plan.plan import Plan
from study.store.files import write_parquet
from study.store.layout import Block, Store
from study.store.schemas import CURVES, RUNS

STUDY = """
study: small
baseline:
  dataset: digits
  network: {name: mlp, hidden: [8]}
  optimizer: {name: sgd, lr: 0.1}
  batch_size: 32
  epochs: 4
seeds: 6
style: {formats: [svg]}
comparisons:
  optimizers:
    vary: {optimizer: [sgd, {name: adam, lr: 0.001}]}
    metrics: [test_accuracy]
    claims: [{metric: test_accuracy, better: adam, than: sgd}]
"""
MADE = {
    "device": "CPU", "torch_version": "2.13.0+cpu", "python_version": "3.11.7", "host": "here", "commit": "0123abc",
    "recipe_version": 2, "pack": "x", "started_at": "2026-01-01T00:00:00+00:00",
}  # fmt: skip


def filled(store: Store, arm: str, block: Block, change: float = 0.0, sealed: int = RECIPE, **made: Any) -> None:
    """Write the records of a block; ``change``: added to the losses of its last seed at its last evaluation;
    ``sealed``: the recipe version that the files say of themselves.
    """
    runs: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    for seed in block.seeds:
        base = zlib.crc32(f"{arm} {seed}".encode()) / 2**32
        losses = [2.3 - base * epoch / 4 for epoch in range(5)]
        losses[-1] += change * (seed == block.last)
        for epoch, loss in enumerate(losses):
            row = {"arm": arm, "seed": seed, "epoch": float(epoch), "step": 34 * epoch, "lr": 0.1}
            curves.append(row | {f"{split}_loss": loss for split in ("train", "val", "test")})
        ends = {f"{split}_loss": losses[-1] for split in ("train", "val", "test")} | {"test_accuracy": 0.9 + base / 20}
        row = {"arm": arm, "seed": seed, "status": "finished", "learned": True, "epochs_run": 4, "steps": 136}
        runs.append(row | ends | {"lr": 0.1, "n_parameters": 610} | MADE | made)
    with patch("study.store.layout.RECIPE", sealed):
        write_parquet(pa.Table.from_pylist(curves, CURVES), store.curves(arm, block))
        write_parquet(pa.Table.from_pylist(runs, RUNS), store.runs(arm, block))


@pytest.fixture
def planned(tmp_path: Path) -> Callable[..., tuple[Plan, Path]]:
    """A plan, and the study file, of ``STUDY`` with ``changes`` of its text."""

    def plan(**changes: str) -> tuple[Plan, Path]:
        text = STUDY
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "small.yaml"
        path.write_text(text, encoding="utf-8")
        return prepare(path, Store(tmp_path / "results")), path

    return plan


@pytest.fixture
def made(planned: Callable[..., tuple[Plan, Path]], tmp_path: Path) -> Callable[..., tuple[Plan, Store]]:
    """A store with the plan and records of ``blocks`` of both arms."""

    def make(name: str = "results", blocks: tuple[Block, ...] = (Block(0, 5),), **more: Any) -> tuple[Plan, Store]:
        plan, _ = planned()
        store = Store(tmp_path / name)
        plan.write(store, plan.arms)
        for arm in plan.arms:
            for block in blocks:
                filled(store, arm, block, **more)
        return plan, store

    return make


@pytest.fixture
def evenhand(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """The command: its exit status, and all that it said."""

    def call(*arguments: object) -> tuple[int, str]:
        status = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return status, said.out + said.err

    return call

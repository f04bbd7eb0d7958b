"""A short way to write a script of a person's own, for tests of what becomes of it."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from study.axes.recipe import Recipe
from study.plan.arm import Arm
from study.plan.jobs import BlockUnit, Job
from study.store.layout import Block, Store

HEAD = """
import json, os, sys, time, signal
recipe, seed, log, checkpoint = sys.argv[1:]
settings, seed = json.load(open(recipe)), int(seed)
def say(**row):
    with open(log, "a") as file:
        file.write(json.dumps(row) + "\\n")
"""
LINE = {"epoch": 1, "step": 10, "val_loss": 0.5, "val_accuracy": 0.75, "test_accuracy": 0.5}
Make = Callable[..., Recipe]


def maker(folder: Path) -> Make:
    """Writes a script after ``HEAD`` into a folder; returns the recipe of its runs."""

    def make(body: str, timeout: float | None = None, run: str = "", **settings: Any) -> Recipe:
        (folder / "train.py").write_text(HEAD + textwrap.dedent(body))
        command = run or f"{sys.executable} train.py {{recipe}} {{seed}} {{log}} {{checkpoint}}"
        trainer = {"name": "command", "run": command, "timeout": timeout, "settings": settings}
        return Recipe.model_validate_json(json.dumps({"trainer": trainer}))

    return make


def job(recipe: Recipe, folder: Path, *seeds: int) -> Job:
    arm = Arm(recipe=recipe)
    blocks = tuple(BlockUnit(arm=arm, block=Block(seed, seed)) for seed in seeds)
    return Job(blocks=blocks, folder=str(folder))


def lives(process: object) -> bool:
    status = Path(f"/proc/{process}/status")
    return status.exists() and "zombie" not in status.read_text()


def frames(store: Store, recipe: Recipe) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Runs and curves that an arm has."""
    folder = store.arm(recipe.id)
    kinds = ([pd.read_parquet(path) for path in sorted(folder.glob(f"{kind}-*"))] for kind in ("runs", "curves"))
    runs, curves = (pd.concat(kind, ignore_index=True) for kind in kinds)
    return runs, curves

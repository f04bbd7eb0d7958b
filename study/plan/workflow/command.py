"""Commands of Evenhand as a person can type them, in the folder that they stand in."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import evenhand
from study.store.layout import DEFAULT_RESULTS


def command(*words: str | Path) -> str:
    """``evenhand check my.yaml``; with the program's path where the person's shell would not find it."""
    return shlex.join([*_program(), *map(str, words)])


def run_command(study: str | Path, results: str | Path, *more: str) -> str:
    """What runs a study to its report, from any folder: ``evenhand run my.yaml``. ``more``: keys of ``--config``."""
    config = [f"results={results}"] * (Path(results) != Path(DEFAULT_RESULTS)) + [*more]
    return command("run", study, *["--config"] * bool(config), *config)


def _program() -> list[str]:
    if evenhand.found:
        return ["evenhand"]
    beside = Path(sys.executable).with_name("evenhand")  # of the environment that this runs in
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "study"]

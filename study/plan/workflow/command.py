"""Commands of Evenhand as a person can type them, in the folder that they stand in."""

from __future__ import annotations

import shlex
import sys
from contextlib import suppress
from pathlib import Path

import evenhand
from study.errors import Refused
from study.plan.file.read import read
from study.store.layout import DEFAULT_RESULTS, Store


def command(*words: str | Path) -> str:
    """``evenhand check my.yaml``; with the program's path where the person's shell would not find it."""
    return shlex.join([*_program(), *map(str, words)])


def run_command(study: str | Path, results: str | Path, *more: str) -> str:
    """What runs a study to its report, from any folder: ``evenhand run my.yaml``. ``more``: keys of ``--config``."""
    config = [f"results={results}"] * (Path(results) != Path(DEFAULT_RESULTS)) + [*more]
    return command("run", study, *["--config"] * bool(config), *config)


def results_option(results: str | Path) -> list[str]:
    """What verbs other than ``run`` take for a store."""
    return ["--results", str(results)] * (Path(results) != Path(DEFAULT_RESULTS))


def store_beside(study: str | Path, results: str | Path) -> Path | None:
    """The store in the folder of a study file, where that has results of the study and ``results`` has none."""
    beside = Path(study).parent / DEFAULT_RESULTS
    if not (beside / "studies").is_dir() or (Path(results).exists() and beside.samefile(results)):
        return None
    with suppress(Refused, OSError):  # as the verb itself will say
        name = read(Path(study)).study
        if Store(beside).study(name).is_dir() and not Store(results).study(name).is_dir():
            return beside
    return None


def _program() -> list[str]:
    if evenhand.found:
        return ["evenhand"]
    beside = Path(sys.executable).with_name("evenhand")  # of the environment that this runs in
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "study"]

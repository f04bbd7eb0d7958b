"""Tries of the faults, each in a folder of its own, against a study that nothing disturbed."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import pandas as pd

from tests.faults.case import Case, Hang, Outcome, judged
from tests.faults.faults import Fault, NotTried

COLUMNS = ("fault", "tries", "runs lost", "wrong values", "trained again", "tracebacks", "hangs", "other")


class Campaign:
    """``folder``: where it may write; ``warm``: whether calls that nothing disturbs need not load anything."""

    def __init__(self, folder: Path, seed: int = 0, warm: bool = False) -> None:
        self.folder, self.seed, self.warm = folder, seed, warm
        self.undisturbed = cache(self._undisturbed)

    def _undisturbed(self, study: str) -> Case:
        case = Case(self.folder / f"undisturbed-{len(list(self.folder.glob('undisturbed-*')))}", study)
        case.warm = self.warm
        began = time.monotonic()
        status = case.call()
        case.whole = time.monotonic() - began
        if status:
            raise RuntimeError(f"undisturbed it failed: {case.said[-1]}")
        return case

    def outcome(self, fault: Fault, i: int) -> Outcome:
        """What became of try ``i``, at random moments of its own, which the seed repeats.

        What it left stays where something was not right.
        """
        whole = self.undisturbed(fault.study)
        folder = Path(mkdtemp(prefix=f"{i}-", dir=self.folder)) / fault.folder
        case = Case(folder, fault.study)
        case.whole = whole.whole
        if fault.finished:
            case.taken_over(whole)
        outcome = self._tried(fault, case, i, whole.values())
        if outcome.is_right:
            shutil.rmtree(folder.parent)
        return outcome

    def _tried(self, fault: Fault, case: Case, i: int, truth: pd.DataFrame) -> Outcome:
        try:
            fault.does(case, Random(f"{self.seed} {fault.name} {i}"))
            if i % 2:  # else the next call comes beside whatever goes on
                case.wait_for_orphans()
            case.warm = self.warm
            status = case.again()
            case.wait_for_orphans()
            return judged(case, status, truth)
        except Hang as hang:
            return Outcome(hangs=1, words=[str(hang)])
        except (subprocess.CalledProcessError, NotTried) as error:
            return Outcome(words=[f"not tried: {error}"])


def table(outcomes: Iterable[tuple[Fault, Outcome]]) -> list[str]:
    """The lines of a table in Markdown: a row for each fault that was tried."""
    by_fault: dict[Fault, list[Outcome]] = {}
    for fault, outcome in outcomes:
        by_fault.setdefault(fault, []).append(outcome)
    rows = [COLUMNS, ["---"] * len(COLUMNS), *(_row(*each) for each in by_fault.items())]
    return [f"| {' | '.join(map(str, row))} |" for row in rows]


def _row(fault: Fault, outcomes: list[Outcome]) -> list[str | int]:
    sums = [sum(getattr(one, name) for one in outcomes) for name in ("lost", "wrong", "again", "tracebacks", "hangs")]
    return [fault.name, fault.each * len(outcomes), *sums, sum(bool(one.words) for one in outcomes)]

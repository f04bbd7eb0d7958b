"""Tries of the faults, each in a folder of its own, against a study that nothing disturbed."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import pandas as pd

from tests.faults.case import Case, Hang, Outcome, judged
from tests.faults.faults import FAULTS, Fault, NotTried

COLUMNS = ("fault", "tries", "runs lost", "wrong values", "trained again", "tracebacks", "hangs", "other")


class Campaign:
    """``folder``: where it may write."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.folder, self.seed = folder, seed
        self.undisturbed = cache(self._undisturbed)

    def _undisturbed(self, study: str) -> Case:
        case = Case(self.folder / f"undisturbed-{len(list(self.folder.glob('undisturbed-*')))}", study)
        began = time.monotonic()
        status = case.call()
        case.whole = time.monotonic() - began
        if status:
            raise RuntimeError(f"undisturbed it failed: {case.said[-1]}")
        return case

    def tries(self, fault: Fault, number: int) -> Iterator[Outcome]:
        """What became of so many tries, each with random moments of its own that a seed repeats.

        What one left stays where something was not right.
        """
        whole = self.undisturbed(fault.study)
        truth: pd.DataFrame = whole.values()
        for i in range(number):
            folder = self.folder / f"{FAULTS.index(fault)}-{i}" / fault.folder
            case = Case(folder, fault.study)
            case.whole = whole.whole
            if fault.finished:
                case.taken_over(whole)
            outcome = self._tried(fault, case, i, truth)
            if outcome.is_right:
                shutil.rmtree(folder.parent)
            yield outcome

    def _tried(self, fault: Fault, case: Case, i: int, truth: pd.DataFrame) -> Outcome:
        try:
            fault.does(case, Random(f"{self.seed} {fault.name} {i}"))
            if i % 2:  # else the next call comes beside whatever goes on
                case.wait_for_orphans()
            status = case.again()
            case.wait_for_orphans()
            return judged(case, status, truth)
        except Hang as hang:
            return Outcome(hangs=1, words=[str(hang)])
        except (subprocess.CalledProcessError, NotTried) as error:
            return Outcome(words=[f"not tried: {error}"])


def row(fault: Fault, outcomes: list[Outcome]) -> dict[str, object]:
    sums = [sum(getattr(one, name) for one in outcomes) for name in ("lost", "wrong", "again", "tracebacks", "hangs")]
    other = sum(bool(one.words) for one in outcomes)
    return dict(zip(COLUMNS, (fault.name, fault.each * len(outcomes), *sums, other), strict=True))

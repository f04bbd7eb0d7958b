"""``python -m tests.faults``: the whole campaign, or a part of it. Prints a table, and what was not right."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path

from tests.faults.campaign import Campaign, table
from tests.faults.case import Outcome
from tests.faults.faults import FAULTS, Fault


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[""], help="faults whose name has one of these in it")
    parser.add_argument("--tries", type=int, help="of each fault; else as many as it says")
    parser.add_argument("--seed", type=int, default=0, help="repeats the moments")
    parser.add_argument("--folder", help="where it works, and what was not right stays; else a temporary one")
    parser.add_argument("--at-once", type=int, default=3, help="tries at a time: some wait")
    parser.add_argument("--minutes", type=float, default=inf, help="after which no try begins")
    arguments = parser.parse_args()
    wanted = [fault for fault in FAULTS if any(word.lower() in fault.name.lower() for word in arguments.only)]
    number = {fault: arguments.tries or fault.tries for fault in wanted}
    # Each fault once, then each once more, so that where time runs out all have had some.
    tries = [(fault, i) for i in range(max(number.values())) for fault in wanted if i < number[fault]]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, ThreadPoolExecutor(arguments.at_once) as pool:
        campaign = Campaign(Path(arguments.folder or folder), arguments.seed)
        for study in dict.fromkeys(fault.study for fault in wanted):
            campaign.undisturbed(study)

        def tried(one: tuple[Fault, int]) -> tuple[Fault, Outcome] | None:
            fault, i = one
            if time.monotonic() - began > 60 * arguments.minutes:
                return None
            outcome = campaign.outcome(fault, i)
            wrong = "" if outcome.is_right else f": {outcome}"
            print(f"{time.monotonic() - began:5.0f} s  {fault.name}, try {i}{wrong}", file=sys.stderr, flush=True)
            return fault, outcome

        found = [one for one in pool.map(tried, tries) if one]
    print(*table(found), sep="\n")
    if len(found) < len(tries):
        print(f"{len(found)} of {len(tries)} tries in {arguments.minutes:g} minutes", file=sys.stderr)
    return int(not all(outcome.is_right for _, outcome in found))


if __name__ == "__main__":
    sys.exit(main())

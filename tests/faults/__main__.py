"""``python -m tests.faults``: the whole campaign, or a part of it. Prints a table, and what was not right."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from tests.faults.campaign import Campaign, row
from tests.faults.case import Outcome
from tests.faults.faults import FAULTS, Fault


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[""], help="faults whose name has one of these in it")
    parser.add_argument("--tries", type=int, help="of each fault; else as many as it says")
    parser.add_argument("--seed", type=int, default=0, help="repeats the moments")
    parser.add_argument("--folder", help="where it works, and what was not right stays; else a temporary one")
    parser.add_argument("--at-once", type=int, default=2, help="tries at a time")
    arguments = parser.parse_args()
    wanted = [fault for fault in FAULTS if any(word.lower() in fault.name.lower() for word in arguments.only)]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, ThreadPoolExecutor(arguments.at_once) as pool:
        campaign = Campaign(Path(arguments.folder or folder), arguments.seed)
        for study in dict.fromkeys(fault.study for fault in wanted):
            campaign.undisturbed(study)

        def tried(fault: Fault) -> tuple[Fault, list[Outcome]]:
            outcomes = []
            for one in campaign.tries(fault, arguments.tries or fault.tries):
                outcomes.append(one)
                wrong = "" if one.is_right else f": {one}"
                about = f"{time.monotonic() - began:5.0f} s  {fault.name}, try {len(outcomes)}{wrong}"
                print(about, file=sys.stderr, flush=True)
            return fault, outcomes

        found = list(pool.map(tried, wanted))
    table = pd.DataFrame([row(*each) for each in found])
    print(table.to_string(index=False))
    return int(any(not one.is_right for _, outcomes in found for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())

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
    parser.add_argument("--only", default="", help="faults whose name has this in it")
    parser.add_argument("--tries", type=int, default=6, help="of a fault with random moments; fewer of others")
    parser.add_argument("--seed", type=int, default=0, help="repeats the moments")
    parser.add_argument("--at-once", type=int, default=2, help="tries at a time")
    arguments = parser.parse_args()
    wanted = [fault for fault in FAULTS if arguments.only.lower() in fault.name.lower()]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, ThreadPoolExecutor(arguments.at_once) as pool:
        campaign = Campaign(Path(folder), arguments.seed)
        for study in dict.fromkeys(fault.study for fault in wanted):
            campaign.undisturbed(study)

        def tried(fault: Fault) -> tuple[Fault, list[Outcome]]:
            outcomes = list(campaign.tries(fault, max(1, round(fault.share * arguments.tries))))
            for i, one in enumerate(outcomes):
                if not one.is_right:
                    print(f"{fault.name}, try {i}: {one}", file=sys.stderr, flush=True)
            print(f"{time.monotonic() - began:5.0f} s  {fault.name}", file=sys.stderr, flush=True)
            return fault, outcomes

        found = list(pool.map(tried, wanted))
    table = pd.DataFrame([row(*each) for each in found])
    print(table.to_string(index=False))
    return int(any(not one.is_right for _, outcomes in found for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())

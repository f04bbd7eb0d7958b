"""A GPU in eight minutes: checks and times what only a GPU can run.

    benchmarks/gpu.sh [--minutes 8] [--out FOLDER] [--only packs,graph]
    benchmarks/gpu.sh --device cpu --quick   # the same paths on a CPU, with small sizes: tries the script itself

Prints a line for each check as it ends: its name, ok, failed or skipped, and what was found. They are in the order of
their worth; one that would not fit into the minutes left is skipped. The folder gets gpu.json (all numbers) and gpu.log
(all that the checks said). The exit status is 1 where a check failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.gpu.check import ENGINE, Check, Outcome, missing, outcome
from study.plan.limits import nvidia_smi, visible

OUT = Path(__file__).parents[1] / "gpu-results"
STUDY = (
    *ENGINE,
    "snakemake",
    "snakemake_logger_plugin_rich",
    "sklearn",
    "scipy",
    "pandas",
    "ruamel.yaml",
    "matplotlib",
    "seaborn",
    "jinja2",
)
CHECKS = (
    Check("machine", "benchmarks.gpu.machine:machine", 10, ("torch",)),
    Check("packs", "benchmarks.gpu.records:packs", 50),
    Check("kernels", "benchmarks.gpu.records:kernels", 15),
    Check("axes", "benchmarks.gpu.records:axes", 60),
    Check("resume", "benchmarks.gpu.records:resume", 20),
    Check("leases", "benchmarks.gpu.machine:leases", 30, ("torch",)),
    Check("job", "benchmarks.gpu.jobs:job", 15),
    Check("memory", "benchmarks.gpu.jobs:memory", 20),
    Check("timing", "benchmarks.gpu.jobs:timing", 15),
    Check("workers", "benchmarks.gpu.machine:workers", 20, ("torch",)),
    Check("several", "benchmarks.gpu.jobs:several", 20),
    Check("stacked", "benchmarks.gpu.speed:stacked", 35),
    Check("growth", "benchmarks.gpu.speed:growth", 30),
    Check("own", "benchmarks.gpu.speed:own", 15),
    Check("graph", "benchmarks.gpu.prototypes:graph", 20),
    Check("precision", "benchmarks.gpu.prototypes:precision", 20),
    Check("smoke", "benchmarks.gpu.jobs:smoke", 45, STUDY),
    Check("compiled", "benchmarks.gpu.prototypes:compiled", 45),
    Check("article", "benchmarks.gpu.jobs:article", 150, STUDY),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8.0, help="in all")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for gpu.json and gpu.log")
    parser.add_argument("--only", default=",".join(check.name for check in CHECKS), metavar="NAMES", help="%(default)s")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="small sizes: tries the script, and measures nothing")
    arguments = parser.parse_args()
    end = time.monotonic() + 60 * arguments.minutes
    names = arguments.only.split(",")
    if unknown := set(names) - {check.name for check in CHECKS}:
        parser.error(f"--only: there is no check {', '.join(sorted(unknown))}")
    if arguments.device == "cuda" and not nvidia_smi("name"):
        print("no GPU here (nvidia-smi shows none): nothing was checked")
        return 0
    if missing(["torch"]):
        print("torch is not installed: nothing was checked; set PYTHON", file=sys.stderr)
        return 1
    if arguments.device == "cuda" and not visible():
        print("no GPU that torch could use (a CPU build, or CUDA_VISIBLE_DEVICES hides them): nothing was checked")
        return 0
    arguments.out.mkdir(parents=True, exist_ok=True)
    about = {"device": arguments.device, "quick": arguments.quick, "time": datetime.now(UTC).isoformat("T", "seconds")}
    made: list[Outcome] = []
    with (arguments.out / "gpu.log").open("w", encoding="utf-8") as log, tempfile.TemporaryDirectory() as folder:
        for check in (check for check in CHECKS if check.name in names):
            left = end - time.monotonic()
            made.append(outcome(check, arguments.device, arguments.quick, Path(folder), log, left))
            print(made[-1].line(), flush=True)
            content = about | {"checks": [each._asdict() for each in made]}
            (arguments.out / "gpu.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    count = {status: sum(each.status == status for each in made) for status in ("ok", "failed", "skipped")}
    print(f"{', '.join(f'{n} {status}' for status, n in count.items())}; numbers and logs: {arguments.out}")
    return int(count["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main())

"""What a run of somebody's script takes beside the script: a job of many runs against the bare processes.

python -m benchmarks.scripts [--runs 100]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import subprocess
import tempfile
import time
from pathlib import Path

from study.axes.recipe import Recipe
from study.plan.arm import Arm
from study.plan.jobs import BlockUnit, Job
from study.run.job import run
from study.store.layout import Block, Store

SCRIPT = 'echo \'{"epoch": 1, "step": 10, "val_loss": 0.5}\' > "$3"\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    runs = parser.parse_args().runs
    trainer = {"name": "command", "run": "sh script.sh {recipe} {seed} {log}", "settings": {"lr": 0.1}}
    arm = Arm(recipe=Recipe.model_validate_json(json.dumps({"trainer": trainer})))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "script.sh").write_text(SCRIPT, encoding="utf-8")

        def job(first: int, last: int) -> Job:
            blocks = tuple(BlockUnit(arm=arm, block=Block(seed, seed)) for seed in range(first, last))
            return Job(blocks=blocks, folder=folder)

        with contextlib.redirect_stdout(io.StringIO()):
            run(job(0, 3), Store(f"{folder}/results"))  # so that everything is loaded
            began = time.perf_counter()
            run(job(3, 3 + runs), Store(f"{folder}/results"))
            ours = (time.perf_counter() - began) / runs
        began = time.perf_counter()
        for seed in range(runs):
            subprocess.run(["sh", "script.sh", "recipe", str(seed), "log"], cwd=folder, check=True)
        bare = (time.perf_counter() - began) / runs
    print(f"{1000 * ours:.0f} ms a run, of the bare process {1000 * bare:.0f}: {1000 * (ours - bare):.0f} ms added")


if __name__ == "__main__":
    main()

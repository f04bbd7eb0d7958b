"""How long it takes to draw the report of 2,000 arms × 4 seeds from finished records, in how much memory, and, where
Chromium is installed, how soon its page is open.

python -m benchmarks.report
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from study.plan.file.expand import prepare
from study.plan.plan import Plan
from study.store.files import write_parquet
from study.store.layout import Block, Store
from study.store.schemas import CURVE_METRICS, CURVES, FINAL_METRICS, RUNS, TIMING

ROOT = Path(__file__).parents[1]
SEEDS, EPOCHS, STEPS = 4, 20, 34  # of an epoch
STUDY = """
study: large
title: Many arms
baseline: {dataset: digits, network: mlp, optimizer: {name: sgd, lr: 0.1}, batch_size: 32, epochs: 20}
seeds: 4
target: {metric: val_accuracy, value: 0.9}
comparisons:
  all:
    vary:
      optimizer: [sgd, {name: adam, lr: 0.01}, {name: momentum, lr: 0.1}, {name: lion, lr: 0.001}]
      schedule: [constant, step, exponential, cosine, linear]
      batch_size: [8, 16, 32, 64, 128]
      dropout: [0, 0.1, 0.2, 0.3, 0.5]
      init: [xavier_uniform, xavier_normal, he_uniform, he_normal]
    metrics: [test_accuracy, epochs_to_target, step_seconds]
    claims:
      - metric: test_accuracy
        better: "sgd, constant, batch_size=8, dropout=0, xavier_uniform"
        than: "adam, constant, batch_size=8, dropout=0, xavier_uniform"
        exploratory: true
"""


def block(arm: str, place: int) -> tuple[pa.Table, pa.Table]:
    """Runs and curves of one arm: accuracies that rise to a level of its own; every hundredth arm diverges."""
    rng = np.random.default_rng(place)
    epoch = np.tile(np.arange(EPOCHS + 1), SEEDS)
    seed = np.repeat(np.arange(SEEDS), EPOCHS + 1)
    level = rng.uniform(0.7, 0.98) + rng.normal(0, 0.01, SEEDS)
    accuracy = np.clip(0.1 + (level[seed] - 0.1) * (1 - 0.6**epoch), 0, 1)
    curve = {
        "arm": [arm] * len(epoch),
        "seed": seed,
        "epoch": epoch,
        "step": epoch * STEPS,
        "lr": np.full(len(epoch), 0.1),
    }
    curve |= {name: accuracy if name.endswith("accuracy") else -np.log(accuracy) for name in CURVE_METRICS}
    last = {name: values[epoch == EPOCHS] for name, values in curve.items() if name in FINAL_METRICS}
    lost = place % 100 == 99
    runs = {name: [None] * SEEDS for name in RUNS.names} | {
        "arm": [arm] * SEEDS, "seed": np.arange(SEEDS), "status": ["diverged" if lost else "finished"] * SEEDS,
        "learned": [not lost] * SEEDS, "epochs_run": [EPOCHS] * SEEDS, "steps": [EPOCHS * STEPS] * SEEDS,
        "train_rows": [1077] * SEEDS, "val_rows": [360] * SEEDS, "test_rows": [360] * SEEDS, "device": ["CPU"] * SEEDS,
        "reason": ["loss not finite" if lost else None] * SEEDS, "recipe_version": [1] * SEEDS,
    } | ({} if lost else last)  # fmt: skip
    return pa.table(runs, RUNS), pa.table(curve, CURVES)


def write_records(plan: Plan, store: Store) -> None:
    """Records of every run of a plan, and of its timing."""
    for place, arm in enumerate(plan.arms):
        runs, curves = block(arm, place)
        seeds = Block(0, SEEDS - 1)
        write_parquet(runs, store.runs(arm, seeds))
        write_parquet(curves, store.curves(arm, seeds))
    if plan.timing:
        rounds, rng = range(plan.timing.rounds), np.random.default_rng(0)
        rows = [
            {"arm": arm, "round": i, "step_seconds": 1e-3 * rng.lognormal(0, 0.05), "memory_bytes": 2**20,
             "device": "CPU", "threads": 1, "cores": 2, "load_average": 0.1}
            for arm in plan.timing.arms for i in rounds
        ]  # fmt: skip
        timing = plan.timing.id
        write_parquet(pa.Table.from_pylist(rows, TIMING), store.timing(timing))


def opened(page: Path, folder: Path, chromium: str) -> float:
    """Seconds from the call of a page until a browser has laid it out; median of five, the first of all left out."""
    probe = (
        "<script>onload = () => { document.body.offsetHeight; document.body.dataset.ms = performance.now() }</script>"
    )
    copy = folder / "page.html"  # the page has no script of its own
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{probe}</body>"), encoding="utf-8")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--window-size=1200,900", "--dump-dom", copy.as_uri()]
    texts = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(6)]
    found = [re.search(r'data-ms="([\d.]+)"', text) for text in texts[1:]]
    return statistics.median(float(one[1]) / 1000 for one in found if one)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        store, file = Store(Path(name) / "results"), Path(name) / "large.yaml"
        file.write_text(STUDY, encoding="utf-8")
        plan = prepare(file, store)
        plan.write(store, {})
        write_records(plan, store)
        start = time.perf_counter()
        command = [sys.executable, "-m", "study", "draw", str(store.study(plan.study) / "plan.json")]
        subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
        took = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        page = store.study(plan.study) / "report.html"
        size = page.stat().st_size / 2**20
        print(f"{len(plan.arms):,} arms × {SEEDS} seeds drawn in {took:.1f} s, {peak:.2f} GB; a page of {size:.1f} MB")
        if chromium := shutil.which("chromium"):
            print(f"opened by a browser in {opened(page, Path(name), chromium):.2f} s")


if __name__ == "__main__":
    main()

"""How long it takes to plan: `check`, a dry run of the matrix, and of 10,000 arms, as ratios to a bare Snakemake start.

python benchmarks/planning.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEN_THOUSAND = """
study: ten_thousand
baseline: {dataset: digits, network: mlp, optimizer: {name: sgd, lr: 0.1}, batch_size: 32, epochs: 5}
seeds: 3
comparisons:
  all:
    vary:
      optimizer: [sgd, {name: adam, lr: 0.01}, {name: momentum, lr: 0.1}, {name: lion, lr: 0.001}]
      schedule: [constant, step, exponential, cosine, linear]
      batch_size: [8, 16, 32, 64, 128]
      dropout: [0, 0.1, 0.2, 0.3, 0.5]
      init: [xavier_uniform, xavier_normal, he_uniform, he_normal]
      activation: [relu, tanh, gelu, silu, elu]
    metrics: [test_accuracy]
"""
ROUNDS = 3


def seconds(command: list[str], folder: Path) -> float:
    """Median wall time of ``command``."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        # Where SLURM's commands are installed, its plugin would look for a controller for ten seconds.
        environment = os.environ | {"SLURM_CONF": "/dev/null"}
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    snakemake = [sys.executable, "-m", "snakemake"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ten.yaml").write_text(TEN_THOUSAND)
        (folder / "Bare").write_text("rule all:\n    output: 'x'\n    shell: 'touch x'\n")

        def dry_run(study: str) -> list[str]:
            return [*snakemake, "-n", "-q", "--snakefile", str(ROOT / "Snakefile"), "--config", f"study={study}"]

        bare = seconds([*snakemake, "-n", "-q", "--snakefile", "Bare"], folder)
        cases = {
            "python -m study check, 10,000 arms": [sys.executable, "-m", "study", "check", "ten.yaml", "--no-time"],
            "snakemake -n, config/matrix.yaml": dry_run(str(ROOT / "config" / "matrix.yaml")),
            "snakemake -n, 10,000 arms": dry_run("ten.yaml"),
        }
        print(f"{'a bare snakemake -n of one rule':40} {bare:6.1f} s    1.0")
        for case, command in cases.items():
            took = seconds(command, folder)
            print(f"{case:40} {took:6.1f} s {took / bare:6.1f}")


if __name__ == "__main__":
    main()

"""Recorded runs of candidates of some arms, each with many seeds, to draw tunings and studies from: ``pool.parquet``.

python -m benchmarks.pool FOLDER   # write it from the results of pool.yaml
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from study.metric import Select
from study.metrics import METRICS
from study.plan.choice import Trial, rank
from study.stats.paired import Side

POOL = Path(__file__).parent / "pool.parquet"
COLUMNS = [
    "label", "lr", "strength", "seed", "status", "val_accuracy", "val_loss", "test_accuracy", "test_loss",
    "train_accuracy", "train_loss", "small_weights", "steps_to_target", "epochs_to_target",
]  # fmt: skip
ROUND = 0.05  # by how much the seconds of a step differ between rounds of one arm (benchmarks/README.md), as a share
Seeds = NDArray[np.int64]


class Arm:
    """The runs of an arm's candidates, by seed."""

    def __init__(self, runs: pd.DataFrame) -> None:
        of = [runs["lr"], *([runs["strength"]] if "strength" in runs and runs["strength"].notna().all() else [])]
        found = [(key, rows.set_index("seed")) for key, rows in runs.groupby(of)]
        names = ("optimizer.lr", "regularizer.strength")
        self.settings = [dict(zip(names, key if isinstance(key, tuple) else (key,), strict=False)) for key, _ in found]
        self.dicts = [rows.astype(object).where(rows.notna(), None).to_dict("index") for _, rows in found]
        self.seeds = np.array(sorted(runs["seed"].unique()))
        self.chosen = cache(self._chosen)

    def _chosen(self, select: Select | None, tuning: tuple[int, ...]) -> int:
        """The place of the candidate that these tuning seeds choose."""
        if select is None or len(self.settings) == 1:
            return 0
        trials = [
            Trial(settings, [rows[seed] for seed in tuning])
            for settings, rows in zip(self.settings, self.dicts, strict=True)
        ]
        return rank(trials, select)[0]

    def side(self, label: str, metric: str, seeds: Seeds, candidates: Sequence[int]) -> Side:
        """The runs of ``seeds``, each with a candidate. A step takes a second, in rounds that differ as real ones."""
        rows = [self.dicts[place][seed] for place, seed in zip(candidates, seeds, strict=True)]
        column = "steps_to_target" if metric == "seconds_to_target" else metric
        values = np.array([np.nan if row[column] is None else row[column] for row in rows], dtype=float)
        if metric == "seconds_to_target":
            values *= rounds(label, seeds)
        status = np.array([row["status"] for row in rows])
        if METRICS[metric].target:
            values[np.isnan(values)] = np.inf
        return Side(label, values, np.array(["finished"] * len(rows)) if METRICS[metric].target else status)


def rounds(label: str, seeds: Seeds) -> NDArray[np.float64]:
    """Seconds of a step in the round of each seed, where they are 1 on the average."""
    rng = np.random.default_rng([*label.encode(), *map(int, seeds)])
    return np.exp(rng.normal(0, ROUND, len(seeds)))


def pool_of(folder: Path) -> pd.DataFrame:
    """The runs of a results folder of pool.yaml."""
    runs = pd.read_parquet(folder / "studies" / "pool" / "runs.parquet")
    summary = pd.read_parquet(folder / "studies" / "pool" / "summary.parquet")
    runs = runs.merge(summary[["arm", "label"]].drop_duplicates(), on="arm")  # an arm may have two labels
    runs["strength"] = runs["label"].str.extract(r"strength=(\S+)", expand=False).astype(float)
    runs["small_weights"] = runs["small_weights"].where(runs["strength"].notna())
    runs["label"] = runs["label"].str.replace(r", (?:lr|strength)=.*", "", regex=True)
    return runs[COLUMNS].sort_values(["label", "lr", "strength", "seed"], ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write pool.parquet.")
    parser.add_argument("folder", type=Path, help="results folder of pool.yaml")
    pool_of(parser.parse_args().folder).to_parquet(POOL, compression="zstd", index=False)


if __name__ == "__main__":
    main()

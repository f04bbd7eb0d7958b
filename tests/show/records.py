"""Small records made by hand, so that what is shown can be checked without training."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from study.plan.history import Freshness, History
from study.plan.plan import Plan, open_plan
from study.show.claims import verdicts
from study.show.drawing import Studio
from study.show.figures import Drawing
from study.show.figures.data import Evidence
from study.show.observations import observe
from study.show.records import STUDY_RUNS, Records
from study.show.results import Results
from study.show.summary import summarize
from study.store.files import write_parquet
from study.store.layout import Store
from study.store.schemas import CLASS_METRICS, CURVES, FINAL_METRICS, TIMING, TUNING
from tests.show.tunings import Quality, searches

Outcome = Callable[[str, int], Mapping[str, object]]  # label and seed → how a run ended


def records(
    plan: Plan,
    outcome: Outcome | None = None,
    timed: bool = True,
    regression: bool = False,
    quality: Quality | None = None,
) -> Records:
    """Records of every run of ``plan``. ``outcome`` gives status, reason, level (final accuracy or, for a
    regression, loss), pace (epochs until half of it) and learned; what it leaves out is made up by arm and seed.
    ``quality``: what the tuning of the arms found; nothing is tuned without it.
    """
    labels = {arm: label for comparison in plan.comparisons for arm, label in comparison.trained.items()}
    runs: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    for arm, planned in plan.arms.items():
        rng = np.random.default_rng(zlib.crc32(labels[arm].encode()))
        usual = {"level": rng.uniform(0.88, 0.97), "pace": rng.uniform(0.5, 2.5), "status": "finished"}
        for seed in range(plan.seeds[arm]):
            noise = {"level": usual["level"] + rng.normal(0, 0.008), "pace": usual["pace"] * rng.uniform(0.8, 1.2)}
            run = (
                {"reason": None, "learned": True} | usual | noise | dict(outcome(labels[arm], seed) if outcome else {})
            )
            curve = [] if run["status"] in ("failed", "missing") else _curve(run, planned.outline.epochs, regression)
            curves += [{"arm": arm, "seed": seed, "step": row["epoch"] * 34, "lr": 0.1} | row for row in curve]
            row = _run(arm, seed, run, curve) | planned.columns() | {"recipe": planned.outline.model_dump_json()}
            runs.append(row | _reached(curve, regression))
    timing = [
        {"arm": arm, "round": i, "step_seconds": 1e-3 * (1 + j) * (1 + 0.01 * i), "memory_bytes": 2**20 * (1 + j),
         "device": "CPU", "threads": 1, "reason": None, "load_average": 0.1}
        for j, arm in enumerate(plan.timing.arms if plan.timing and timed else ())
        for i in range(plan.timing.rounds if plan.timing else 0)
    ]  # fmt: skip
    made = ((runs, STUDY_RUNS), (curves, CURVES), (timing, TIMING))
    tuning = searches(plan, quality) if quality else TUNING.empty_table().to_pandas()
    return Records(*(pa.Table.from_pylist(*rows).to_pandas() for rows in made), tuning)


def _curve(run: dict[str, Any], epochs: int, regression: bool) -> list[dict[str, Any]]:
    """Exponential approach from chance to the run's level; a diverged run stops halfway."""
    last = epochs // 2 if run["status"] == "diverged" else epochs
    rows = []
    for epoch in range(last + 1):
        share = 1 - 0.5 ** (epoch / run["pace"])
        val = run["level"] * share + 0.1 * (1 - share)
        loss = 1.5 - share if regression else float(-np.log(val))
        row = {"epoch": epoch, "grad_norm": 1.0} | {f"{split}_loss": loss for split in ("train", "val", "test")}
        accuracies = {"train": min(1.0, val + 0.02), "val": val, "test": val - 0.01}
        rows.append(row | {f"{s}_accuracy": None if regression else float(a) for s, a in accuracies.items()})
    return rows


def _reached(curve: list[dict[str, Any]], regression: bool) -> dict[str, object]:
    """When the target of these plans (tests/show/conftest.py) was met; nothing is known where nothing was trained."""
    met = [row["epoch"] for row in curve if (row["val_loss"] <= 0.5 if regression else row["val_accuracy"] >= 0.9)]
    return {
        "reached_target": bool(met) if curve else None,
        "steps_to_target": met[0] * 34 if met else None,
        "epochs_to_target": float(met[0]) if met else None,
    }


def _run(arm: str, seed: int, run: dict[str, Any], curve: list[dict[str, Any]]) -> dict[str, Any]:
    row = {"arm": arm, "seed": seed, "status": run["status"], "reason": run["reason"]}
    if not curve:
        return row
    finished = run["status"] == "finished"
    about = {"device": "CPU", "torch_version": "2.13.0", "python_version": "3.11.7", "host": "somewhere",
             "commit": "0123456789abcdef", "recipe_version": 1, "pack": "x", "started_at": "2026-01-01"}  # fmt: skip
    sizes = {"train_rows": 1077, "val_rows": 360, "test_rows": 360, "n_parameters": 1000, "lr": 0.1}
    ends = {metric: curve[-1][metric] if finished else None for metric in FINAL_METRICS}
    if finished and ends["test_accuracy"] is not None:  # as if all classes were alike
        ends |= {metric: ends[f"{metric.partition('_')[0]}_accuracy"] for metric in CLASS_METRICS}
    weights = {"weight_norm": 10.0 + seed / 10, "small_weights": 0.01 * seed} if finished else {}
    done = {
        "learned": bool(run["learned"]) and finished,
        "epochs_run": curve[-1]["epoch"],
        "steps": 34 * (len(curve) - 1),
    }
    return row | about | sizes | ends | weights | done


def on_devices(
    plan: Plan,
    found: Records,
    steps: Mapping[int, float],
    device: str = "CPU",
    cores: int | None = 2,
) -> Records:
    """The same with a timing of arms on several devices. ``steps``: seconds of a step in the median round, by number
    of devices.
    """
    timing = found.timing.assign(device=device, cores=cores).astype({"cores": "float64"})
    gpus = timing["arm"].map({arm: recipe.gpus for arm, recipe in plan.arms.items()})
    middle = (timing["round"].max() + timing["round"].min()) / 2
    timing["step_seconds"] = gpus.map(steps) * (1 + (timing["round"] - middle) * (0.001 + 0.001 * gpus))
    return found._replace(timing=timing)


def summary_table(plan: Plan, found: Records) -> pa.Table:
    """The summary of a study with these records."""
    return summarize(plan, observe(plan, found), found.tuning)


def figure_data(plan: Plan, found: Records, place: int = 0) -> Evidence:
    """What the figure of a comparison is drawn from."""
    return Evidence(plan.comparisons[place], found, observe(plan, found), plan.style)


def draw(path: Path, name: str, comparison: str) -> None:
    """A figure, or the table, of a comparison. ``path``: of plan.json."""
    plan, store = open_plan(path)
    [wanted] = [one for one in plan.comparisons if one.name == comparison]
    Studio(Results(plan, store)).draw(Drawing(name, wanted))


def judged(plan: Plan, store: Store, found: Records) -> pd.DataFrame:
    """The table of claims of a study with these records; the look at them is noted, as ``collect`` does."""
    history = History.read(plan, store)
    observations = observe(plan, found)
    table = verdicts.table_of(plan, store, observations, history)
    history.write()
    return table.to_pandas()


def stored(plan: Plan, found: Records, root: Path) -> tuple[Path, pd.DataFrame]:
    """Write plan and records as ``collect`` would. Returns the path of plan.json and the summary."""
    store = Store(root)
    plan.write(store, {})
    folder = store.study(plan.study)
    for name, frame in found._asdict().items():
        frame.to_parquet(folder / f"{name}.parquet")
    observations = observe(plan, found)
    observations.write(folder / "observations.parquet")
    summary = summarize(plan, observations, found.tuning)
    write_parquet(summary, folder / "summary.parquet")
    history = History.read(plan, store)
    claims = verdicts.table_of(plan, store, observations, history)
    history.drawn = Freshness(plan, store).now
    history.write()
    write_parquet(claims, folder / "claims.parquet")
    return folder / "plan.json", summary.to_pandas()

"""How long a step of each arm takes, and how quiet the machine was: as the timing job left it."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from study.plan.plan import Plan
from study.show.formatting import NONE, Cell, column, rounded
from study.show.observations import cores_of, device_of, workers
from study.show.tables.tuning import arm_names
from study.show.templates import paragraph
from study.stats.estimates import estimate_of
from study.wording import counted


class Timed(NamedTuple):
    """One arm, as text."""

    arm: str
    step: Cell  # milliseconds: geometric mean over rounds, with its interval
    spread: str  # from the fastest round to the slowest
    memory: str  # MiB


def timed(plan: Plan, timing: pd.DataFrame) -> list[Timed]:
    """A row per timed arm, in the order of the plan, named as it is compared first."""
    labels = arm_names(plan)
    rounds = dict(iter(timing.groupby("arm")))
    arms = [arm for arm in plan.arms if arm in rounds]
    seconds = {arm: rounds[arm]["step_seconds"].dropna() * 1000 for arm in arms}
    estimates = [estimate_of("step_seconds", values.to_numpy(dtype=float)) for values in seconds.values()]
    rows = []
    for arm, text in zip(arms, column("step_seconds", estimates), strict=True):
        places = len(text.value.partition(".")[2])
        size = rounded(float(rounds[arm]["memory_bytes"].max()) / 2**20, 3)
        gpus = plan.arms[arm].gpus
        split = f" ({gpus} CPU workers)" if workers(device_of(rounds[arm]), [gpus]) == "CPU workers" else ""
        rows.append(Timed(labels[arm][0] + split, text, _range(seconds[arm], places) or NONE, size))
    return rows


def quietness(plan: Plan, timing: pd.DataFrame) -> str:
    """How quiet the machine was, as far as was recorded, in plain words."""
    by_round = timing.drop_duplicates("round")
    load, busy = by_round["load_average"].dropna(), by_round["gpu_utilization"].dropna()
    return paragraph(
        "quietness",
        load=float(load.max()) if len(load) else None,
        load_text=_range(load, 2),
        threads=int(timing["threads"].max()),
        devices=max(_gpus(plan, timing), default=1),
        cores=cores_of(timing),
        busy=_range(busy, 0),
    )


def timed_on(plan: Plan, timing: pd.DataFrame) -> str | None:
    """The device of the timing job, its cores where it is the CPU, and what arms of several devices ran on."""
    device, cores = device_of(timing), cores_of(timing)
    if device != "CPU":
        return device
    split = workers(device, _gpus(plan, timing)) == "CPU workers"
    about = ([counted(cores, "core")] if cores else []) + ["arms with gpus above 1: CPU workers"] * split
    return f"{device} ({'; '.join(about)})" if about else device


def _gpus(plan: Plan, timing: pd.DataFrame) -> list[int]:
    return [plan.arms[arm].gpus for arm in timing["arm"].unique() if arm in plan.arms]


def _range(values: pd.Series, places: int) -> str:
    """``0.10 to 0.35``; empty without values."""
    ends = [rounded(float(end), places) for end in (values.min(), values.max())] if len(values) else []
    return " to ".join(dict.fromkeys(ends))

"""What several devices gain, and what a small model says that many would."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple

import pandas as pd

from study.plan.plan import PlannedComparison
from study.show.formatting import Estimate, column, counted, listed
from study.show.observations import cores_of, device_of, workers
from study.show.page.reported_order import near
from study.show.records import Records

MOST = 64  # devices that the model speaks of


class Model(NamedTuple):
    """A step in which n devices split the batch, and then sum their gradients by a ring all-reduce.

    The sum takes 2(n − 1) messages in a row, each of 1/n of the gradient (Patarasuk and Yuan, 2009, "Bandwidth
    optimal all-reduce algorithms for clusters of workstations"). Nothing of it overlaps with the step.
    """

    step: float  # seconds of a step on one device
    fixed: float  # seconds of it that do not depend on the number of rows
    latency: float  # seconds of a message without content
    bandwidth: float  # bytes per second; infinite where the size of the gradient made no difference
    size: int  # bytes of the gradient
    between: int  # devices between which latency and bandwidth were measured
    rows: int  # of the batch: no device can have less than one

    def allreduce(self, devices: int) -> float:
        """Seconds of the sum of the gradient."""
        return 2 * (devices - 1) * (self.latency + self.size / devices / self.bandwidth)

    def seconds(self, devices: int) -> float:
        """Seconds of a step."""
        return self.fixed + (self.step - self.fixed) / devices + self.allreduce(devices)

    def speedups(self) -> pd.Series:
        """How many times as fast as one device n of them are. [n = 1 … 64, or as many as the batch has rows]"""
        counts = range(1, min(MOST, self.rows) + 1)
        return pd.Series({n: self.step / self.seconds(n) for n in counts})


class Scaling(NamedTuple):
    """A comparison of numbers of devices, of which the reference has one."""

    devices: dict[str, int]  # by label
    named: str  # what is counted: "GPUs" or "CPU workers"
    cores: int | None  # that the CPU workers share; None where that is not known, and on GPUs
    model: Model | str  # or why there is none


def scaling_of(comparison: PlannedComparison, records: Records) -> Scaling | None:
    """None where more than the number of devices varies, the reference is not one device, or no speedup is shown."""
    if comparison.keys != ("gpus",) or "speedup" not in comparison.metrics:
        return None
    arms = records.runs.drop_duplicates("arm").set_index("arm").reindex(list(comparison.labels))
    if arms["gpus"].isna().any():
        return None
    by_arm = {arm: int(count) for arm, count in zip(comparison.labels, arms["gpus"], strict=True)}
    devices = {label: by_arm[arm] for arm, label in comparison.labels.items()}
    if devices[comparison.reference] != 1:
        return None
    named = workers(device_of(records.timing), devices.values())
    on_cpu = named == "CPU workers"
    return Scaling(
        devices=devices,
        named="CPU workers" if on_cpu else "GPUs",
        cores=cores_of(records.timing) if on_cpu else None,
        model=model_of(records.timing, by_arm, rows=int(arms["batch_size"].min()))
        if "row_seconds" in records.timing
        else "its parts were not measured",
    )


def model_of(timing: pd.DataFrame, devices: Mapping[str, int], rows: int) -> Model | str:
    """The model, from medians over the rounds of ``timing``; or why there is none. ``devices``: by arm.

    Latency and bandwidth are those between the fewest devices measured: where there are more workers than cores,
    a sum measures how long workers wait for a core.
    """
    mine = timing[timing["arm"].isin(list(devices))]
    columns = ["step_seconds", "row_seconds", "allreduce_seconds", "allreduce_bytes", "latency_seconds"]
    numbers = mine[columns].astype(float)
    medians = numbers.groupby(mine["arm"].map(devices)).median()  # [number of devices], ascending
    one = medians.reindex([1]).iloc[0]
    if not one["step_seconds"] > 0:
        return "a step on one device was not timed"
    if pd.isna(one["row_seconds"]):
        return "the part of a step that does not depend on its rows was not measured"
    summed = medians[medians.index >= 2].dropna(subset=columns[2:])
    if not len(summed):
        return "the sum of gradients over several devices was not measured"
    between, link = int(summed.index[0]), summed.iloc[0]
    size, beyond = int(link["allreduce_bytes"]), link["allreduce_seconds"] - link["latency_seconds"]
    return Model(
        step=float(one["step_seconds"]),
        fixed=float(min(one["row_seconds"], one["step_seconds"])),
        latency=float(link["latency_seconds"]) / (2 * (between - 1)),
        bandwidth=2 * (between - 1) / between * size / float(beyond) if beyond > 0 and size else inf,
        size=size,
        between=between,
        rows=rows,
    )


def gained(scaling: Scaling, rows: pd.DataFrame) -> str:
    """What more devices gained, as a sentence; empty where no speedup was measured.

    ``rows``: those of the summary on this comparison.
    """
    speedups = rows[(rows["metric"] == "speedup") & rows["estimate"].notna()]
    found = {scaling.devices[row["label"]]: row for row in speedups.to_dict("records")}
    counts = sorted(found)
    if counts[:1] != [1] or len(counts) < 2:
        return ""
    texts = column("speedup", [Estimate(*(found[n][end] for end in ("estimate", "low", "high"))) for n in counts])
    parts: list[str] = []
    for before, (n, text) in pairwise(zip(counts, texts, strict=True)):
        named = f"{n} {scaling.named}" if not parts else str(n)
        around = f" [{text.around}]" if text.around else ""
        parts.append(
            f"{named} were {text.value} times as fast as one{around}{_than(found[before[0]], found[n], before[0])}"
        )
    over = [n for n in counts if scaling.cores and n > scaling.cores]
    shared = (
        f"; {listed(map(str, over), 'or')} workers share {counted(scaling.cores, 'core')}"
        if over and scaling.cores
        else ""
    )
    return f"{'; '.join(parts)}{shared}."


def _than(fewer: dict[Any, Any], more: dict[Any, Any], count: int) -> str:
    """How an arm compares with the next fewer devices, where it was not clearly faster."""
    if near(fewer, more):
        return f", which is not clearly different from {'one' if count == 1 else count}"
    if more["estimate"] < fewer["estimate"]:
        return f", slower than {'one' if count == 1 else count}"
    return ""

"""Several devices: what counts as a comparison of their numbers, and what is said of the speedups."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from study.plan.plan import Plan
from study.show.figures.data import scaling_of
from study.show.observations import device_of, workers
from study.show.page import protocol, timing
from study.show.tables.results_table import table
from tests.show.records import on_devices, records, summary_table

GPUS = "o: {vary: {gpus: [1, 2, 4]}, metrics: [train_seconds, speedup, step_seconds]}"
STEPS = {1: 10e-3, 2: 7e-3, 4: 11e-3}


@pytest.mark.parametrize(
    "comparison",
    [
        "o: {vary: {gpus: [1, 2], batch_size: [16, 32]}, metrics: [speedup]}",
        "o: {vary: {gpus: [1, 2]}, metrics: [step_seconds]}",
        "o: {vary: {gpus: [2, 4]}, metrics: [speedup]}",
        "o: {vary: {gpus: [1, 2]}, reference: gpus=2, metrics: [speedup]}",
        "o: {vary: {batch_size: [16, 32]}, metrics: [speedup]}",
    ],
)
def test_only_numbers_of_devices_against_one_are_a_scaling(planned: Callable[..., Plan], comparison: str) -> None:
    plan = planned(comparison)
    assert scaling_of(plan.comparisons[0], records(plan)) is None


def test_devices_come_from_the_recipes_and_not_from_labels(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {arms: [{label: one, gpus: 1}, {label: eight, gpus: 8}], metrics: [speedup]}")
    found = scaling_of(plan.comparisons[0], on_devices(plan, records(plan), {1: 1e-2, 8: 1e-2}, device="H100"))
    assert found
    assert (found.devices, found.named, found.cores) == ({"one": 1, "eight": 8}, "GPUs", None)


def test_tables_and_the_page_speak_of_cpu_workers(planned: Callable[..., Plan]) -> None:
    plan = planned(f"{GPUS}\np: {{vary: {{dropout: [0, 0.3]}}, metrics: [step_seconds]}}")
    found = on_devices(plan, records(plan), STEPS)
    summary = summary_table(plan, found).to_pandas()
    device = workers(device_of(found.timing), [1, 2, 4])
    ours = table(plan.comparisons[0], summary, device)
    assert ours.headings == [
        "arm",
        "training time (s, CPU workers)",
        "speedup (×, CPU workers)",
        "time per step (s, CPU workers)",
        "runs",
    ]
    assert "No GPU was used." in " ".join(ours.notes)
    assert timing.timed_on(plan, found.timing) == "CPU (2 cores; arms with gpus above 1: CPU workers)"
    assert timing.timed_on(plan, found.timing) in dict(protocol.facts(plan, found))["Timing"]  # type: ignore[operator]
    named = {row.arm for row in timing.timed(plan, found.timing)}
    assert {"O: gpus=1", "O: gpus=2 (2 CPU workers)", "O: gpus=4 (4 CPU workers)"} <= named
    gpu = found.timing.assign(device="NVIDIA H100", cores=np.nan)
    assert timing.timed_on(plan, gpu) == "NVIDIA H100"
    assert "O: gpus=2" in {row.arm for row in timing.timed(plan, gpu)}

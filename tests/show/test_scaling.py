"""Several devices: what counts as a comparison of their numbers, and what is said of the speedups."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from study.plan.plan import Plan
from study.show.figures.data import scaling_of
from study.show.observations import device_of, workers
from study.show.page import protocol
from study.show.page.findings import finding
from study.show.tables import timing_table
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


def said(planned: Callable[..., Plan], steps: dict[int, float], **how: object) -> str:
    plan = planned(GPUS)
    found = on_devices(plan, records(plan), steps, **how)  # type: ignore[arg-type]
    return finding(plan.comparisons[0], summary_table(plan, found).to_pandas(), found)[0]


def test_what_was_gained_is_said_in_words_with_the_cores_that_workers_share(planned: Callable[..., Plan]) -> None:
    text = said(planned, {1: 10e-3, 2: 6.25e-3, 4: 12.5e-3})
    assert text.startswith("2 CPU workers were 1.600 times as fast as one [1.5")
    assert "; 4 were 0.800 times as fast as one [0.7" in text
    assert text.endswith("], slower than 2; 4 workers share 2 cores.")


def test_on_gpus_nothing_is_shared_and_what_is_not_clear_is_said(planned: Callable[..., Plan]) -> None:
    text = said(planned, {1: 10e-3, 2: 5e-3, 4: 5.001e-3}, device="NVIDIA H100")
    assert text.startswith("2 GPUs were 2.00")
    assert text.endswith("], which is not clearly different from 2.")
    assert "not clearly different from one" in said(planned, {1: 10e-3, 2: 10e-3, 4: 5e-3})


def test_without_a_timing_nothing_is_said_to_be_faster(planned: Callable[..., Plan]) -> None:
    assert "times as fast" not in said(planned, {})


def test_the_speedup_of_the_reference_is_one_in_every_round(planned: Callable[..., Plan]) -> None:
    plan = planned(GPUS)
    found = on_devices(plan, records(plan), STEPS)
    rows = {(r["label"], r["metric"]): r for r in summary_table(plan, found).to_pylist()}
    one = rows["gpus=1", "speedup"]
    assert (one["estimate"], one["low"], one["high"]) == (1.0, None, None)
    step = rows["gpus=2", "step_seconds"]["estimate"]
    assert rows["gpus=2", "train_seconds"]["estimate"] == pytest.approx(8 * 34 * step)
    assert rows["gpus=2", "speedup"]["estimate"] == pytest.approx(10 / 7, rel=0.01)


def test_tables_and_the_page_speak_of_cpu_workers(planned: Callable[..., Plan]) -> None:
    plan = planned(f"{GPUS}\np: {{vary: {{dropout: [0, 0.3]}}, metrics: [step_seconds]}}")
    found = on_devices(plan, records(plan), STEPS)
    summary = summary_table(plan, found).to_pandas()
    device = workers(device_of(found.timing), [1, 2, 4])
    ours = table(plan.comparisons[0], summary, device)
    assert list(ours.headings) == [
        "training time (s, CPU workers)",
        "speedup (×, CPU workers)",
        "time per step (s, CPU workers)",
        "runs",
    ]
    assert "No GPU was used." in " ".join(ours.notes)
    assert timing_table.timed_on(plan, found.timing) == "CPU (2 cores; arms with gpus above 1: CPU workers)"
    assert timing_table.timed_on(plan, found.timing) in dict(protocol.facts(plan, found))["Timing"]  # type: ignore[operator]
    named = {row.arm for row in timing_table.timed(plan, found.timing)}
    assert {"o: gpus=1", "o: gpus=2 (2 CPU workers)", "o: gpus=4 (4 CPU workers)"} <= named
    gpu = found.timing.assign(device="NVIDIA H100", cores=np.nan)
    assert timing_table.timed_on(plan, gpu) == "NVIDIA H100"
    assert "o: gpus=2" in {row.arm for row in timing_table.timed(plan, gpu)}

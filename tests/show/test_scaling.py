"""Several devices: the model of a step against hand calculations, and what is said of the speedups."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import numpy as np
import pandas as pd
import pytest

from study.plan.plan import Plan
from study.show.observations import device_of, workers
from study.show.page import protocol, timing
from study.show.page.findings import finding
from study.show.scaling import Model, model_of, scaling_of
from study.show.tables.table import table
from tests.show.records import on_devices, records, summary_table

GPUS = "o: {vary: {gpus: [1, 2, 4]}, metrics: [train_seconds, speedup, step_seconds]}"
SUMS = {2: (1.2e-3, 0.2e-3), 4: (9e-3, 5e-3)}  # a message takes 0.1 ms, 1 MB between two takes 1 ms more
STEPS = {1: 10e-3, 2: 7e-3, 4: 11e-3}


def rounds(**columns: list[float | None]) -> pd.DataFrame:
    """One round of the arms "a", "b", "c", of 1, 2 and 4 devices."""
    usual: dict[str, list[float | None]] = {
        "step_seconds": [10e-3, 7e-3, 11e-3],
        "row_seconds": [2e-3, None, None],
        "allreduce_seconds": [None, 1.2e-3, 9e-3],
        "allreduce_bytes": [None, 1_000_000, 1_000_000],
        "latency_seconds": [None, 0.2e-3, 5e-3],
    }
    return pd.DataFrame({"arm": ["a", "b", "c"]} | usual | columns)


def model(rows: int = 256, **columns: list[float | None]) -> Model:
    found = model_of(rounds(**columns), {"a": 1, "b": 2, "c": 4}, rows)
    assert isinstance(found, Model)
    return found


def test_a_step_is_the_fixed_part_the_share_of_the_rows_and_a_ring() -> None:
    """Milliseconds. The ring: 2(n - 1) messages of 0.1, and 2(n - 1)/n times 1 for the gradient."""
    found = model()
    assert (found.fixed, found.latency, found.bandwidth) == pytest.approx((2e-3, 0.1e-3, 1e9))
    assert found.seconds(1) == pytest.approx(10e-3)
    assert found.seconds(2) == pytest.approx((2 + 8 / 2 + 2 * 0.1 + 1) * 1e-3)
    assert found.seconds(4) == pytest.approx((2 + 8 / 4 + 6 * 0.1 + 1.5) * 1e-3)
    assert found.seconds(64) == pytest.approx((2 + 0.125 + 12.6 + 1.96875) * 1e-3)
    speedups = found.speedups()
    assert speedups.index.tolist() == list(range(1, 65))
    assert speedups[[1, 2, 4]].tolist() == pytest.approx([1, 10 / 7.2, 10 / 6.1])


def test_the_sum_that_was_measured_is_the_sum_that_is_predicted() -> None:
    assert model().allreduce(2) == pytest.approx(1.2e-3)
    alone = model(allreduce_seconds=[None, None, 9e-3])  # latency 5/6 ms a message, and 1.5 MB in 4 ms
    assert alone.between == 4
    assert (alone.latency, alone.bandwidth) == pytest.approx((5e-3 / 6, 1.5e6 / 4e-3))
    assert alone.allreduce(4) == pytest.approx(9e-3)


def test_without_fixed_part_and_sums_n_devices_are_n_times_as_fast() -> None:
    found = model(row_seconds=[0, None, None], allreduce_seconds=[None, 0, 0], latency_seconds=[None, 0, 0])
    assert found.speedups().tolist() == pytest.approx(list(range(1, 65)))


def test_where_the_size_made_no_difference_the_bandwidth_is_infinite() -> None:
    found = model(allreduce_seconds=[None, 0.15e-3, 9e-3])
    assert found.bandwidth == inf
    assert found.allreduce(4) == pytest.approx(6 * 0.1e-3)


def test_a_step_on_one_row_that_took_longer_than_a_step_leaves_nothing_to_split() -> None:
    found = model(row_seconds=[12e-3, None, None])
    assert found.fixed == 10e-3
    assert found.speedups().max() == 1


def test_no_device_has_less_than_a_row() -> None:
    assert model(rows=24).speedups().index.max() == 24


@pytest.mark.parametrize(
    ("column", "values", "why"),
    [
        ("step_seconds", [None, 7e-3, 11e-3], "a step on one device was not timed"),
        ("row_seconds", [None] * 3, "does not depend on its rows was not measured"),
        ("allreduce_seconds", [None] * 3, "the sum of gradients over several devices was not measured"),
        ("latency_seconds", [None] * 3, "the sum of gradients over several devices was not measured"),
    ],
)
def test_what_was_not_measured_is_named(column: str, values: list[float | None], why: str) -> None:
    assert why in str(model_of(rounds(**{column: values}), {"a": 1, "b": 2, "c": 4}, 256))


def test_the_numbers_are_medians_over_rounds() -> None:
    """Three rounds, the last of which was disturbed."""
    slow = rounds(step_seconds=[90e-3, 1, 1], row_seconds=[50e-3, None, None], latency_seconds=[None, 1, 1])
    frame = pd.concat([rounds(), rounds(), slow], ignore_index=True)
    assert model_of(frame, {"a": 1, "b": 2, "c": 4}, 256) == model()


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
    assert ours.headings == (
        "training time (s, CPU workers)",
        "speedup (×, CPU workers)",
        "time per step (s, CPU workers)",
    )
    assert "No GPU was used." in " ".join(ours.notes)
    assert timing.timed_on(plan, found.timing) == "CPU (2 cores; arms with gpus above 1: CPU workers)"
    assert timing.timed_on(plan, found.timing) in dict(protocol.facts(plan, found))["Timing"]  # type: ignore[operator]
    named = {row.arm for row in timing.timed(plan, found.timing)}
    assert {"o: gpus=1", "o: gpus=2 (2 CPU workers)", "o: gpus=4 (4 CPU workers)"} <= named
    gpu = found.timing.assign(device="NVIDIA H100", cores=np.nan)
    assert timing.timed_on(plan, gpu) == "NVIDIA H100"
    assert "o: gpus=2" in {row.arm for row in timing.timed(plan, gpu)}

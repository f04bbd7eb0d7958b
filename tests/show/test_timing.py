"""How quiet the machine was, and times to neighbouring targets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from study.plan.plan import Plan
from study.show.observations import neighbours
from study.show.page import timing
from study.show.tables.results_table import beside
from study.target import Target
from tests.show.records import records, summary_table

ARMS = "{optimizer: [sgd, {name: adam, lr: 0.01}]}"


@pytest.fixture
def timed(planned: Callable[..., Plan]) -> tuple[Plan, pd.DataFrame]:
    plan = planned(f"o: {{vary: {ARMS}, metrics: [step_seconds]}}")
    return plan, records(plan).timing


def test_every_timed_arm_has_its_step_time_spread_and_memory(timed: tuple[Plan, pd.DataFrame]) -> None:
    plan, frame = timed
    rows = {row.arm: row for row in timing.timed(plan, frame)}
    assert set(rows) == {"O: sgd", "O: adam"}
    for arm in plan.comparisons[0].arms:
        seconds = frame.loc[frame["arm"] == arm.arm, "step_seconds"] * 1000
        row = rows[f"O: {arm.label}"]
        assert float(row.step.value) == pytest.approx(np.median(seconds), rel=0.01)
        assert [float(end) for end in row.spread.split(" to ")] == pytest.approx(
            [seconds.min(), seconds.max()], rel=0.01
        )
    assert {row.memory for row in rows.values()} == {"1.000", "2.000"}


def test_an_arm_that_could_not_be_timed_has_a_row(timed: tuple[Plan, pd.DataFrame]) -> None:
    plan, frame = timed
    adam = plan.comparisons[0].arms[1].arm
    frame.loc[frame["arm"] == adam, ["step_seconds", "memory_bytes"]] = None
    [row] = [row for row in timing.timed(plan, frame) if row.arm == "O: adam"]
    assert (row.step.value, row.spread, row.memory) == ("–", "–", "–")


@pytest.mark.parametrize(
    ("load", "wanted"),
    [
        (0.1, "the machine was quiet"),
        (
            2.35,
            "other work was running on this machine, or had ended within that minute. The number of its cores was not",
        ),
        (None, "how quiet it was is not known"),
    ],
)
def test_it_is_said_plainly_whether_the_machine_was_quiet(
    timed: tuple[Plan, pd.DataFrame], load: float | None, wanted: str
) -> None:
    plan, frame = timed
    assert wanted in timing.quietness(plan, frame.assign(load_average=load))


@pytest.mark.parametrize(
    ("gpus", "load", "cores", "wanted"),
    [
        (1, 1.4, 1, "The job itself makes 1 and could use 1 core: the machine was quiet."),
        (1, 2.4, 4, "The job itself makes 1 and could use 4 cores: with a core for each, the machine was quiet."),
        (1, 1.9, 2, "other work was running on this machine"),  # with the job's own there was more than cores can do
        (1, 2.4, 2, "other work was running on this machine, or had ended within that minute, and may have slowed"),
        (4, 3.4, 2, "makes 1 (4 at most) and could use 2 cores: that may be its own workers, or other work"),
        (4, 4.6, 2, "other work was running"),
    ],
)
def test_load_is_measured_by_the_cores_of_the_machine(
    planned: Callable[..., Plan], gpus: int, load: float, cores: int, wanted: str
) -> None:
    plan = planned(f"o: {{vary: {{gpus: [{gpus}], dropout: [0, 0.3]}}, metrics: [step_seconds]}}")
    text = timing.quietness(plan, records(plan).timing.assign(load_average=load, cores=cores))
    assert wanted in text
    assert "not recorded" not in text


@pytest.mark.parametrize(
    ("metric", "value", "easier", "harder"),
    [
        ("val_accuracy", 0.95, 0.94, 0.96),  # errors of 6.25 and 4 %
        ("val_accuracy", 0.9, 0.88, 0.92),
        ("val_accuracy", 0.98, 0.975, 0.984),
        ("val_loss", 0.4, 0.5, 0.3),
    ],
)
def test_neighbours_differ_by_a_quarter_of_the_error(metric: str, value: float, easier: float, harder: float) -> None:
    found = neighbours(Target(metric=metric, value=value))  # type: ignore[arg-type]
    assert {side: target.value for side, target in found.items()} == {"easier": easier, "harder": harder}


def test_there_are_no_neighbours_of_no_target_and_none_beyond_certainty() -> None:
    assert neighbours(None) == {}
    assert neighbours(Target(metric="val_accuracy", value=1.0)) == {}
    assert set(neighbours(Target(metric="val_accuracy", value=0.1))) == {"harder"}


def test_times_to_neighbouring_targets_are_shown_with_their_counts(planned: Callable[..., Plan]) -> None:
    """Accuracy is 0.91 - 0.81 * 0.5 ** epoch (to 0.93 for odd seeds): 88 % at epoch 5 (4), 92 % only by odd seeds."""
    plan = planned(f"o: {{vary: {ARMS}, metrics: [test_accuracy, epochs_to_target]}}")
    found = records(plan, lambda label, seed: {"level": 0.93 if seed % 2 else 0.91, "pace": 1})
    summary = summary_table(plan, found).to_pandas()
    ours = beside(plan.comparisons[0], summary)
    assert ours
    assert ours.headings == ["arm", "epochs to target, 88 %", "epochs to target, 92 %"]
    assert [str(cell) for cell in ours.rows[0][1:]] == ["5 (8/8 reached)", "7 (4/8 reached)"]
    row = summary[summary["metric"] == "epochs_to_target"].iloc[0]
    assert (row["easier_target"], row["easier_n_reached"], row["harder_median"]) == (0.88, 8, 7)


def test_a_comparison_without_times_to_target_has_no_neighbours(planned: Callable[..., Plan]) -> None:
    plan = planned(f"o: {{vary: {ARMS}, metrics: [test_accuracy]}}")
    assert beside(plan.comparisons[0], summary_table(plan, records(plan)).to_pandas()) is None

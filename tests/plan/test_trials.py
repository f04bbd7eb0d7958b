"""Whose trials a tuning job takes over, and when it makes them itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.plan.limits import Limits
from study.plan.workflow.dag import Dag
from study.plan.workflow.messages import end
from tests.plan.conftest import write
from tests.plan.tuned import tuned


@pytest.fixture
def dag(study: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dag:
    """Two arms, each tuned by steps to a target and by validation loss."""
    monkeypatch.chdir(tmp_path)
    target = {"metric": "val_accuracy", "value": 0.9}
    write(tuned(study, metrics=["steps_to_target", "test_loss"], target=target), Path("s.yaml"))
    return Dag.build({"study": "s.yaml"}, Limits(gpu=1))


def again() -> Dag:
    return Dag.build({"study": "s.yaml"}, Limits(gpu=1))


def put(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_they_are_taken_over_from_one_that_is_or_will_be_there(dag: Dag) -> None:
    assert len(dag.plan.sources) == 2
    for arm, source in dag.plan.sources.items():
        assert dag.trials(arm) == [str(dag.store.tuning(source))]
        assert dag.trials(source) == []
        assert dag.store.recipe(source).exists()
        put(dag.store.tuning(source))
        assert again().trials(arm) == [str(dag.store.tuning(source))]


def test_an_arm_that_is_tuned_waits_for_nobody(dag: Dag) -> None:
    """An input that is still to be made would have Snakemake tune it again."""
    for arm in dag.plan.sources:
        put(dag.store.tuning(arm))
        assert again().trials(arm) == []


def test_a_failure_does_not_take_others_down_twice(dag: Dag) -> None:
    arm, source = next(iter(dag.plan.sources.items()))
    put(dag.store.failed(source, "tuning"), '{"reason": "KeyError: 0"}')
    assert sorted(line.partition(" a, ")[0] for line in end(dag)[:2]) == ["FAILED", "NOT TUNED"]
    assert f"({arm}): it was to take over trials of {source}" in "\n".join(end(dag))
    assert again().trials(arm) == []

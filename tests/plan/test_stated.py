"""Whether a claim was stated before its runs were there, as far as a store can tell."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.plan.dag import Dag
from study.plan.gpus import Limits
from study.plan.plan import Plan
from study.plan.stated import runs_before, words
from study.plan.store import Block, Store
from tests.plan.conftest import write

HIGHER = {"metric": "test_accuracy", "better": "relu", "than": "tanh"}
SOONER = {"metric": "epochs_to_target", "better": "relu", "than": "tanh"}
FASTER = {"metric": "step_seconds", "better": "relu", "than": "tanh"}


@pytest.fixture
def state(study: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plan]:
    """Build the DAG of a study of six seeds with these claims."""
    monkeypatch.chdir(tmp_path)
    study |= {"seeds": 6, "target": {"metric": "val_accuracy", "value": 0.9}}

    def run(*claims: dict[str, Any], **changes: Any) -> Plan:
        study["comparisons"]["a"]["claims"] = [{"exploratory": True} | claim for claim in claims]
        write(study | changes, Path("s.yaml"))
        return Dag.build({"study": "s.yaml"}, Limits(gpu=1)).plan

    return run


def train(plan: Plan, label: str, first: int, last: int) -> None:
    store, block = Store("results"), Block(first, last)
    arm = next(arm.arm for arm in plan.comparisons[0].arms if arm.label == label)
    for path in (store.runs(arm, block), store.curves(arm, block)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def before(plan: Plan) -> list[int | None]:
    [comparison], known = plan.comparisons, runs_before(Store("results"))
    return [known[words(comparison, claim)] for claim in comparison.claims]


def test_runs_that_were_there_first_are_counted(state: Callable[..., Plan]) -> None:
    train(plan := state(), "relu", 0, 3)
    assert before(state(HIGHER)) == [4]
    train(plan, "tanh", 0, 9)  # of which six are asked for
    assert before(state(HIGHER, SOONER)) == [4, 10]


def test_what_is_stated_first_stays_so(state: Callable[..., Plan]) -> None:
    for label in ("relu", "tanh"):
        train(state(SOONER, HIGHER), label, 0, 5)
    assert before(state(HIGHER, SOONER)) == [0, 0]
    state(HIGHER)
    assert before(state(HIGHER, SOONER, study="renamed", title="Another")) == [0, 0]
    shutil.rmtree("results/studies/small")
    assert before(state(HIGHER, SOONER)) == [0, 0]


@pytest.mark.parametrize(
    "change",
    [{"margin": 0.02}, {"kind": "equal", "margin": 0.02}, {"better": "tanh", "than": "relu"}],
    ids=["margin", "kind", "turned round"],
)
def test_another_claim_is_stated_when_it_is_changed(state: Callable[..., Plan], change: dict[str, Any]) -> None:
    for label in ("relu", "tanh"):
        train(state(HIGHER, SOONER), label, 0, 5)
    assert before(state(HIGHER | change, SOONER)) == [12, 0]


def test_a_target_concerns_only_what_is_judged_by_it(state: Callable[..., Plan]) -> None:
    for label in ("relu", "tanh"):
        train(state(HIGHER, SOONER), label, 0, 5)
    easier = {"metric": "val_accuracy", "value": 0.8}
    assert before(state(HIGHER, SOONER, target=easier)) == [0, 12]


def test_a_claim_on_rounds_is_known_by_its_timing(state: Callable[..., Plan]) -> None:
    for label in ("relu", "tanh"):
        train(state(HIGHER), label, 0, 5)
    plan = state(HIGHER, FASTER)
    assert before(plan) == [0, 0]
    assert plan.timing
    timing = Store("results").timing(plan.timing.id)
    timing.parent.mkdir()
    timing.touch()
    assert before(state(FASTER | {"margin": 0.5})) == [plan.timing.rounds]


def test_of_a_plan_from_before_this_was_noted_nothing_is_known(state: Callable[..., Plan]) -> None:
    for label in ("relu", "tanh"):
        train(state(HIGHER), label, 0, 5)
    Path("results/studies/stated.json").unlink()
    assert before(state(HIGHER, SOONER)) == [None, 12]
    Path("results/studies/stated.json").unlink()
    Path("results/studies/small/plan.json").write_text('{"study": "small"}')
    assert before(state(HIGHER)) == [None]

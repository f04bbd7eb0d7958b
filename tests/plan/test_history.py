"""Whether a claim was stated before its runs were there, as far as a store can tell."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.errors import Refused
from study.plan import history
from study.plan.history import History, words
from study.plan.limits import Limits
from study.plan.plan import Plan
from study.plan.workflow.dag import Dag
from study.store.layout import Block, Store
from tests.blocks import leave
from tests.plan.conftest import write

HIGHER = {"metric": "test_accuracy", "better": "relu", "than": "tanh"}
SOONER = {"metric": "epochs_to_target", "better": "relu", "than": "tanh"}
FASTER = {"metric": "step_seconds", "better": "relu", "than": "tanh"}


@pytest.fixture
def state(study: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plan]:
    """Build the DAG of a study of six seeds with these claims, and begin to run it."""
    monkeypatch.chdir(tmp_path)
    study |= {"seeds": 6, "target": {"metric": "val_accuracy", "value": 0.9}}

    def run(*claims: dict[str, Any], **changes: Any) -> Plan:
        study["comparisons"]["a"]["claims"] = [{"exploratory": True} | claim for claim in claims]
        write(study | changes, Path("s.yaml"))
        dag = Dag.build({"study": "s.yaml"}, Limits(gpu=1))
        history.state(dag.plan, dag.store)
        return dag.plan

    return run


def train(plan: Plan, label: str, first: int, last: int) -> None:
    store, block = Store("results"), Block(first, last)
    arm = next(arm.arm for arm in plan.comparisons[0].arms if arm.label == label)
    leave(store, arm, block)


def before(plan: Plan) -> list[int | None]:
    [comparison], known = plan.comparisons, History.read(plan, Store("results"))
    return [known.runs_before(words(comparison, claim)) for claim in comparison.claims]


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


def test_to_write_the_default_margin_changes_nothing(state: Callable[..., Plan]) -> None:
    for label in ("relu", "tanh"):
        train(state(HIGHER, FASTER), label, 0, 5)
    assert before(state(HIGHER | {"margin": 0.0}, FASTER | {"margin": 0.1})) == [0, 0]


def test_a_target_concerns_only_what_is_judged_by_it(state: Callable[..., Plan]) -> None:
    for label in ("relu", "tanh"):
        train(state(HIGHER, SOONER), label, 0, 5)
    easier = {"metric": "val_accuracy", "value": 0.8}
    assert before(state(HIGHER, SOONER, target=easier)) == [0, 12]


def test_of_a_claim_on_timing_the_runs_of_its_arms_count(state: Callable[..., Plan]) -> None:
    """Timing itself is done anew with every other number of seeds."""
    for label in ("relu", "tanh"):
        train(state(HIGHER), label, 0, 5)
    assert before(state(HIGHER, FASTER)) == [0, 12]


def test_a_dag_alone_states_nothing(state: Callable[..., Plan]) -> None:
    """As in a dry run, and in ``check``."""
    plan = state(HIGHER)
    Path("results/studies/small/history.json").unlink()
    Dag.build({"study": "s.yaml"}, Limits(gpu=1))
    assert not Path("results/studies/small/history.json").exists()
    assert before(plan) == [None]


@pytest.mark.parametrize("text", ["<<<<<<< HEAD", "[]", '{"claims": {}}', '{"claims": 1, "looks": {}, "drawn": {}}'])
def test_a_damaged_file_is_refused(state: Callable[..., Plan], text: str) -> None:
    state(HIGHER)
    path = Path("results/studies/small/history.json")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match="is damaged; restore it"):
        state(HIGHER, SOONER)
    assert path.read_text(encoding="utf-8") == text

"""`evenhand show` and `evenhand why`: what a store has of an arm, and why it has not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from study.plan.plan import Plan
from study.store.failures import KILLED
from study.store.files import write_if_changed
from study.store.layout import Block, Store
from tests.exchange.conftest import STUDY, filled

ROOT = Path(__file__).parents[2]
Made = Callable[..., tuple[Plan, Store]]
Command = Callable[..., tuple[int, str]]


def arm_of(plan: Plan, label: str) -> str:
    return plan.comparisons[0].arms_for("test_accuracy")[label]


@pytest.mark.parametrize("spelling", ["adam", "optimizers, adam", "small: optimizers, adam", "id", "beginning"])
def test_an_arm_is_shown_by_its_label_or_its_id(made: Made, evenhand: Command, spelling: str) -> None:
    plan, store = made()
    arm = arm_of(plan, "adam")
    status, said = evenhand("show", {"id": arm, "beginning": arm[:6]}.get(spelling, spelling), "--results", store.root)
    assert status == 0
    for words in (
        f"arm {arm}\n", "compared as small: optimizers, adam\n", "adam (lr=0.001,", "hidden=[8]",
        f"{store.runs(arm, Block(0, 5))}: 6 finished", f"{store.recipe(arm)}\n", "made: seeds 0-5\n",
        "2.13.0+cpu", "0123abc",
    ):  # fmt: skip
        assert words in said, words


def test_runs_that_were_made_otherwise_stand_apart(made: Made, evenhand: Command) -> None:
    plan, store = made(blocks=(Block(0, 3),))
    filled(store, arm_of(plan, "sgd"), Block(4, 5), device="NVIDIA H100", torch_version="2.14.0")
    _, said = evenhand("show", "sgd", "--results", store.root)
    first, second = said.split("made: ")[1:]
    assert first.startswith("seeds 0-3\n")
    assert second.startswith("seeds 4-5\n")
    assert "NVIDIA H100" in second
    assert "NVIDIA H100" not in first


def test_what_is_missing_of_it_and_what_failed_is_said(made: Made, evenhand: Command) -> None:
    plan, store = made(blocks=(Block(0, 3),))
    arm = arm_of(plan, "sgd")
    write_if_changed(store.failed(arm, Block(4, 5)), '{"reason": "ValueError: no", "log": "l.log"}\n')
    _, said = evenhand("show", "sgd", "--results", store.root)
    assert "seeds 4-5 are missing" in said
    assert "seeds 4-5 failed: ValueError: no (log: l.log)" in said


def test_a_label_with_a_mistake_suggests_the_nearest(made: Made, evenhand: Command) -> None:
    _, store = made()
    assert evenhand("show", "adma", "--results", store.root) == (
        2,
        f"{store.root}/: there is no arm 'adma'; did you mean 'adam'?\n",
    )
    status, said = evenhand("show", "zzz", "--results", store.root)
    assert (status, "its labels: sgd; adam" in said) == (2, True)


@pytest.mark.parametrize("verb", ["show", "why"])
def test_a_folder_that_is_no_store_is_refused(planned: Made, evenhand: Command, tmp_path: Path, verb: str) -> None:
    _, path = planned()
    argument = path if verb == "why" else "adam"
    (tmp_path / "empty").mkdir()
    for folder, words in (("empty", "is no store"), ("gone", "there is no such folder")):
        status, said = evenhand(verb, argument, "--results", tmp_path / folder)
        assert status == 2
        assert said.startswith(f"{tmp_path / folder}: {words}")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("batch_size: 32", "batch_size: 64", "batch_size: 64, not 32"),
        ("hidden: [8]", "hidden: [8, 8]", "network.hidden: [8, 8], not [8]"),
        ("lr: 0.001", "lr: 0.002", "optimizer.lr: 0.002, not 0.001"),
        ("adam", "nadam", "optimizer: nadam, not "),
        ("dataset: digits", "dataset: {name: digits, split_seed: 1}", "dataset.split_seed: 1, not 0"),
        ("epochs: 4", "epochs: 4\n  dropout: 0.5", "dropout: 0.5, not 0"),
        ("metrics:", "tune: {batch_size: {values: [16, 32]}}\n    metrics:", "batch_size: tuned over [16, 32], not 32"),
    ],
)
def test_it_is_said_which_setting_is_new(
    made: Made, planned: Made, evenhand: Command, old: str, new: str, said: str
) -> None:
    _, store = made()
    _, path = planned(**{old: new})
    status, lines = evenhand("why", path, "--results", store.root)
    assert status == 0
    assert "nearest that is there: small: optimizers, " in lines
    assert said in lines


def test_it_is_said_that_seeds_are_new(made: Made, planned: Made, evenhand: Command) -> None:
    _, store = made()
    _, path = planned(**{"seeds: 6": "seeds: 9"})
    _, said = evenhand("why", path, "--results", store.root)
    assert "2 arms, 0 of them complete" in said
    assert said.count("6 of 9 runs\n") == 2
    assert said.count("with fewer seeds: 6-8 missing") == 2


def test_all_is_there(made: Made, planned: Made, evenhand: Command) -> None:
    _, store = made()
    _, path = planned()
    _, said = evenhand("why", path, "--results", store.root)
    assert [line.split()[0] for line in said.splitlines()[1:]] == ["there", "there"]


def test_another_recipe_version_is_said(made: Made, planned: Made, evenhand: Command) -> None:
    """As it was stored before the meaning of training changed: under another id."""
    plan, store = made()
    arm, older = arm_of(plan, "adam"), "0123456789ab"
    store.arm(arm).rename(store.arm(older))
    text = store.recipe(older).read_text(encoding="utf-8")
    store.recipe(older).write_text(text.replace('"recipe_version": 2', '"recipe_version": 1'), encoding="utf-8")
    _, path = planned()
    _, said = evenhand("why", path, "--results", store.root)
    assert f"nearest that is there: {older}; new:\n" in said
    assert "recipe version 2, not 1" in said


def test_a_failure_is_said_with_its_reason(made: Made, planned: Made, evenhand: Command) -> None:
    plan, store = made(blocks=(Block(0, 1),))
    write_if_changed(store.failed(arm_of(plan, "sgd"), Block(2, 5)), f'{{"reason": "{KILLED}", "log": "l"}}\n')
    _, path = planned()
    _, said = evenhand("why", path, "--results", store.root)
    assert "failed   optimizers, sgd" in said
    assert KILLED in said


def test_a_plan_that_cannot_be_read_hides_no_other(made: Made, evenhand: Command) -> None:
    plan, store = made()
    (store.study("older") / "plan.json").parent.mkdir()
    (store.study("older") / "plan.json").write_text('{"study": "older"}', encoding="utf-8")
    assert evenhand("show", "adam", "--results", store.root)[0] == 0
    assert evenhand("show", arm_of(plan, "sgd"), "--results", store.root)[0] == 0


def test_neither_loads_torch(made: Made, tmp_path: Path) -> None:
    _, store = made()
    (tmp_path / "s.yaml").write_text(STUDY, encoding="utf-8")
    for words in (["show", "adam"], ["why", str(tmp_path / "s.yaml")]):
        code = (
            "import sys; from study.__main__ import main; "
            f"assert main({[*words, '--results', str(store.root)]!r}) == 0; "
            "assert 'torch' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)

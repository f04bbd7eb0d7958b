"""Mistakes in study files: what a person is told, through ``python -m study check``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import sub
from pathlib import Path
from typing import Any

import pytest

from study.__main__ import main
from study.metric import Final, PerRound
from study.metrics import METRICS
from study.plan.file.read import WANTED
from tests.plan.mistakes_of_choices import CHOICES, OUT
from tests.plan.mistakes_of_claims import CLAIMS
from tests.plan.mistakes_of_comparisons import COMPARISONS
from tests.plan.mistakes_of_factorials import FACTORIALS
from tests.plan.mistakes_of_ranges import RANGES
from tests.plan.mistakes_of_sizes import SIZES
from tests.plan.mistakes_of_style import STYLE
from tests.plan.mistakes_of_tuning import TUNING

Check = Callable[[Any], tuple[int, str, list[str]]]
CASES = CHOICES | COMPARISONS | RANGES | TUNING | CLAIMS | FACTORIALS | SIZES | STYLE


def change(study: dict[str, Any], path: str, value: Any) -> None:
    """Set (or take out) the value at ``path``, a dotted path of keys."""
    *parents, last = path.split(".")
    for key in parents:
        study = study[key]
    if value is OUT:
        del study[last]
    else:
        study[last] = value


@pytest.mark.parametrize("case", CASES)
def test_one_mistake_is_one_line(case: str, study: dict[str, Any], check: Check) -> None:
    Path("empty").mkdir()
    Path("t.csv").touch()
    Path("pets.csv").write_text("weight,kind\n3,cat\n")
    Path("kinds.csv").write_text("kind\ncat\n")
    changes, line = CASES[case]
    for path, value in changes.items():
        change(study, path, value)
    assert check(study) == (2, "", [f"s.yaml: {line}"])
    assert not Path("results/arms").exists()


TEXTS = {
    "": "holds no study; begin with 'study:', 'baseline:' and 'comparisons:'",
    "# nothing\n": "holds no study; begin with 'study:', 'baseline:' and 'comparisons:'",
    "- a\n": "holds no study; begin with 'study:', 'baseline:' and 'comparisons:'",
    "study: a\nseeds: 3\nstudy: b\n": "line 3, column 1: the key 'study' is there twice; keep one",
    "study: a\n\tseeds: 3\n": "line 2, column 1: found character '\\t' that cannot start any token; "
    "this is not valid YAML",
    "study: [a\n": "line 2, column 1: expected ',' or ']', but got '<stream end>'; this is not valid YAML",
    "--- a\n--- b\n": "line 2, column 1: but found another document; this is not valid YAML",
    "study: !!python/name:os.system\n": "line 1, column 8: could not determine a constructor for the tag "
    "'tag:yaml.org,2002:python/name:os.system'; this is not valid YAML",
}


@pytest.mark.parametrize("text", TEXTS)
def test_text_that_is_no_study(text: str, check: Check) -> None:
    assert check(text) == (2, "", [f"s.yaml: {TEXTS[text]}"])


def test_files_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, words in {
        "none.yaml": "there is no such file; give the path of a study file",
        ".": "is a folder; give the path of a study file",
        "binary": "cannot be read as text",
    }.items():
        assert main(["check", str(tmp_path / name)]) == 2
        assert f"{tmp_path / name}: {words}" in capsys.readouterr().err


def test_keys_that_are_not_text(check: Check) -> None:
    text = "study: a\nbaseline: {dataset: digits, network: mlp, optimizer: adadelta, batch_size: 8, epochs: 1, 1: x}\n"
    text += "comparisons: {a: {vary: {dropout: [0, 0.5]}, metrics: [test_loss]}}\n"
    code, _, lines = check(text)
    assert code == 2
    assert lines[0] == "s.yaml: baseline: the key 1 is not text; put it in quotes, or take it out"


def test_an_alias_to_what_it_is_part_of(check: Check) -> None:
    code, _, lines = check("study: &s {a: *s}\n")
    assert code == 2
    assert lines[0] == "s.yaml: study.a: refers to what it is part of; write it out"


def test_a_set_has_no_order(check: Check) -> None:
    text = "study: a\nbaseline: {dataset: digits, network: mlp, network.hidden: !!set {8, 4}, optimizer: adadelta, "
    text += "optimizer.lr: 1, batch_size: 8, epochs: 1}\n"
    text += "comparisons: {a: {vary: {dropout: [0, 0.5]}, metrics: [test_loss]}}\n"
    words = "baseline.network.hidden: is a set, which has no order; give a list"
    assert check(text) == (2, "", [f"s.yaml: {words}"])


def test_mistakes_of_shape_are_listed_at_once(study: dict[str, Any], check: Check) -> None:
    study["titel"] = "x"
    study["seeds"] = "many"
    study["baseline"]["optimizer"] = {"name": "sgd", "lr": -1}
    study["comparisons"]["b"] = {"vary": {"optimizer": ["adagard"]}, "metrics": ["test_acuracy"], "skip": [3]}
    study["comparisons"]["c"] = {"arms": [{"network.hiden": 1}, {"batch_size": 0}]}
    code, _, lines = check(study)
    assert code == 2
    assert sorted(line.removeprefix("s.yaml: ") for line in lines) == sorted(
        [
            "titel: 'titel' is not a key; did you mean 'title'?",
            "seeds: 'many' is refused; give a whole number",
            "baseline.optimizer.lr: -1 is refused; give a number above 0",
            "comparisons.b.vary.optimizer[0]: 'adagard' is not an optimizer; did you mean 'adagrad'?",
            "comparisons.b.metrics[0]: 'test_acuracy' is not a metric; did you mean 'test_accuracy'?",
            "comparisons.b.skip[0]: 3 is refused; give the axes and values that it matches, such as {batch_size: 16}",
            "comparisons.c.metrics: is missing; give what the table shows, such as [test_accuracy]",
            "comparisons.c.arms[0].network.hiden: 'hiden' is not a setting of any network; did you mean 'hidden'?",
            "comparisons.c.arms[1].batch_size: 0 is refused; give a number of at least 1",
        ]
    )


def test_mistakes_of_meaning_are_listed_at_once(study: dict[str, Any], check: Check) -> None:
    study["comparisons"]["a"] |= {"reference": "rellu", "reported": {"tanh": {"test_loss": 1}}}
    study["comparisons"]["b"] = {
        "vary": {"optimizer": ["adam"]},
        "metrics": ["test_loss", "steps_to_target"],
    }
    study["comparisons"]["c"] = {"vary": {"dropout": [0, 0]}, "skip": [{"dropout": 0.5}], "metrics": ["test_loss"]}
    study["comparisons"]["d"] = {
        "vary": {"network": ["convnet", "mlp"], "dataset": ["wine", "digits"]},
        "metrics": ["test_loss"],
    }
    code, _, lines = check(study)
    assert code == 2
    images = "'convnet' needs images and 'wine' has none; use 'mlp', or leave the combination out by 'skip:'"
    target = "'steps_to_target' needs a target; give the study target: {metric: val_accuracy, value: 0.95}"
    assert sorted(line.removeprefix("s.yaml: ") for line in lines) == sorted(
        [
            "comparisons.a.reference: 'rellu' is not a label of this comparison; "
            "did you mean 'relu'? the labels are 'tanh', 'relu'",
            "comparisons.a.reported.tanh.test_loss: 'test_loss' is not shown by this comparison; add it to its metrics",
            "comparisons.b.vary.optimizer[0]: 'adam' needs 'lr', "
            "which has no default; write {name: adam, lr: …}, or tune optimizer.lr",
            f"comparisons.b.metrics[1]: {target}",
            "comparisons.c.skip[0]: matches no combination; take it out or correct it",
            f"comparisons.d.vary.network[0]: {images}",
        ]
    )


def test_a_mistake_of_the_baseline_is_told_once_however_many_comparisons_meet_it(
    study: dict[str, Any], check: Check
) -> None:
    study["baseline"]["optimizer"] = "sgd"
    study["comparisons"]["b"] = {"vary": {"dropout": [0, 0.5]}, "metrics": ["test_loss"]}
    words = "'sgd' needs 'lr', which has no default; write {name: sgd, lr: …}, or tune optimizer.lr"
    assert check(study) == (2, "", [f"s.yaml: baseline.optimizer: {words}"])


def test_a_key_that_nobody_described_is_missing_all_the_same(
    study: dict[str, Any], check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(WANTED, "batch_size")
    del study["baseline"]["batch_size"]
    assert check(study) == (2, "", ["s.yaml: baseline.batch_size: is missing; give a value"])


def test_a_misspelt_choice_does_not_make_its_label_a_second_mistake(study: dict[str, Any], check: Check) -> None:
    study["comparisons"]["a"] |= {"vary": {"activation": ["sigmod", "relu"]}}
    study["comparisons"]["a"] |= {"reference": "sigmoid", "reported": {"sigmoid": {"test_accuracy": "92.3 %"}}}
    code, _, lines = check(study)
    words = "'sigmod' is not an activation; did you mean 'sigmoid'?"
    assert (code, lines) == (2, [f"s.yaml: comparisons.a.vary.activation[0]: {words}"])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            Final("tset_loss", "train_loss", compute=sub),
            "'weight_norm' cannot be computed; 'tset_loss' is not a column that it may read; did you mean 'test_loss'?",
        ),
        (
            PerRound("test_loss"),
            "'weight_norm' cannot be computed; 'test_loss' is not a column that it may read; "
            "known: step_seconds, memory_bytes, steps, reference_seconds",
        ),
        (
            Final("train_accuracy", "weight_norm", compute=sub),
            "'weight_norm' needs classes and 'diabetes' is for regression; use a loss",
        ),
    ],
)
def test_a_metric_that_cannot_be_computed(
    source: Final | PerRound, words: str, study: dict[str, Any], check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known before anything is trained, from the columns that its record names."""
    monkeypatch.setitem(METRICS, "weight_norm", replace(METRICS["weight_norm"], source=source))
    study["baseline"]["dataset"] = "diabetes"
    study["comparisons"]["a"]["metrics"] = ["weight_norm"]
    assert check(study) == (2, "", [f"s.yaml: comparisons.a.metrics[0]: {words}"])

"""Mistakes in study files: what a person is told, through ``python -m study check``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.__main__ import main

Check = Callable[[Any], tuple[int, str, list[str]]]
OUT = object()  # take the key out

A = "comparisons.a"
OPTIMIZERS = "sgd, momentum, nesterov, adagrad, rmsprop, adadelta, adam, adamw, nadam, lion"
REQUIRED = "a choice on every axis, or at least on dataset, network, optimizer, batch_size and epochs"
EXAMPLE = "at least one, such as {activation: {vary: {activation: [tanh, relu]}, metrics: [test_loss]}}"
MLP = {"name": "mlp", "hidden": [8]}
TO_TARGET = {f"{A}.metrics": ["epochs_to_target"]}

# What is changed in the small study (path → value), and the one line that a person reads.
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"titel": "x"}, "titel: 'titel' is not a key; did you mean 'title'?"),
    "a required key spelled wrong": (
        {f"{A}.metrics": OUT, f"{A}.metrcs": ["test_loss"]},
        f"{A}.metrcs: 'metrcs' is not a key; did you mean 'metrics'?",
    ),
    "vary spelled wrong": (
        {f"{A}.vary": OUT, f"{A}.varry": {"activation": ["tanh"]}, f"{A}.reference": "tanh"},
        f"{A}.varry: 'varry' is not a key; did you mean 'vary'?",
    ),
    "a target spelled wrong": (
        TO_TARGET | {"tarjet": {"metric": "val_loss", "value": 1}},
        "tarjet: 'tarjet' is not a key; did you mean 'target'?",
    ),
    "unknown key of a comparison": ({f"{A}.metric": 1}, f"{A}.metric: 'metric' is not a key; did you mean 'metrics'?"),
    "no name": ({"study": OUT}, "study: is missing; give a name for the folder of its results, such as optimizers"),
    "a name that is no slug": ({"study": "a b"}, "study: 'a b' is refused; give letters, digits, '_' and '-' only"),
    "a comparison that cannot name a file": (
        {"comparisons.a/b": {"vary": {"dropout": [0, 0.1]}, "metrics": ["test_loss"]}},
        "comparisons.a/b: 'a/b' cannot name a file; use letters, digits, '_' and '-' only",
    ),
    "a name that is a number": ({"study": 3}, "study: 3 is refused; give text"),
    "no baseline": ({"baseline": OUT}, f"baseline: is missing; give {REQUIRED}"),
    "an empty baseline key": ({"baseline": None}, "baseline: is empty; give a mapping of keys to values"),
    "a baseline that is a list": ({"baseline": ["x"]}, 'baseline: ["x"] is refused; give a mapping of keys to values'),
    "no comparisons": ({"comparisons": OUT}, f"comparisons: is missing; give {EXAMPLE}"),
    "empty comparisons": ({"comparisons": {}}, f"comparisons: is empty; give {EXAMPLE}"),
    "an empty comparison": (
        {A: None},
        f"{A}: is empty; give a mapping with 'vary:' or 'arms:', and 'metrics:'",
    ),
    "no seeds": ({"seeds": 0}, "seeds: 0 is refused; give a number of at least 1"),
    "seeds that are true": ({"seeds": True}, "seeds: true is refused; give a whole number"),
    "seeds in part": ({f"{A}.seeds": 2.5}, f"{A}.seeds: 2.5 is refused; give a whole number"),
    "a required axis left out": (
        {"baseline.network": OUT},
        "baseline.network: is missing; give one of linear, mlp, convnet",
    ),
    "a required number left out": ({"baseline.epochs": OUT}, "baseline.epochs: is missing; give a whole number"),
    "an unknown axis": (
        {"baseline.optimizer": OUT, "baseline.optimiser": "adam"},
        "baseline.optimiser: 'optimiser' is not an axis; did you mean 'optimizer'?",
    ),
    "a setting for an axis": (
        {f"{A}.vary": {"lr": [0.1, 1.0]}},
        f"{A}.vary.lr: 'lr' is a setting, not an axis; did you mean 'optimizer.lr'?",
    ),
    "an unknown choice": (
        {f"{A}.vary": {"optimizer": ["sgd", "adagard"]}},
        f"{A}.vary.optimizer[1]: 'adagard' is not an optimizer; did you mean 'adagrad'?",
    ),
    "a choice like no other": (
        {"baseline.optimizer": {"name": "bfgs", "lr": 1.0}},
        f"baseline.optimizer.name: 'bfgs' is not an optimizer; known: {OPTIMIZERS}",
    ),
    "a choice that is null": (
        {"baseline.optimizer": None},
        f"baseline.optimizer: is empty; give one of {OPTIMIZERS}, or {{name: …}} with settings",
    ),
    "a choice without a name": (
        {"baseline.network": {"hidden": [8]}},
        "baseline.network: 'name' is missing; give one of linear, mlp, convnet",
    ),
    "a number for a choice": (
        {"baseline.network": 3},
        "baseline.network: 3 is refused; give one of linear, mlp, convnet, or {name: …} with settings",
    ),
    "text for a number": (
        {"baseline.batch_size": "many"},
        "baseline.batch_size: 'many' is refused; give a whole number",
    ),
    "a null for a number": ({"baseline.dropout": None}, "baseline.dropout: is empty; give a number"),
    "true for a number": ({"baseline.epochs": True}, "baseline.epochs: true is refused; give a whole number"),
    "a dropout of 1": ({"baseline.dropout": 1}, "baseline.dropout: 1 is refused; give a number below 1"),
    "text for a switch": ({"baseline.stack": "no"}, "baseline.stack: 'no' is refused; give true or false"),
    "a rate of 0": (
        {"baseline.optimizer.lr": 0},
        "baseline.optimizer.lr: 0 is refused; give a number above 0",
    ),
    "an infinite rate": (
        {"baseline.optimizer.lr": float("inf")},
        "baseline.optimizer.lr: Infinity is refused; give a finite number",
    ),
    "a width of 0": (
        {"baseline.network.hidden": [8, 0]},
        "baseline.network.hidden[1]: 0 is refused; give a number of at least 1",
    ),
    "no widths": (
        {"baseline.network.hidden": []},
        "baseline.network.hidden: [] is refused; give a list of at least 1 value",
    ),
    "one beta": (
        {"baseline.optimizer": {"name": "adam", "lr": 0.1, "betas": [0.9]}},
        "baseline.optimizer.betas[1]: a value is missing; give 2",
    ),
    "an unknown setting": (
        {"baseline.optimizer": {"name": "adam", "lrr": 0.1}},
        "baseline.optimizer.lrr: 'lrr' is not a setting of 'adam'; did you mean 'lr'?",
    ),
    "a setting of a choice without any": (
        {f"{A}.vary": {"activation": ["tanh", {"name": "relu", "slope": 1}]}},
        f"{A}.vary.activation[1].slope: 'relu' has no settings; take 'slope' out",
    ),
    "a setting on a number": (
        {f"{A}.vary": {"dropout.rate": [0, 0.1]}},
        f"{A}.vary.dropout.rate: 'dropout' has no settings; write 'dropout: …'",
    ),
    "a setting of no choice": (
        {f"{A}.vary": {"network.hiden": [[8], [9]]}},
        f"{A}.vary.network.hiden: 'hiden' is not a setting of any network; did you mean 'hidden'?",
    ),
    "a setting that the choice does not have": (
        {f"{A}.vary": {"optimizer.alpha": [0.9, 0.99]}},
        f"{A}.vary.optimizer.alpha: 'alpha' is not a setting of 'sgd'; known: lr",
    ),
    "a bare name without its rate": (
        {f"{A}.vary": {"optimizer": ["sgd", "adam"]}},
        f"{A}.vary.optimizer[1]: 'adam' needs 'lr', which has no default; write {{name: adam, lr: …}}",
    ),
    "a baseline without its rate": (
        {"baseline.optimizer": "sgd"},
        "baseline.optimizer: 'sgd' needs 'lr', which has no default; write {name: sgd, lr: …}",
    ),
    "no arms": ({f"{A}.vary": OUT}, f"{A}: names no arms; give 'vary:' or 'arms:'"),
    "vary that is a list": (
        {f"{A}.vary": ["relu"]},
        f'{A}.vary: ["relu"] is refused; give a mapping of keys to values',
    ),
    "one value to vary": (
        {f"{A}.vary": {"activation": "relu"}},
        f"{A}.vary.activation: 'relu' is refused; give a list of values, such as [relu]",
    ),
    "no value to vary": (
        {f"{A}.vary": {"activation": []}},
        f"{A}.vary.activation: is an empty list; give the values to compare",
    ),
    "an arm that is a number": (
        {f"{A}.arms": [5, {"batch_size": 16}]},
        f"{A}.arms[0]: 5 is refused; give what this arm sets, such as {{optimizer.lr: 0.01, batch_size: 16}}",
    ),
    "a label that is a number": (
        {f"{A}.arms": [{"label": 3, "batch_size": 8}, {"batch_size": 16}]},
        f"{A}.arms[0].label: 3 is refused; give text",
    ),
    "one key in vary and in arms": (
        {f"{A}.arms": [{"activation": "relu"}]},
        f"{A}.arms[0].activation: is set by 'vary' too; give it in one place",
    ),
    "one setting in a choice and by its key": (
        {f"{A}.vary": {"optimizer": ["sgd", {"name": "adam", "lr": 0.1}], "optimizer.lr": [0.01, 0.02]}},
        f"{A}.vary.optimizer.lr: is set within {A}.vary.optimizer too; give it in one place",
    ),
    "a choice twice": (
        {f"{A}.vary": {"activation": ["relu", "tanh", {"name": "relu"}]}},
        f"{A}.vary.activation[2]: makes the same arm as {A}.vary.activation[0]; keep one",
    ),
    "labels that collide": (
        {f"{A}.vary": {"optimizer.lr": [0.12345678, 0.12345679]}},
        f"{A}.vary.optimizer.lr[1]: gives the label 'lr=0.123457', as {A}.vary.optimizer.lr[0] does; "
        "labels must differ",
    ),
    "a skip that matches nothing": (
        {f"{A}.skip": [{"activation": "elu"}]},
        f"{A}.skip[0]: matches no combination; take it out or correct it",
    ),
    "a skip that names nothing": (
        {f"{A}.skip": [{}]},
        f"{A}.skip[0]: is empty; give the axes and values that it matches, such as {{batch_size: 16}}",
    ),
    "a skip of an unknown choice": (
        {f"{A}.skip": [{"activation": "tan"}]},
        f"{A}.skip[0].activation: 'tan' is not an activation; did you mean 'tanh'?",
    ),
    "a skip that leaves nothing": (
        {f"{A}.skip": [{"dataset": "digits"}]},
        f"{A}.skip: leaves no arm; skip fewer combinations",
    ),
    "no metrics": (
        {f"{A}.metrics": OUT},
        f"{A}.metrics: is missing; give what the table shows, such as [test_accuracy]",
    ),
    "empty metrics": (
        {f"{A}.metrics": []},
        f"{A}.metrics: is empty; give what the table shows, such as [test_accuracy]",
    ),
    "metrics that are text": ({f"{A}.metrics": "test_loss"}, f"{A}.metrics: 'test_loss' is refused; give a list"),
    "an unknown metric": (
        {f"{A}.metrics": ["test_acuracy"]},
        f"{A}.metrics[0]: 'test_acuracy' is not a metric; did you mean 'test_accuracy'?",
    ),
    "a metric twice": (
        {f"{A}.metrics": ["test_loss", "test_loss"]},
        f"{A}.metrics[1]: 'test_loss' is listed twice; keep one",
    ),
    "an accuracy of a regression": (
        {f"{A}.baseline": {"dataset": "diabetes"}},
        f"{A}.metrics[0]: 'test_accuracy' needs classes and 'tanh' is a regression; use a loss",
    ),
    "an accuracy as target of a regression": (
        TO_TARGET | {f"{A}.baseline": {"dataset": "diabetes"}, "target": {"metric": "val_accuracy", "value": 0.9}},
        f"{A}.metrics[0]: the target is an accuracy and 'tanh' is a regression; target val_loss",
    ),
    "no target": (
        TO_TARGET,
        f"{A}.metrics[0]: 'epochs_to_target' needs a target; "
        "give the study target: {metric: val_accuracy, value: 0.95}",
    ),
    "a target that is a number": (
        TO_TARGET | {"target": 0.95},
        "target: 0.95 is refused; give {metric: val_accuracy, value: 0.95}",
    ),
    "a target on the test rows": (
        TO_TARGET | {"target": {"metric": "test_accuracy", "value": 0.9}},
        "target.metric: 'test_accuracy' is refused; give one of 'val_accuracy' or 'val_loss'",
    ),
    "a target in percent": (
        TO_TARGET | {"target": {"metric": "val_accuracy", "value": 95}},
        "target.value: 95 is refused; an accuracy is a fraction: give a number above 0 and at most 1",
    ),
    "half a target": (
        TO_TARGET | {f"{A}.target": {"metric": "val_accuracy"}},
        f"{A}.target.value: is missing; give the level that counts as converged, such as 0.95",
    ),
    "an unknown label as reference": (
        {f"{A}.reference": "rel"},
        f"{A}.reference: 'rel' is not a label of this comparison; did you mean 'relu'? the labels are 'tanh', 'relu'",
    ),
    "an unknown label reported": (
        {f"{A}.reported": {"sigmoid": {"test_accuracy": 0.9}}},
        f"{A}.reported.sigmoid: 'sigmoid' is not a label of this comparison; the labels are 'tanh', 'relu'",
    ),
    "an unknown metric reported": (
        {f"{A}.reported": {"relu": {"test_acc": 1}}},
        f"{A}.reported.relu.test_acc: 'test_acc' is not a metric; did you mean 'test_accuracy'?",
    ),
    "a reported metric that is not shown": (
        {f"{A}.reported": {"relu": {"test_loss": 1}}},
        f"{A}.reported.relu.test_loss: 'test_loss' is not shown by this comparison; add it to its metrics",
    ),
    "a reported figure without its metric": (
        {f"{A}.reported": {"relu": "92 %"}},
        f"{A}.reported.relu: '92 %' is refused; give {{metric: figure as printed}}, such as {{test_accuracy: 92.3 %}}",
    ),
    "a convnet on a table": (
        {f"{A}.baseline": {"dataset": "wine", "network": "convnet"}},
        f"{A}.baseline.network: 'convnet' needs images and 'wine' has none; "
        "use 'mlp', or leave the combination out by 'skip:'",
    ),
    "dropout without a hidden layer": (
        {f"{A}.vary": {"network": ["mlp", "linear"], "dropout": [0.5]}},
        f"{A}.vary.dropout[0]: 'linear' has no hidden layer to drop from; "
        "use dropout 0, or leave the combination out by 'skip:'",
    ),
    "batches of one with batch normalization": (
        {f"{A}.vary": {"network": ["mlp", "convnet"], "batch_size": [1]}},
        f"{A}.vary.batch_size[0]: batch normalization needs at least two rows a batch; "
        "use a larger batch, or leave the combination out by 'skip:'",
    ),
    "a last batch of one with batch normalization": (  # 1797 - 2 · 360 = 1077 rows = 4 · 269 + 1
        {f"{A}.vary": {"network": ["mlp", "convnet"], "batch_size": [4]}},
        f"{A}.vary.batch_size[0]: batches of 4 cut 1077 training rows so that one row is left for the last, "
        "too few for batch normalization; use another batch size, or leave the combination out by 'skip:'",
    ),
    "a path that does not exist": (
        {"baseline.dataset": {"name": "table", "path": "no.csv", "target": "y"}},
        "baseline.dataset.path: there is no file 'no.csv'; give a path relative to the study file",
    ),
    "a folder for a table": (
        {f"{A}.vary": {"dataset": ["digits", {"name": "table", "path": "empty", "target": "y"}]}},
        f"{A}.vary.dataset[1].path: 'empty' is a folder; give a file",
    ),
    "a folder without the files of MNIST": (
        {"baseline.dataset": {"name": "idx", "path": "empty"}},
        "baseline.dataset.path: empty: has no train-images-idx3-ubyte (nor train-images-idx3-ubyte.gz); "
        "give a path relative to the study file",
    ),
    "a file that has changed": (
        {"baseline.dataset": {"name": "table", "path": "t.csv", "target": "y", "sha256": "0" * 64}},
        "baseline.dataset.sha256: the SHA-256 of 't.csv' is "
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855; correct it, or restore the file",
    ),
    "tuning": ({"tune": {"optimizer.lr": {}}}, "tune: 'tune' is not yet supported; leave it out, or write null"),
    "claims": ({f"{A}.claims": [{}]}, f"{A}.claims: 'claims' is not yet supported; leave it out"),
    "two devices": (
        {f"{A}.vary": {"gpus": [1, 2]}},
        f"{A}.vary.gpus[1]: more than one device a run is not yet supported; give 1",
    ),
}


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


def test_mistakes_of_every_kind_are_listed_at_once(study: dict[str, Any], check: Check) -> None:
    study["titel"] = "x"
    study["seeds"] = "many"
    study["baseline"]["optimizer"] = {"name": "sgd", "lr": -1}
    study["comparisons"]["a"] |= {"reference": "rellu", "reported": {"tanh": {"test_loss": 1}}}
    study["comparisons"]["b"] = {"vary": {"optimizer": ["adagard"]}, "metrics": ["test_acuracy"], "skip": [3]}
    study["comparisons"]["c"] = {"arms": [{"network.hiden": 1}, {"batch_size": 0}]}
    code, _, lines = check(study)
    assert code == 2
    assert sorted(line.removeprefix("s.yaml: ") for line in lines) == sorted(
        [
            "titel: 'titel' is not a key; did you mean 'title'?",
            "seeds: 'many' is refused; give a whole number",
            "baseline.optimizer.lr: -1 is refused; give a number above 0",
            "comparisons.a.reference: 'rellu' is not a label of this comparison; "
            "did you mean 'relu'? the labels are 'tanh', 'relu'",
            "comparisons.a.reported.tanh.test_loss: 'test_loss' is not shown by this comparison; add it to its metrics",
            "comparisons.b.vary.optimizer[0]: 'adagard' is not an optimizer; did you mean 'adagrad'?",
            "comparisons.b.metrics[0]: 'test_acuracy' is not a metric; did you mean 'test_accuracy'?",
            "comparisons.b.skip[0]: 3 is refused; give the axes and values that it matches, such as {batch_size: 16}",
            "comparisons.c.metrics: is missing; give what the table shows, such as [test_accuracy]",
            "comparisons.c.arms[0].network.hiden: 'hiden' is not a setting of any network; did you mean 'hidden'?",
            "comparisons.c.arms[1].batch_size: 0 is refused; give a number of at least 1",
        ]
    )


def test_a_misspelt_choice_does_not_make_its_label_a_second_mistake(study: dict[str, Any], check: Check) -> None:
    study["comparisons"]["a"] |= {"vary": {"activation": ["sigmod", "relu"]}}
    study["comparisons"]["a"] |= {"reference": "sigmoid", "reported": {"sigmoid": {"test_accuracy": "92.3 %"}}}
    code, _, lines = check(study)
    words = "'sigmod' is not an activation; did you mean 'sigmoid'?"
    assert (code, lines) == (2, [f"s.yaml: comparisons.a.vary.activation[0]: {words}"])

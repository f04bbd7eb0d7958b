"""Mistakes in keys, choices and their settings.

What is changed in the small study (path → value), and the one line that a person reads.
"""

from __future__ import annotations

from typing import Any

from study.axes.network import Network
from study.axes.optimizer import Optimizer

OUT = object()  # take the key out
A = "comparisons.a"
OPTIMIZERS, NETWORKS = ", ".join(Optimizer.choices()), ", ".join(Network.choices())
REQUIRED = "a choice on every axis, or at least on dataset, network, optimizer, batch_size and epochs (or steps)"
BASELINE = "a choice on every axis, or at least on dataset, network, optimizer, batch_size and epochs (or steps)"
EXAMPLE = "at least one, such as {activation: {vary: {activation: [tanh, relu]}, metrics: [test_loss]}}"
MLP = {"name": "mlp", "hidden": [8]}
TO_TARGET = {f"{A}.metrics": ["epochs_to_target"]}

CHOICES: dict[str, tuple[dict[str, Any], str]] = {
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
    "an empty baseline key": ({"baseline": None}, f"baseline: is empty; give {BASELINE}"),
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
        f"baseline.network: is missing; give one of {NETWORKS}",
    ),
    "a required number left out": (
        {"baseline.batch_size": OUT},
        "baseline.batch_size: is missing; give a whole number",
    ),
    "no budget": (
        {"baseline.epochs": OUT},
        "baseline.epochs: is missing, and so is steps: give one of them",
    ),
    "two budgets": (
        {"baseline.steps": 100},
        "baseline.steps: is the budget, and epochs is given too; keep one of them",
    ),
    "a budget of no steps": ({"baseline.steps": 0}, "baseline.steps: 0 is refused; give a number of at least 1"),
    "evaluation every no steps": (
        {"baseline.evaluate": {"steps": 0}},
        "baseline.evaluate.steps: 0 is refused; give a number of at least 1",
    ),
    "evaluation every so many of what is no unit": (
        {"baseline.evaluate": {"minutes": 3}},
        "baseline.evaluate: 'name' is missing; give one of epoch, steps",
    ),
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
        {"baseline.optimizer": {"name": "newton", "lr": 1.0}},
        f"baseline.optimizer.name: 'newton' is not an optimizer; known: {OPTIMIZERS}",
    ),
    "a choice that is null": (
        {"baseline.optimizer": None},
        f"baseline.optimizer: is empty; give one of {OPTIMIZERS}, or {{name: …}} with settings",
    ),
    "a choice without a name": (
        {"baseline.network": {"hidden": [8]}},
        f"baseline.network: 'name' is missing; give one of {NETWORKS}",
    ),
    "a number for a choice": (
        {"baseline.network": 3},
        f"baseline.network: 3 is refused; give one of {NETWORKS}, or {{name: …}} with settings",
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
    "a fold that there is not": (
        {"baseline.dataset": {"name": "wine", "folds": 5, "fold": 5}},
        "baseline.dataset: fold 5 is not one of 0 to 4; give one of these",
    ),
    "a fold of nothing": (
        {"baseline.dataset": {"name": "wine", "fold": 2}},
        "baseline.dataset: fold 2 is of no folds; give folds: 5, say, too",
    ),
    "a word that a setting does not know": (
        {"baseline.dataset": {"name": "digits", "split": "by_sed"}},
        "baseline.dataset.split: 'by_sed' is refused; give one of 'fixed' or 'by_seed'",
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
        f"{A}.vary.optimizer[1]: 'adam' needs 'lr', "
        f"which has no default; write {{name: adam, lr: …}}, or tune optimizer.lr",
    ),
    "a baseline without its rate": (
        {"baseline.optimizer": "sgd"},
        "baseline.optimizer: 'sgd' needs 'lr', which has no default; write {name: sgd, lr: …}, or tune optimizer.lr",
    ),
}

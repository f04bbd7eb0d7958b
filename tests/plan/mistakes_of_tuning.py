"""Mistakes in what is tuned: what is changed in the small study, and the one line that a person reads."""

from __future__ import annotations

from typing import Any

from tests.plan.mistakes_of_choices import A

LOG = {"log": [0.001, 10], "points": 9}
LR = {"optimizer.lr": LOG}
V = f"{A}.vary"


TUNING: dict[str, tuple[dict[str, Any], str]] = {
    "tune that is a list": (
        {"tune": ["optimizer.lr"]},
        'tune: ["optimizer.lr"] is refused; give the settings to search, such as {optimizer.lr: {log: '
        "[0.001, 10], points: 9}}",
    ),
    "tune that is empty": (
        {"tune": {}},
        "tune: names no setting; give the settings to search, such as {optimizer.lr: {log: [0.001, 10], points: 9}}",
    ),
    "no setting to tune": (
        {"tune": {"seeds": 3}},
        "tune: names no setting; give the settings to search, such as {optimizer.lr: {log: [0.001, 10], points: 9}}",
    ),
    "an option spelled wrong": (
        {"tune": LR | {"seed": 3}},
        "tune.seed: 'seed' is not a key of 'tune'; did you mean 'seeds'?",
    ),
    "a setting to tune spelled wrong": (
        {"tune": {"optimizer.lrr": LOG}},
        "tune.optimizer.lrr: 'lrr' is not a setting of any optimizer; did you mean 'lr'?",
    ),
    "a required setting to tune spelled wrong": (
        {"tune": {"optimizer.lrr": LOG}, "baseline.optimizer": "sgd", V: {"optimizer": ["sgd", "adam"]}},
        "tune.optimizer.lrr: 'lrr' is not a setting of any optimizer; did you mean 'lr'?",
    ),
    "a search of a required setting that is a list": (
        {"tune": ["optimizer.lr"], "baseline.optimizer": "sgd", V: {"optimizer": ["sgd", "adam"]}},
        'tune: ["optimizer.lr"] is refused; give the settings to search, such as {optimizer.lr: {log: '
        "[0.001, 10], points: 9}}",
    ),
    "a required setting spelled wrong in an own block": (
        {f"{A}.tune": {"optimiser.lr": LOG}, "baseline.optimizer": "sgd", V: {"optimizer": ["sgd", "adam"]}},
        "comparisons.a.tune.optimiser.lr: 'optimiser' is not an axis; did you mean 'optimizer'?",
    ),
    "an axis to tune spelled wrong": (
        {"tune": {"optimiser.lr": LOG}},
        "tune.optimiser.lr: 'optimiser' is not an axis; did you mean 'optimizer'?",
    ),
    "a setting without its axis": (
        {"tune": {"lr": LOG}},
        "tune.lr: 'lr' is a setting, not an axis; did you mean 'optimizer.lr'?",
    ),
    "a choice to tune": (
        {"tune": {"optimizer": {"values": ["sgd", "adam"]}}},
        "tune.optimizer: 'optimizer' is no number; compare its choices by 'vary:', and tune settings "
        "such as optimizer.lr",
    ),
    "the budget to tune": (
        {"tune": {"epochs": {"values": [1, 2]}}},
        "tune.epochs: 'epochs' is the budget, the same for every candidate; take it out",
    ),
    "the data to tune": (
        {"tune": {"dataset.split_seed": {"values": [1, 2]}}},
        "tune.dataset.split_seed: 'dataset' is what the arms are trained on; take it out",
    ),
    "a switch to tune": (
        {"tune": {"network.batch_norm": {"values": [True, False]}}, "baseline.network": "convnet"},
        "tune.network.batch_norm: 'batch_norm' is no number; compare its values by 'vary:'",
    ),
    "a pair to tune": (
        {"tune": {"optimizer.betas": LOG}, f"{A}.baseline": {"optimizer": {"name": "adam", "lr": 1.0}}},
        "tune.optimizer.betas: 'betas' is no number; compare its values by 'vary:'",
    ),
    "no tuning seeds": ({"tune": LR | {"seeds": 0}}, "tune.seeds: 0 is refused; give a number of at least 1"),
    "extend that is text": ({"tune": LR | {"extend": "more"}}, "tune.extend: 'more' is refused; give a whole number"),
    "nothing to extend": (
        {"tune": {"optimizer.lr": {"values": [0.1, 1]}, "extend": 4}},
        "tune.extend: listed values have none between or past them; give 'log' or 'linear', or 0",
    ),
    "selection by test rows": (
        {"tune": LR | {"select": "test_accuracy"}},
        "tune.select: 'test_accuracy' is of the test rows: an arm chosen by them looks better on them than it is; "
        "give its validation twin, val_accuracy",
    ),
    "an unknown selection": (
        {"tune": LR | {"select": ["val_loss", "best"]}},
        "tune.select[1]: 'best' is not a selection; known: val_accuracy, val_loss, steps_to_target, "
        "train_loss, train_accuracy",
    ),
    "a selection twice": (
        {"tune": LR | {"select": ["val_loss", "val_loss"]}},
        "tune.select[1]: 'val_loss' is listed twice; keep one",
    ),
    "no selection": (
        {"tune": LR | {"select": []}},
        "tune.select: is empty; give one of val_accuracy, val_loss, steps_to_target, train_loss, train_accuracy",
    ),
    "selection by steps to no target": (
        {"tune": LR | {"select": "steps_to_target"}},
        "tune.select: 'steps_to_target' needs a target; give the study target: {metric: val_accuracy, value: 0.95}",
    ),
    "selection by accuracy of a regression": (
        {
            "tune": LR | {"select": "val_accuracy"},
            f"{A}.metrics": ["test_loss"],
            f"{A}.baseline": {"dataset": "diabetes"},
        },
        "tune.select: 'val_accuracy' needs classes and 'diabetes' is for regression; use val_loss",
    ),
    "trials of a grid": (
        {"tune": LR | {"trials": 32}},
        "tune.trials: is for quasi-random search; add search: sobol, or take it out",
    ),
    "an unknown search": (
        {"tune": LR | {"search": "random"}},
        "tune.search: 'random' is refused; give one of 'grid' or 'sobol'",
    ),
    "a quasi-random search without trials": (
        {"tune": {"optimizer.lr": {"log": [0.1, 1]}, "search": "sobol"}},
        "tune.trials: is missing; give the number of quasi-random trials, such as 32",
    ),
    "points of a quasi-random search": (
        {"tune": LR | {"search": "sobol", "trials": 8}},
        "tune.optimizer.lr.points: is not wanted here, 'trials' says how many; take it out",
    ),
    "values of a quasi-random search": (
        {"tune": {"optimizer.lr": {"values": [0.1, 1]}, "search": "sobol", "trials": 8}},
        "tune.optimizer.lr.values: quasi-random search needs ends; give 'log' or 'linear', or search: grid",
    ),
    "a covered setting varied": (
        {"tune": LR, V: {"optimizer.lr": [0.1, 1]}},
        "comparisons.a.vary.optimizer.lr: is covered by 'tune'; take it out here or there",
    ),
    "a covered setting within a choice": (
        {"tune": LR, V: {"optimizer": ["sgd", {"name": "adam", "lr": 0.1}]}},
        "comparisons.a.vary.optimizer[1].lr: is covered by 'tune'; take it out here or there",
    ),
    "a covered setting of an arm": (
        {"tune": LR, f"{A}.arms": [{"optimizer.lr": 0.1}, {"optimizer": "adam"}]},
        "comparisons.a.arms[0].optimizer.lr: is covered by 'tune'; take it out here or there",
    ),
    "a covered setting skipped": (
        {"tune": LR, f"{A}.skip": [{"optimizer.lr": 0.1}]},
        "comparisons.a.skip[0].optimizer.lr: is covered by 'tune'; take it out here or there",
    ),
    "a covered number varied": (
        {"tune": {"dropout": {"values": [0, 0.5]}}, V: {"dropout": [0, 0.3]}},
        "comparisons.a.vary.dropout: is covered by 'tune'; take it out here or there",
    ),
    "a setting that no arm has": (
        {"tune": LR | {"regularizer.strength": LOG}},
        "tune.regularizer.strength: no arm has 'strength' in comparisons.a; give that comparison a 'tune:' of its own",
    ),
    "a setting that no arm has, in its own block": (
        {f"{A}.tune": LR | {"regularizer.strength": LOG}},
        "comparisons.a.tune.regularizer.strength: no arm has 'strength'; take it out",
    ),
    "an own block that names no setting": (
        {f"{A}.tune": {"seeds": 2}},
        "comparisons.a.tune: names no setting; give the settings to search, such as {optimizer.lr: "
        "{log: [0.001, 10], points: 9}}",
    ),
    "batches that cannot be": (
        {"tune": {"batch_size": {"values": [1, 16]}}, f"{A}.baseline": {"network": "convnet"}},
        "tune.batch_size: batch normalization needs at least two rows a batch; use a larger batch",
    ),
    "a setting that is still required": (
        {"tune": {"dropout": {"values": [0, 0.5]}}, V: {"optimizer": ["sgd", "adam"]}},
        "comparisons.a.vary.optimizer[1]: 'adam' needs 'lr', "
        "which has no default; write {name: adam, lr: …}, or tune optimizer.lr",
    ),
}

"""Mistakes in runs that are there already: the sweep, what is changed in its study, and the one line that is told."""

from __future__ import annotations

from typing import Any

from tests.plan.mistakes_of_choices import OUT
from tests.plan.sweeps import HEADER, csv, rows

C = "comparisons.optimizers"
R = f"{C}.runs"


def cell(line: int, place: int, value: str) -> str:
    """The sweep with one cell changed; the header is line 1."""
    lines = rows()
    cells = lines[line - 2].split(",")
    cells[place] = value
    lines[line - 2] = ",".join(cells)
    return csv(lines)


CLAIM = {"metric": "test_accuracy", "better": "adam", "than": "sgd"}
MISTAKES: dict[str, tuple[str, dict[str, Any], str]] = {
    "no path": (
        csv(),
        {f"{R}.path": OUT},
        f"{R}.path: is missing; give a CSV or Parquet file, such as sweep.csv",
    ),
    "no label": (
        csv(),
        {f"{R}.label": OUT},
        f"{R}.label: is missing; give the column, or columns, that tell arms apart, such as [optimizer, lr]",
    ),
    "a key spelled wrong": (
        csv(),
        {f"{R}.sed": "seed"},
        f"{R}.sed: 'sed' is not a key; did you mean 'seed'?",
    ),
    "a key of trained arms": (
        csv(),
        {f"{C}.tune": {"seeds": 3}},
        f"{C}.tune: 'tune' is for arms that are trained here, and these runs are there already; take it out",
    ),
    "a key of a metric spelled wrong": (
        csv(),
        {f"{R}.metrics.test_accuracy": {"column": "best_acc", "scal": 0.01}},
        f"{R}.metrics.test_accuracy.scal: 'scal' is not a key; did you mean 'scale'?",
    ),
    "what is for training where nothing is": (
        csv(),
        {"seeds": 10},
        "seeds: is for arms that are trained here, and all runs are there already; take it out",
    ),
    "a run of the long form without its row": (
        "optimizer,seed,name,value\nsgd,0,acc,0.9\nadam,0,acc,0.8\nadam,1,acc,0.8\nsgd,1,loss,0.5\n",
        {
            f"{R}.label": "optimizer",
            f"{R}.metric": "name",
            f"{R}.value": "value",
            f"{R}.metrics.test_accuracy": "acc",
        },
        f"{R}.metrics.test_accuracy: sweep.csv has no row with 'acc' of sgd, seed 1; add it, or say what such a run "
        "is: empty: diverged (or failed, missing)",
    ),
    "half of the long form": (
        csv(),
        {f"{R}.metric": "state"},
        f"{R}: long form takes both 'metric:', the column with names of metrics, and 'value:', the one with their "
        "values",
    ),
    "a folder": ("", {f"{R}.path": "."}, f"{R}.path: '.' is a folder; give a CSV or Parquet file"),
    "an empty file": ("", {}, f"{R}.path: sweep.csv has no rows"),
    "a file without rows": (HEADER, {}, f"{R}.path: sweep.csv has no rows"),
    "a row that is cut": (
        csv([*rows(), "adam,0.1"]),
        {},
        f"{R}.path: sweep.csv, line 32 has 2 cells, and the header 5; make them as many",
    ),
    "no CSV": (
        csv(rows(1)) + "x" * 200_000,
        {},
        f"{R}.path: sweep.csv, line 5 is no CSV (field larger than field limit (131072)); export it again",
    ),
    "no Parquet": (
        csv(),
        {f"{R}.path": "sweep.parquet"},
        f"{R}.path: sweep.parquet cannot be read as Parquet; Parquet magic bytes not found in footer. Either the "
        "file is corrupted or this is not a parquet file.",
    ),
    "an unknown column": (
        csv(),
        {f"{R}.seed": "sede"},
        f"{R}.seed: 'sede' is no column of sweep.csv; did you mean 'seed'?",
    ),
    "a label of an unknown column": (
        csv(),
        {f"{R}.label": ["optimizer", "weight decay"]},
        f"{R}.label[1]: 'weight decay' is no column of sweep.csv; it has optimizer, lr, seed, best_acc, state",
    ),
    "a metric of an unknown column": (
        csv(),
        {f"{R}.metrics.test_accuracy": "best_ac"},
        f"{R}.metrics.test_accuracy: 'best_ac' is no column of sweep.csv; did you mean 'best_acc'?",
    ),
    "a column that is there twice": (
        csv(header="optimizer,lr,seed,best_acc,seed"),
        {},
        f"{R}.seed: sweep.csv has 2 columns 'seed'; rename all but one",
    ),
    "an empty value": (
        cell(5, 3, ""),
        {},
        f"{R}.metrics.test_accuracy: sweep.csv, line 5: 'best_acc' is empty; write nan where the run diverged, or "
        "say what such a run is: empty: diverged (or failed, missing)",
    ),
    "a value that is no number": (
        cell(7, 3, "0.9 %"),
        {},
        f"{R}.metrics.test_accuracy: sweep.csv, line 7: '0.9 %' in 'best_acc' is no number; write numbers, with a "
        "point, and no more",
    ),
    "percent": (
        csv([line.replace(",0.9", ",9.", 1) for line in rows(2)]),
        {"looks": OUT, f"{C}.claims": []},
        f"{R}.metrics.test_accuracy: sweep.csv, lines 2, 3, 4, 5, 6 and 7: 9.5 in 'best_acc' is no test accuracy, "
        "which is a fraction; where it is in percent, write metrics: {test_accuracy: {column: best_acc, scale: 0.01}}",
    ),
    "a negative loss": (
        cell(3, 3, "-0.5"),
        {f"{R}.metrics": {"test_loss": "best_acc"}, f"{C}.metrics": ["test_loss"], f"{C}.claims": []},
        f"{R}.metrics.test_loss: sweep.csv, line 3: -0.5 in 'best_acc' is below 0, and arms are compared by factors "
        "of their test loss; where it may be, call it by another name: {my_test_loss: {column: best_acc, better: "
        "lower}}",
    ),
    "a seed twice": (
        cell(4, 2, "1"),
        {},
        f"{R}.seed: sweep.csv, lines 3 and 4: 'adam' has seed 1 2 times; keep one, or add the column to 'label' "
        "that tells them apart",
    ),
    "no seed": (
        cell(4, 2, ""),
        {},
        f"{R}.seed: sweep.csv, line 4: no seed; give whole numbers from 0 to 2147483647",
    ),
    "half a seed": (
        cell(4, 2, "1.5"),
        {},
        f"{R}.seed: sweep.csv, line 4: '1.5' is no seed; give whole numbers from 0 to 2147483647",
    ),
    "no arm": (
        cell(4, 0, ""),
        {f"{R}.label": "optimizer"},
        f"{R}.label: sweep.csv, line 4: no label; fill it in, or take the rows out",
    ),
    "one arm": (
        csv(rows()[:10]),
        {f"{C}.claims": []},
        f"{R}.label: tells one arm only, 'adam'; give the columns in which arms differ",
    ),
    "an unknown label claimed": (
        csv(),
        {f"{C}.claims": [CLAIM | {"better": "adm"}]},
        f"{C}.claims[0].better: 'adm' is not a label of this comparison; did you mean 'adam'? the labels are 'adam', "
        "'sgd', 'momentum'",
    ),
    "a label with what it leaves out": (
        csv(),
        {f"{C}.reference": "adam, lr=0.001"},
        f"{C}.reference: 'adam, lr=0.001' is not a label of this comparison; the labels are 'adam', 'sgd', 'momentum'",
    ),
    "an unknown metric": (
        csv(),
        {f"{C}.metrics": ["test_acuracy"]},
        f"{C}.metrics[0]: 'test_acuracy' is no metric of these runs; did you mean 'test_accuracy'? or add it to "
        f"{R}.metrics: {{test_acuracy: {{column: …, better: higher, unit: points}}}}",
    ),
    "a metric of which nobody says what it is": (
        csv(),
        {f"{R}.metrics.bleu": "best_acc"},
        f"{R}.metrics.bleu: 'bleu' is not known here; say what it is: {{column: best_acc, better: higher, unit: "
        "points}",
    ),
    "a known metric declared": (
        csv(),
        {f"{R}.metrics.test_accuracy": {"column": "best_acc", "better": "lower"}},
        f"{R}.metrics.test_accuracy: 'test_accuracy' is known (test accuracy, higher is better); take 'better' out, "
        "or give it another name",
    ),
    "a time": (
        csv(),
        {f"{C}.metrics": ["train_seconds"]},
        f"{C}.metrics[0]: 'train_seconds' is measured here by a timing job, alone on its device, and these runs were "
        "not trained here; declare what you have: my_train_seconds: {column: …, better: lower, unit: s}",
    ),
    "a time to a target": (
        csv(),
        {f"{R}.metrics.steps_to_target": "best_acc"},
        f"{R}.metrics.steps_to_target: 'steps_to_target' is measured here at every evaluation, against one target, "
        "and these runs were not trained here; declare what you have: my_steps_to_target: {column: …, better: lower, "
        "unit: steps}",
    ),
    "a figure reported of what is not shown": (
        csv(),
        {f"{C}.reported": {"adam": {"bleu": 3}}},
        f"{C}.reported.adam.bleu: 'bleu' is not shown by this comparison; add it to its metrics",
    ),
    "paired without seeds": (
        csv(),
        {f"{R}.paired": True, f"{R}.seed": OUT},
        f"{R}.paired: needs 'seed', the column that says which runs belong together",
    ),
    "paired where seeds are not shared": (
        csv([line for line in rows() if not line.startswith(("sgd,0.1,3", "sgd,0.1,7"))]),
        {f"{R}.paired": True},
        f"{R}.paired: 'sgd' has no seed 3 and 7; add the runs (as failed, where they are lost), or take 'paired' out",
    ),
    "an unknown status": (
        cell(6, 4, "zombie"),
        {f"{R}.status": "state"},
        f"{R}.status: sweep.csv, line 6: 'zombie' is no status that is known here; say what it means: status: "
        "{column: state, failed: [zombie]} (or finished, diverged, missing)",
    ),
    "too few runs to decide anything": (
        csv(rows(3)),
        {},
        f"{C}.claims[0]: no outcome of 3 against 3 runs can decide it: the smallest p is 0.1, above 0.05; it takes 4 "
        "runs of each arm, or exploratory: true",
    ),
    "too few pairs to decide anything": (
        csv(rows(5)),
        {f"{R}.paired": True},
        f"{C}.claims[0]: no outcome of 5 seeds can decide it: the smallest p is 0.062, above 0.05; it takes 6 seeds of "
        "each arm, or exploratory: true",
    ),
    "curves without a time": (
        csv(),
        {f"{R}.curves": {"path": "curves.csv", "metrics": {"val_loss": "loss"}}},
        f"{R}.curves: names no time; give the column of 'epoch:' or of 'step:'",
    ),
    "curves of a metric that none are drawn of": (
        csv(),
        {f"{R}.curves": {"path": "curves.csv", "step": "step", "metrics": {"val_los": "loss"}}},
        f"{R}.curves.metrics.val_los: 'val_los' is not a metric that curves are drawn of; did you mean 'val_loss'?",
    ),
    "no mapping": (
        csv(),
        {R: "sweep.csv"},
        f"{R}: 'sweep.csv' is refused; give where the runs are, such as {{path: sweep.csv, label: optimizer, seed: "
        "seed}",
    ),
    "metrics that are a list": (
        csv(),
        {f"{R}.metrics": ["best_acc"]},
        f'{R}.metrics: ["best_acc"] is refused; give metric → its column, such as {{test_accuracy: best_acc}}',
    ),
    "a column without a name": (
        csv(),
        {f"{R}.seed": ""},
        f"{R}.seed: '' is refused; give text that is not empty",
    ),
    "curves of a run that is not there": (
        csv(),
        {f"{R}.curves": {"path": "curves.csv", "epoch": "epoch", "metrics": {"val_loss": "loss"}}},
        f"{R}.curves.path: curves.csv, line 3: no run has this label and seed; take the rows out, or add the run",
    ),
    "curves of an unknown column": (
        csv(),
        {f"{R}.curves": {"path": "curves.csv", "step": "stp", "metrics": {"val_loss": "loss"}}},
        f"{R}.curves.step: 'stp' is no column of curves.csv; it has optimizer, lr, seed, epoch, loss",
    ),
}

"""Mistakes in what is compared, shown and reported, and combinations that cannot be.

What is changed in the small study (path → value), and the one line that a person reads.
"""

from __future__ import annotations

from typing import Any

from tests.plan.mistakes_of_choices import OUT, TO_TARGET, A

COMPARISONS: dict[str, tuple[dict[str, Any], str]] = {
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
        f"{A}.vary.activation: is empty; give the values to compare",
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
    "a choice twice, of labels that are asked for": (
        {
            f"{A}.vary": {"activation": ["relu", "relu"]},
            f"{A}.reference": "relu",
            f"{A}.claims": [{"metric": "test_accuracy", "better": "relu", "than": "tanh", "exploratory": True}],
        },
        f"{A}.vary.activation[1]: makes the same arm as {A}.vary.activation[0]; keep one",
    ),
    "activations of a network that takes none": (
        {"baseline.network": "linear"},
        f"{A}.vary.activation[1]: 'linear' takes no activation, so that this is the same arm as "
        f"{A}.vary.activation[0]; leave the combination out by 'skip:'",
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
        f"{A}.metrics[0]: 'test_accuracy' needs classes and 'diabetes' is for regression; use a loss",
    ),
    "an accuracy as target of a regression": (
        TO_TARGET | {f"{A}.baseline": {"dataset": "diabetes"}, "target": {"metric": "val_accuracy", "value": 0.9}},
        "target: is an accuracy, and 'diabetes' is for regression; give val_loss",
    ),
    "an accuracy as target of one comparison of a regression": (
        TO_TARGET
        | {f"{A}.baseline": {"dataset": "diabetes"}, f"{A}.target": {"metric": "val_accuracy", "value": 0.9}}
        | {f"{A}.metrics": ["test_loss", "steps_to_target", "epochs_to_target"]},
        f"{A}.target: is an accuracy, and 'diabetes' is for regression; give val_loss",
    ),
    "smoothed labels of a regression": (
        {
            f"{A}.baseline": {"dataset": "diabetes"},
            f"{A}.metrics": ["test_loss"],
            f"{A}.vary.label_smoothing": [0, 0.1],
        },
        f"{A}.vary.label_smoothing[1]: 'diabetes' is for regression, and has no labels; use label_smoothing 0, "
        "or leave the combination out by 'skip:'",
    ),
    "early stopping of a regression by its accuracy": (
        {f"{A}.baseline": {"dataset": "diabetes"}, f"{A}.metrics": ["test_loss"]}
        | {f"{A}.vary.early_stopping": ["none", {"name": "patience", "metric": "val_accuracy"}]},
        f"{A}.vary.early_stopping[1]: 'val_accuracy' needs classes and 'diabetes' is for regression; use metric: "
        "val_loss, or leave the combination out by 'skip:'",
    ),
    "augmentation of what are no images": (
        {f"{A}.baseline": {"dataset": "wine"}, f"{A}.vary.augmentation": ["none", "flip_crop"]},
        f"{A}.vary.augmentation[1]: 'flip_crop' changes images and 'wine' has none; use augmentation: none, or leave "
        "the combination out by 'skip:'",
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
    "a loss below every loss as target": (
        TO_TARGET | {"target": {"metric": "val_loss", "value": 0}},
        "target.value: 0 is refused; no run can have such a loss: give a number above 0",
    ),
    "the other half of a target": (
        TO_TARGET | {f"{A}.target": {"value": 0.95}},
        f"{A}.target.metric: is missing; give one of val_accuracy, val_loss",
    ),
    "a target of nothing": (
        TO_TARGET | {"target": {"metric": None, "value": 0.95}},
        "target.metric: is empty; give one of val_accuracy, val_loss",
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
    "an image that cannot be halved so often": (
        {f"{A}.baseline": {"network": {"name": "convnet", "channels": [8, 8, 8, 8]}}},
        f"{A}.baseline.network: convnet: an image of 8 × 8 cannot be halved 4 times; give 3 channels at most",
    ),
    "images that are shifted out of sight": (
        {f"{A}.vary": {"augmentation": ["none", {"name": "flip_crop", "padding": 8}]}},
        f"{A}.vary.augmentation[1]: padding of 8 may shift images of 8 × 8 out of sight; give padding: 7 at most, "
        "or leave the combination out by 'skip:'",
    ),
    "a kernel larger than the image": (
        {f"{A}.vary": {"network": ["mlp", {"name": "convnet", "kernel_size": 9}]}},
        f"{A}.vary.network[1]: convnet: a kernel of 9 is larger than an image of 8 × 8; give kernel_size: 3, "
        "or leave the combination out by 'skip:'",
    ),
    "patches that do not fill the image": (
        {f"{A}.vary": {"network": ["mlp", {"name": "transformer", "patch": 3}]}},
        f"{A}.vary.network[1]: transformer: patches of 3 × 3 do not fill an image of 8 × 8; give patch: 2, "
        "or leave the combination out by 'skip:'",
    ),
    "a convnet on a table": (
        {f"{A}.baseline": {"dataset": "wine", "network": "convnet"}},
        f"{A}.baseline.network: 'convnet' needs images and 'wine' has none; use 'mlp'",
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
    "a target that is no column": (
        {"baseline.dataset": {"name": "table", "path": "pets.csv", "target": "species"}},
        "baseline.dataset.target: pets.csv has no column 'species'; it has weight, kind",
    ),
    "a table with nothing to predict from": (
        {"baseline.dataset": {"name": "table", "path": "kinds.csv", "target": "kind"}},
        "baseline.dataset.path: kinds.csv has no column but 'kind'; add what to predict it from",
    ),
    "a table that is none": (
        {"baseline.dataset": {"name": "table", "path": "s.yaml", "target": "y"}},
        "baseline.dataset.target: s.yaml has no column 'y'; it has study: small",
    ),
    "a file that has changed": (
        {"baseline.dataset": {"name": "table", "path": "t.csv", "target": "y", "sha256": "0" * 64}},
        "baseline.dataset.sha256: the SHA-256 of 't.csv' is "
        f"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, not {'0' * 64}; "
        "correct it, or restore the file",
    ),
    "more devices than rows in a batch": (
        {f"{A}.vary": {"gpus": [1, 40]}},
        f"{A}.vary.gpus[1]: a batch of 32 cannot be split over 40 devices; use fewer, or leave the combination out by "
        "'skip:'",
    ),
    "batch normalization over devices": (
        {"baseline.network": "convnet", f"{A}.vary": {"gpus": [1, 2]}},
        f"{A}.vary.gpus[1]: batch normalization would see one device's part of a batch only; use gpus 1, or "
        "batch_norm: false, or leave the combination out by 'skip:'",
    ),
}

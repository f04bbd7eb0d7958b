"""Settings that make no sense, and figures that nobody printed.

What is changed in the small study (path → value), and the one line that a person reads.
"""

from __future__ import annotations

from typing import Any

from tests.plan.mistakes_of_choices import A

HUGE = 1_000_000_000
LARGER = "a batch of {:,} is larger than the {:,} training rows of 'digits'"
SKIP = ", or leave the combination out by 'skip:'"
REPORTED = f"{A}.reported.relu.test_accuracy"


def network(**settings: Any) -> dict[str, Any]:
    return {"baseline.network": settings, "baseline.dataset": "digits"}


def reported(figure: Any) -> dict[str, Any]:
    return {f"{A}.reported": {"relu": {"test_accuracy": figure}}}


def printed(figure: str) -> str:
    return f"{REPORTED}: {figure!r} is no figure; give it as printed, such as 92.3 %, or take it out"


SIZES: dict[str, tuple[dict[str, Any], str]] = {
    "a width of a thousand million": (
        network(name="mlp", hidden=[64, HUGE]),
        "baseline.network.hidden[1]: 1000000000 is refused; give a number of at most 1e+07",
    ),
    "ten thousand layers": (
        network(name="mlp", hidden=[1] * 10_000),
        f"baseline.network.hidden: [{'1, ' * 25} … is refused; give a list of at most 1000 values",
    ),
    "channels of a thousand million": (
        network(name="convnet", channels=[HUGE]),
        "baseline.network.channels[0]: 1000000000 is refused; give a number of at most 1e+07",
    ),
    "a kernel of a thousand million": (
        network(name="convnet", kernel_size=HUGE),
        "baseline.network.kernel_size: 1000000000 is refused; give a number of at most 1000",
    ),
    "a million encoders": (
        network(name="transformer", depth=1_000_000),
        "baseline.network.depth: 1000000 is refused; give a number of at most 1000",
    ),
    "a width by its key": (
        {f"{A}.vary": {"network.hidden": [[8], [HUGE]]}},
        f"{A}.vary.network.hidden[1][0]: 1000000000 is refused; give a number of at most 1e+07",
    ),
    "widths to try": (
        {"tune": {"network.hidden": {"values": [[8], [HUGE]]}}},
        "tune.network.hidden.values[1]: 1000000000 is refused; give a number of at most 1e+07",
    ),
    "a rate that float32 has not": (
        {"baseline.optimizer.lr": 1e308},
        "baseline.optimizer.lr: 1e+308 is refused; give a number of at most 1e+38",
    ),
    "such a rate to try": (
        {"tune": {"optimizer.lr": {"log": [0.1, 1e308], "points": 3}}},
        "tune.optimizer.lr.log[1]: 1e+308 is refused; give a number of at most 1e+38",
    ),
    "such a decay": (
        {"baseline.optimizer": {"name": "adamw", "lr": 0.1, "weight_decay": 1e300}},
        "baseline.optimizer.weight_decay: 1e+300 is refused; give a number of at most 1e+38",
    ),
    "a batch of more rows than there are anywhere": (
        {"baseline.batch_size": 10**12},
        "baseline.batch_size: 1000000000000 is refused; give a number of at most 1e+09",
    ),
    "a batch of more rows than there are to train on": (
        {"baseline.batch_size": 1078},
        f"baseline.batch_size: {LARGER.format(1078, 1077)}; give batch_size: 1077 at most",
    ),
    "one of several": (
        {f"{A}.vary": {"batch_size": [32, 2000]}},
        f"{A}.vary.batch_size[1]: {LARGER.format(2000, 1077)}; give batch_size: 1077 at most{SKIP}",
    ),
    "on one of several datasets": (
        {"baseline.batch_size": 128, f"{A}.vary": {"dataset": ["digits", "wine"]}},
        f"{A}.vary.dataset[1]: {LARGER.format(128, 106).replace('digits', 'wine')}; give batch_size: 106 at most{SKIP}",
    ),
    "of the rows that folds leave": (
        {"baseline.dataset": {"name": "wine", "folds": 2}, "baseline.batch_size": 72},
        f"baseline.batch_size: {LARGER.format(72, 71).replace('digits', 'wine')}; give batch_size: 71 at most",
    ),
    "of those that are drawn": (
        {"baseline.dataset": {"name": "digits", "rows": 100}, "baseline.batch_size": 61},
        f"baseline.batch_size: {LARGER.format(61, 60)}; give batch_size: 60 at most",
    ),
    "of a share of them": (
        {f"{A}.vary": {"train_share": [1.0, 0.02]}},
        f"{A}.vary.train_share[1]: {LARGER.format(32, 22)} (train_share 0.02); give batch_size: 22 at most{SKIP}",
    ),
    "of those that a run begins with": (
        {"baseline.start": {"name": "warm", "train_share": 0.02}},
        "baseline.batch_size: a batch of 32 is larger than the 22 training rows that its start is trained on; "
        "give batch_size: 22 at most",
    ),
    "among sizes to try": (
        {"tune": {"batch_size": {"values": [32, 2000]}}},
        f"tune.batch_size: {LARGER.format(2000, 1077)}; give batch_size: 1077 at most",
    ),
    "at the end of sizes to draw": (
        {"tune": {"batch_size": {"log": [8, 2000]}, "search": "sobol", "trials": 8}},
        f"tune.batch_size: {LARGER.format(2000, 1077)}; give batch_size: 1077 at most",
    ),
    "epochs without end": (
        {"baseline.epochs": 10**12},
        "baseline.epochs: 1000000000000 is refused; give a number of at most 1e+09",
    ),
    "a loss below 0": (
        {"target": {"metric": "val_loss", "value": -1}},
        "target.value: -1 is refused; no run can have such a loss: give a number above 0",
    ),
    "a figure that is no number": (reported(float("nan")), printed("nan")),
    "an infinite figure": (reported(float("inf")), printed("inf")),
    "a dash for a figure": (reported("–"), printed("–")),
    "a figure not available": (reported("N/A"), printed("N/A")),
    "an accuracy in words": (
        reported("banana"),
        f"{REPORTED}: 'banana' has no number in it; give the figure as printed, such as 92.3 %",
    ),
    "an accuracy above all": (
        reported("192.3 %"),
        f"{REPORTED}: '192.3 %' is no share; give a number from 0 % to 100 %",
    ),
    "comparisons that differ in case only": (
        {"comparisons.A": {"vary": {"activation": ["gelu", "relu"]}, "metrics": ["test_loss"]}},
        "comparisons.A: differs from 'a' in case only, and so would their files; rename one",
    ),
}

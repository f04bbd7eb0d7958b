"""The metrics that a comparison can show."""

from __future__ import annotations

from collections.abc import Mapping
from operator import mul, sub, truediv
from types import MappingProxyType

from study.metric import Final, Metric, PerRound, Select, ToTarget


def _share(column: str, title: str, definition: str, twin: Select = "val_accuracy") -> Metric:
    return Metric(title, "fraction", definition, Final(column, twin=twin), "higher", percent="%")


def _loss(column: str, title: str, rows: str, twin: Select = "val_loss") -> Metric:
    definition = f"mean cross-entropy (squared error for regression) on the {rows}"
    return Metric(title, "nats", definition, Final(column, twin=twin))


class Metrics(dict[str, Metric]):
    """Metrics by name. ``declared``: those that only the file of the study in hand knows (``Plan.declare``), which are
    found by their names like all others, and are in no list.
    """

    declared: Mapping[str, Metric] = MappingProxyType({})

    def __missing__(self, name: str) -> Metric:
        return self.declared[name]


BALANCED_ACCURACY = "mean over classes of the share of {} rows classified correctly: small classes count as large ones"
MACRO_F1 = "mean over classes of F1, the harmonic mean of precision and recall, on the {} rows"
MEASURED_TIME = 0.10  # between processes the same step differs by 4 % and more
METRICS = Metrics({
    "test_accuracy": _share(
        "test_accuracy", "test accuracy", "share of test rows classified correctly at the end of the budget"
    ),
    "train_accuracy": _share(
        "train_accuracy", "training accuracy",
        "share of training rows classified correctly at the end, without dropout", twin="train_accuracy",
    ),
    "val_accuracy": _share(
        "val_accuracy", "validation accuracy", "share of validation rows classified correctly at the end"
    ),
    "test_balanced_accuracy": _share(
        "test_balanced_accuracy", "balanced test accuracy", BALANCED_ACCURACY.format("test")
    ),
    "val_balanced_accuracy": _share(
        "val_balanced_accuracy", "balanced validation accuracy", BALANCED_ACCURACY.format("validation")
    ),
    "test_macro_f1": _share("test_macro_f1", "test macro-F1", MACRO_F1.format("test")),
    "val_macro_f1": _share("val_macro_f1", "validation macro-F1", MACRO_F1.format("validation")),
    "test_loss": _loss("test_loss", "test loss", "test rows at the end"),
    "train_loss": _loss("train_loss", "training loss", "training rows, without penalties", twin="train_loss"),
    "val_loss": _loss("val_loss", "validation loss", "validation rows"),
    "generalization_gap": Metric(
        "generalization gap", "fraction", "training accuracy minus test accuracy",
        Final("train_accuracy", "test_accuracy", compute=sub), percent="points", adjective="smaller",
    ),
    "steps_to_target": Metric(
        "steps to target", "steps", "steps at the first evaluation at or past the target",
        ToTarget("step"), adjective="fewer",
    ),
    "epochs_to_target": Metric(
        "epochs to target", "epochs", "epochs at the first evaluation at or past the target",
        ToTarget("epoch"), adjective="fewer",
    ),
    "seconds_to_target": Metric(
        "time to target", "s", "steps to target × seconds per step of the timing job",
        ToTarget("step", timed=True), margin=MEASURED_TIME, adjective="shorter",
    ),
    "train_seconds": Metric(
        "training time", "s", "all steps of the budget × seconds per step",
        PerRound("step_seconds", "steps", compute=mul), margin=MEASURED_TIME, adjective="shorter",
    ),
    "step_seconds": Metric(
        "time per step", "s", "seconds of a step in the interleaved rounds of the timing job",
        PerRound("step_seconds"), margin=MEASURED_TIME, adjective="shorter",
    ),
    "memory_mib": Metric(
        "peak memory", "MiB", "parameters, gradients, optimizer state and saved activations of one run",
        PerRound("memory_bytes", compute=lambda memory: memory / 2**20), counted=True, margin=0.01, adjective="less",
    ),
    "small_weights": Metric(
        "small weights", "fraction", "share of weights below 1 % of the root mean square initial weight",
        Final("small_weights"), "higher", percent="%", adjective="more", worded=True,
    ),
    "weight_norm": Metric(
        "weight norm", "", "L2 norm of all weights", Final("weight_norm"), adjective="smaller", worded=True
    ),
    "speedup": Metric(
        "speedup", "×", "seconds per step of the reference ÷ seconds per step of the arm",
        PerRound("reference_seconds", "step_seconds", compute=truediv), "higher", margin=MEASURED_TIME,
    ),
    "script_seconds": Metric(
        "time of the script", "s",
        "seconds of a run by its script's own clock, else from its start to its end, whatever else ran beside it",
        Final("seconds", twin=None), margin=MEASURED_TIME, adjective="shorter",
    ),
})  # fmt: skip

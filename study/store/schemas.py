"""What a run leaves: a row of ``runs`` and many of ``curves``; and the timing job: ``timing``. As Parquet."""

from __future__ import annotations

import pyarrow as pa

from study.axes.recipe import AXES, Recipe

KINDS = {float: pa.float64(), int: pa.int32(), bool: pa.bool_()}
AXES_COLUMNS = [  # the choice's name, or the number; null of a number that is still to be tuned
    pa.field(axis, pa.string() if about.choices else KINDS[Recipe.model_fields[axis].annotation])  # type: ignore[index]
    for axis, about in AXES.items()
]
CURVE_METRICS = (
    "train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy", "grad_norm",
)  # fmt: skip
FINAL_METRICS = CURVE_METRICS[:-1]


CURVES = pa.schema(
    [
        ("arm", pa.string()),
        ("seed", pa.int32()),
        ("epoch", pa.int32()),
        ("step", pa.int64()),
        ("lr", pa.float64()),  # of the last step before this evaluation
        *((name, pa.float64()) for name in CURVE_METRICS),
    ]
)
RUNS = pa.schema(
    [
        ("arm", pa.string()),
        ("seed", pa.int32()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("learned", pa.bool_()),
        ("epochs_run", pa.int32()),
        ("steps", pa.int64()),
        *((name, pa.float64()) for name in FINAL_METRICS),
        ("n_parameters", pa.int64()),
        ("weight_norm", pa.float64()),
        ("small_weights", pa.float64()),
        ("lr", pa.float64()),
        ("settings", pa.string()),  # that tuning chose, as JSON; null for an arm that is not tuned
        ("device", pa.string()),
        ("torch_version", pa.string()),
        ("python_version", pa.string()),
        ("host", pa.string()),
        ("commit", pa.string()),
        ("recipe_version", pa.int32()),
        ("pack", pa.string()),
        ("started_at", pa.string()),
        *((f"{split}_rows", pa.int64()) for split in ("train", "val", "test")),
    ]
)
TIMING = pa.schema(
    [
        ("arm", pa.string()),
        ("round", pa.int32()),
        ("step_seconds", pa.float64()),  # null where the arm could not be timed
        ("memory_bytes", pa.int64()),
        ("device", pa.string()),
        ("threads", pa.int32()),  # of each worker
        ("cores", pa.int32()),  # that the job could use
        ("reason", pa.string()),
        ("load_average", pa.float64()),  # of the last minute, when the round began
        ("gpu_utilization", pa.float64()),  # percent, from nvidia-smi; null on the CPU
        ("torch_version", pa.string()),
        ("host", pa.string()),
    ]
)

SEARCH = pa.schema(  # one row per candidate and tuning seed
    [
        ("search", pa.string()),
        ("candidate", pa.int32()),  # in the order of the trials
        ("selections", pa.list_(pa.string())),  # that asked for this further trial; empty of the first, which serve all
        ("seed", pa.int32()),
        ("settings", pa.string()),  # JSON
        ("status", pa.string()),
        ("reason", pa.string()),
        ("steps", pa.int64()),
        ("train_loss", pa.float64()),
        ("train_accuracy", pa.float64()),
        ("val_loss", pa.float64()),
        ("val_accuracy", pa.float64()),
        ("curve_steps", pa.list_(pa.int64())),  # of every evaluation, as are
        ("curve_val_loss", pa.list_(pa.float64())),
        ("curve_val_accuracy", pa.list_(pa.float64())),
        ("device", pa.string()),
        ("torch_version", pa.string()),
        ("recipe_version", pa.int32()),
    ]
)
TUNING = pa.schema(  # of a study: one row per tuned arm, candidate of its selection and tuning seed
    [
        ("arm", pa.string()),
        ("candidate", pa.int32()),  # in the order of the trials
        ("phase", pa.string()),  # grid (or quasi-random points), then extend
        ("seed", pa.int32()),
        ("settings", pa.string()),  # JSON
        ("status", pa.string()),
        ("reason", pa.string()),
        ("steps", pa.int64()),
        ("train_loss", pa.float64()),
        ("train_accuracy", pa.float64()),
        ("val_loss", pa.float64()),
        ("val_accuracy", pa.float64()),
        ("steps_to_target", pa.int64()),  # null unless it is what is selected by, and reached
        ("select", pa.string()),
        ("score", pa.float64()),  # the candidate's mean of select over the seeds that have it
        ("rank", pa.int32()),  # of the candidate, the best is 1
        ("chosen", pa.bool_()),
        ("edge", pa.string()),  # of the chosen candidate: JSON, setting → low or high; null where it lies on none
        ("undertuned", pa.bool_()),  # at such an edge it beats its inner neighbour beyond doubt
        ("next", pa.string()),  # JSON: candidates to try past that edge
        ("device", pa.string()),
        ("torch_version", pa.string()),
        ("recipe_version", pa.int32()),
    ]
)

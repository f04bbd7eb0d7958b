"""The columns of the Parquet files. A column is of one type, and means the same, wherever it stands."""

from __future__ import annotations

import pyarrow as pa

from study.axes.recipe import AXES, Recipe

KINDS = {float: pa.float64(), int: pa.int32(), bool: pa.bool_()}
AXES_COLUMNS = [  # the choice's name, or the number; null of a number that is still to be tuned
    pa.field(about.column or axis, pa.string() if about.choices else KINDS[Recipe.model_fields[axis].annotation])  # type: ignore[index]
    for axis, about in AXES.items()
]
FINAL_METRICS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy")
CLASS_METRICS = tuple(f"{split}_{score}" for split in ("val", "test") for score in ("balanced_accuracy", "macro_f1"))
VALIDATED = FINAL_METRICS[:4]  # of a candidate
CURVE_METRICS = (*FINAL_METRICS, "grad_norm")
ROWS = ("train_rows", "val_rows", "test_rows")
MOST_LOSSES = 20_000  # test rows up to which the loss on each is kept: 80 kB a run

COLUMNS = {
    "arm": pa.string(),
    "search": pa.string(),
    "seed": pa.int32(),
    "epoch": pa.float64(),  # whole where an epoch ends
    "step": pa.int64(),
    "lr": pa.float64(),  # as used: of a run the base rate, on a curve that of the last step before the evaluation
    **dict.fromkeys((*CURVE_METRICS, *CLASS_METRICS), pa.float64()),
    "status": pa.string(),
    "reason": pa.string(),
    "learned": pa.bool_(),
    "epochs_run": pa.int32(),  # whole ones
    "steps": pa.int64(),
    "n_parameters": pa.int64(),
    "weight_norm": pa.float64(),
    "small_weights": pa.float64(),
    **dict.fromkeys(ROWS, pa.int64()),
    "test_right": pa.binary(),  # a bit for each test row, the first is the highest of its byte: whether it was right
    "test_losses": pa.list_(pa.float32()),  # of each test row, where there are at most MOST_LOSSES
    "settings": pa.string(),  # JSON: of a candidate, or that tuning chose; null for an arm that is not tuned
    "candidate": pa.int32(),  # in the order of the trials
    "selections": pa.list_(pa.string()),  # that asked for this further trial; empty of the first, which serve all
    "curve_steps": pa.list_(pa.int64()),  # of every evaluation, as are
    "curve_val_loss": pa.list_(pa.float64()),
    "curve_val_accuracy": pa.list_(pa.float64()),
    "phase": pa.string(),  # grid (or quasi-random points), then extend
    "steps_to_target": pa.int64(),  # null unless it is what is selected by, and reached
    "select": pa.string(),
    "score": pa.float64(),  # the candidate's mean of select over the seeds that have it
    "rank": pa.int32(),  # of the candidate, the best is 1
    "chosen": pa.bool_(),
    "edge": pa.string(),  # of the chosen candidate: JSON, setting → low or high; null where it lies on none
    "run_seed": pa.int64(),  # of the run whose search it is; null where one search serves all runs
    "chosen_here": pa.bool_(),  # whether that run's search chose it
    "undertuned": pa.bool_(),  # at such an edge it beats its inner neighbour beyond doubt
    "next": pa.string(),  # JSON: candidates to try past that edge
    "final_score": pa.float64(),  # of the chosen candidate: the mean of select over the arm's runs that have it
    "better": pa.string(),  # JSON: the candidate whose trials are better than these runs beyond doubt
    "better_by": pa.string(),  # the select by which the same arm was tuned so that its runs are better in this one
    "round": pa.int32(),
    "block": pa.int32(),  # of rounds that one process measured; null where it is older
    "step_seconds": pa.float64(),  # null where the arm could not be timed
    "memory_bytes": pa.int64(),
    "threads": pa.int32(),  # of each worker; null of scripts
    "cores": pa.int32(),  # that the job could use
    "load_average": pa.float64(),  # of the last minute, when the round began
    "gpu_utilization": pa.float64(),  # percent, from nvidia-smi; null on the CPU
    "device": pa.string(),
    "processor": pa.string(),  # its model
    "instructions": pa.string(),  # the set of them that torch computes with: AVX2, AVX512, …
    "blas": pa.string(),
    "driver": pa.string(),  # of the GPU, with the versions of CUDA and cuDNN; null on the CPU
    "torch_version": pa.string(),
    "python_version": pa.string(),
    "host": pa.string(),
    "commit": pa.string(),
    "recipe_version": pa.int32(),
    "pack": pa.string(),
    "started_at": pa.string(),
    "seconds": pa.float64(),  # of a script's run; null of those that share their device
}


def schema(*names: str) -> pa.Schema:
    return pa.schema([(name, COLUMNS[name]) for name in names])


CURVES = schema("arm", "seed", "epoch", "step", "lr", *CURVE_METRICS)
RUNS = schema(
    "arm", "seed", "status", "reason", "learned", "epochs_run", "steps", *FINAL_METRICS, "n_parameters", "weight_norm",
    "small_weights", "lr", "settings", "device", "torch_version", "python_version", "host", "commit", "recipe_version",
    "pack", "started_at", *ROWS, *CLASS_METRICS, "seconds", "processor", "instructions",
    "threads", "cores", "blas", "driver",
)  # fmt: skip
BY_ROW = schema("test_right", "test_losses")  # null of diverged runs, of scripts, and of records made before
ARM_RUNS = pa.schema([*RUNS, *BY_ROW])  # of an arm's own files; a study's copy is without
TIMING = schema(
    "arm", "round", "step_seconds", "memory_bytes", "device", "threads", "cores", "reason", "load_average",
    "gpu_utilization", "torch_version", "host", "processor", "instructions", "blas", "driver", "python_version",
    "commit", "recipe_version", "block",
)  # fmt: skip
MADE = (  # what explains a difference, beside device and versions
    "processor", "instructions", "threads", "cores", "blas", "driver", "python_version", "host", "commit",
)  # fmt: skip
SEARCH = schema(  # one row per candidate and tuning seed
    "search", "candidate", "selections", "seed", "settings", "status", "reason", "steps", *VALIDATED, "curve_steps",
    "curve_val_loss", "curve_val_accuracy", "device", "torch_version", "recipe_version", *MADE,
)  # fmt: skip
TUNING = schema(  # of a study: one row per tuned arm, candidate of its selection and tuning seed
    "arm", "candidate", "phase", "seed", "settings", "status", "reason", "steps", *VALIDATED, "steps_to_target",
    "select", "score", "rank", "chosen", "edge", "undertuned", "next", "device", "torch_version", "recipe_version",
    "run_seed", "chosen_here", "final_score", "better", "better_by", *MADE,
)  # fmt: skip

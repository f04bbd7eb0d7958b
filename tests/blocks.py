"""Records of which a test needs no more than that they are there."""

from __future__ import annotations

from study.store.files import write_parquet
from study.store.layout import Block, Store
from study.store.schemas import CURVES, RUNS, TIMING


def leave(store: Store, arm: str, *blocks: Block) -> None:
    """Blocks of an arm, without a row."""
    for block in blocks:
        write_parquet(CURVES.empty_table(), store.curves(arm, block))
        write_parquet(RUNS.empty_table(), store.runs(arm, block))


def leave_timing(store: Store, timing: str) -> None:
    write_parquet(TIMING.empty_table(), store.timing(timing))

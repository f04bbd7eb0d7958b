"""How much there is to do, in runs and steps, as far as it is known before the data is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from study.plan.arm import Arm, split_sizes
from study.plan.searches.space import Tune
from study.store.layout import Block


class Work(NamedTuple):
    """``steps``: None where the number of training rows is unknown."""

    runs: int
    steps: int | None


def training_rows(arm: Arm) -> int | None:
    return split_sizes(arm.dataset.rows)[0] if arm.dataset.rows else None


def steps_of(arm: Arm, rows: int | None = None, batch_size: int | None = None) -> int | None:
    """Steps of one run over its whole budget; ``rows``: for training, where they are known otherwise."""
    rows = rows or training_rows(arm)
    return None if rows is None else arm.epochs * -(-rows // (batch_size or arm.batch_size))


def final(arm: Arm, runs: int) -> Work:
    """Of so many final runs. A batch size that is still to be tuned is taken from the middle of its range."""
    each = steps_of(arm)
    return Work(runs, None if each is None else runs * each)


def tuning(arm: Arm, tune: Tune, taken_over: bool = False) -> Work:
    """Of the tuning job of an arm: of further trials alone where the first are ``taken_over`` from another arm."""
    runs = (tune.extend if taken_over else tune.candidates) * tune.seeds
    if "batch_size" not in tune.covers:
        return final(arm, runs)
    sizes = [point["batch_size"] for point in tune.grid()] if tune.search == "grid" else []
    each = [steps_of(arm, batch_size=size if isinstance(size, int) else None) for size in sizes] or [steps_of(arm)]
    known = [steps for steps in each if steps is not None]
    return Work(runs, round(runs * sum(known) / len(known)) if known else None)


class Total(NamedTuple):
    runs: int
    steps: int  # as far as known
    certain: bool  # whether all are


def sum_up(parts: Iterable[Work]) -> Total:
    parts = list(parts)
    known = [part.steps for part in parts if part.steps is not None]
    return Total(sum(part.runs for part in parts), sum(known), len(known) == len(parts))


def length(blocks: Iterable[Block]) -> int:
    """Seeds in ``blocks``."""
    return sum(len(block.seeds) for block in blocks)

"""Slices of many arms and searches, trained in packs: as many runs of one kind together as are good for speed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import torch

from study.engine.checkpoint import Checkpoints, Watch
from study.engine.inputs import data
from study.engine.pack import Run, Slice, train
from study.engine.record import Record
from study.engine.shard import Shard
from study.errors import Damaged
from study.run.distributed import spread
from study.store.failures import out_of_memory
from study.store.layout import Store

MOST = {"cpu": 96, "cuda": 1024}  # runs in a pack: beyond, a core's cache is full; a GPU's memory, found by trying


def packs(slices: Sequence[Slice], most: int) -> Iterator[list[int]]:
    """The places of those of ``slices`` that are trained together, at most so many runs, in their order."""
    groups: dict[str, list[int]] = {}
    for i, each in enumerate(slices):
        groups.setdefault(each.recipe.kind, []).append(i)
    for group in groups.values():
        pack: list[int] = []
        for i in group:
            runs = sum(len(slices[j].seeds) for j in pack)
            if pack and (runs + len(slices[i].seeds) > most or not slices[i].recipe.stacked):
                yield pack
                pack = []
            pack.append(i)
        yield pack


def train_pack(
    slices: Sequence[Slice], store: Store, device: torch.device, signals: list[int], watch: Watch | None = None
) -> Iterator[list[Record] | Exception]:
    """The records of each of ``slices``, all of one kind, in their order; or why a slice has none.

    A pack that fails is halved until it is known which slice it was, and one that does not fit into memory until its
    runs are alone. Raises Interrupted once one of ``signals`` asks for the end: whoever hears one adds it. ``watch``:
    told of the steps done and to do, where one process trains.
    """
    recipe = slices[0].recipe
    runs = [Run(each.recipe, seed, part) for part, each in enumerate(slices) for seed in each.seeds]
    here = watch if recipe.gpus == 1 else None
    error: Exception | None = None
    try:
        records = spread(recipe.gpus, device, train_part, store, runs, signals, here, signals=signals)
    except Exception as caught:
        error = caught.with_traceback(None) if out_of_memory(caught) else caught  # whose frames hold memory
    if error and len(slices) > 1:
        half = len(slices) // 2
        yield from train_pack(slices[:half], store, device, signals, watch)
        yield from train_pack(slices[half:], store, device, signals, watch)
        return
    if error and len(runs) > 1 and out_of_memory(error):
        seeds, half = slices[0].seeds, len(runs) // 2
        parts = [Slice(recipe, seeds[:half]), Slice(recipe, seeds[half:])]
        made = [next(train_pack([part], store, device, signals, watch)) for part in parts]
        errors = [part for part in made if isinstance(part, Exception)]
        yield errors[0] if errors else [each for part in made for each in part]  # type: ignore[union-attr]
        return
    if error:
        yield error
        return
    for each in slices:
        n = len(each.seeds)
        yield records[:n]
        records = records[n:]


def train_part(
    shard: Shard, device: torch.device, store: Store, runs: Sequence[Run], signals: list[int], watch: Watch | None
) -> list[Record]:
    """One worker's part of a pack."""
    checkpoints = Checkpoints(store.checkpoints, shard=shard, signals=signals, watch=watch)
    given = loaded(store, runs[0].recipe.dataset_id, device)
    with checkpoints.listening():
        return train(runs, given, device, shard, checkpoints)


def loaded(store: Store, dataset: str, device: torch.device) -> data.Data:
    """A dataset, kept for the packs to come. Raises Damaged where it is, or an earlier pack found so."""
    path = store.dataset(dataset)
    if not path.exists():
        raise Damaged(path, "is not there; the next run of the study makes it again")
    return _load(path, path.stat().st_mtime_ns, device)


@lru_cache(maxsize=1)
def _load(path: Path, mtime: int, device: torch.device) -> data.Data:
    return data.load(path, device)

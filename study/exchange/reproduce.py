"""Runs trained again, alone, and compared with their records: identical, equal within rounding, or different."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from typing import NamedTuple

from study.errors import Refused
from study.exchange.arms import KnownArm
from study.exchange.holdings import provenance, runs_of, spans
from study.plan.arm import Arm
from study.plan.jobs import BlockUnit, Job
from study.plan.trials import NOTHING_CHOSEN, settings_of
from study.store.disk import scratch
from study.store.equality import Run, difference
from study.store.layout import Block, Store, owned
from study.wording import counted, listed


class Recorded(NamedTuple):
    """A run that was recorded. ``folder``: what a person's own code is imported from."""

    one: KnownArm
    seed: int
    record: Run
    folder: str

    @property
    def name(self) -> str:
        return f"{self.one.name}, seed {self.seed}"


def recorded(one: KnownArm, store: Store, folder: str) -> Iterator[Recorded]:
    """The runs of an arm that were trained."""
    blocks = store.present([one.id])[one.id]
    for block, seeds in owned(blocks, 1 + max((block.last for block in blocks), default=-1)):
        for seed, run in runs_of(store, one.id, block).items():
            if seed in seeds and run.row["reason"] != NOTHING_CHOSEN:
                yield Recorded(one, seed, run, folder)


def the_run(one: KnownArm, store: Store, folder: str, seed: int) -> Recorded:
    """Raises Refused where there is none of that seed."""
    found = {run.seed: run for run in recorded(one, store, folder)}
    if seed not in found:
        has = f"it has seeds {spans(sorted(found))}" if found else "none of its runs was trained"
        raise Refused([f"{store.root}/: {one.name} has no trained run of seed {seed}; {has}"])
    return found[seed]


def sample(runs: Sequence[Recorded], count: int) -> list[Recorded]:
    """So many of ``runs``, drawn without replacement; the same whenever it is asked."""
    return sorted(random.Random(count).sample(runs, min(count, len(runs))), key=lambda run: (run.one.id, run.seed))


def again(run: Recorded, store: Store) -> Run:
    """The same run, trained here and now by a job of its own, in a folder that is gone afterwards.

    What tuning chose is as the record says. Raises RuntimeError where it fails, ValueError where its data are others.
    """
    from study.axes.custom import make_ready
    from study.engine.inputs.prepare import prepare
    from study.run.job import run as do

    settings = run.record.row["settings"]
    recipe = run.one.arm.settled(settings_of(settings)) if settings else run.one.arm.outline
    arm, block = Arm(recipe=recipe), Block(run.seed, run.seed)
    job = Job(blocks=(BlockUnit(arm=arm, block=block),), folder=run.folder)
    with scratch() as folder, redirect_stdout(sys.stderr):
        aside = Store(folder)
        if not recipe.trainer.free:
            there = store.dataset(arm.dataset_id)
            if there.exists():
                aside.dataset(arm.dataset_id).parent.mkdir()
                aside.dataset(arm.dataset_id).symlink_to(there.absolute())
            else:
                make_ready([recipe.dataset], run.folder)
                prepare(recipe.dataset, aside.dataset(arm.dataset_id))
        if failed := do(job, aside):
            raise RuntimeError("; ".join(failed))
        return runs_of(aside, arm.id, block)[run.seed]


def compared(run: Recorded, now: Run) -> tuple[list[str], bool]:
    """What the comparison comes to, in lines, and whether the two are the same up to rounding."""
    before = Run({**run.record.row, "settings": None}, run.record.curve)
    now = Run({**now.row, "settings": None}, now.curve)
    exact = difference(before, now)
    if exact is None:
        steps = counted(before.row["steps"], "step")
        return [f"{run.name}: identical bit for bit, in {counted(len(before.curve), 'evaluation')}, {steps}"], True
    beyond = difference(before, now, rounding=True)
    if beyond is None:
        lines = [f"{run.name}: equal within rounding; the first bits that differ: {exact} (recorded and now)"]
    else:
        lines = [f"{run.name}: different {beyond} (recorded and now)"]
        if beyond != exact:
            lines.append(f"  the first bits that differ: {exact}")
    then, here = provenance(before.row), provenance(now.row)
    unknown = [word for word, value in then.items() if value is None and here[word] is not None]
    others = [f"{word} {value}, now {here[word]}" for word, value in then.items() if value not in (None, here[word])]
    told = [*others, *([f"{listed(unknown)} not recorded"] if unknown else [])]
    lines.append(f"  recorded with {'; '.join(told)}" if told else "  recorded with all that is here now")
    return lines, beyond is None

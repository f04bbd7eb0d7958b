"""Training: runs that share shapes, batch size and budget, stacked, stepped and evaluated together."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from study.axes.base import digest
from study.axes.recipe import AXES
from study.axes.training import BFloat16
from study.engine.checkpoint import Checkpoints
from study.engine.determinism import quiet, stream, use_tf32
from study.engine.evaluation import evaluate
from study.engine.inputs.augmentation import Changes, changes_images
from study.engine.inputs.data import Data
from study.engine.inputs.training_set import training_set
from study.engine.networks.layers import Masks
from study.engine.networks.network import build, dropped_shapes, has_batch_statistics
from study.engine.networks.stack import Stack
from study.engine.record import Curve, Record
from study.engine.row_results import RowResults
from study.engine.shard import ALONE, Shard
from study.engine.slices import Run, Slice, slices
from study.engine.stepping.ema import Average
from study.engine.stepping.optimizer import StackOptimizer
from study.engine.stopping import Stopping

__all__ = ["Pack", "Run", "Slice", "train"]
STATE = ("order", "norms", "alive", "steps", "initial_weights")  # tensors of a pack that change, or are drawn


def train(
    runs: Sequence[Run],
    data: Data,
    device: torch.device | str = "cpu",
    shard: Shard = ALONE,
    checkpoints: Checkpoints | None = None,
) -> list[Record]:
    """Train ``runs`` and return their records, in order; ``shard``: this worker's part of each batch.

    Runs that are not ``stacked`` are trained one at a time. A lone run is otherwise trained beside a copy of itself,
    since torch computes a stack of one by other kernels, which round differently. Slices go on from their
    ``checkpoints``, those that are as far as each other together. Raises ValueError where what is ``shared`` differs.
    """
    packs = [[run] for run in runs if not run.recipe.stacked]
    stacked = [run for run in runs if run.recipe.stacked]
    places: dict[tuple[int, int], list[Run]] = {}
    for each, rows in slices(stacked):
        saved = checkpoints.read(each.key(device)) if checkpoints else None
        places.setdefault(saved["place"] if saved else (0, 0), []).extend(stacked[rows])
    packs += [pack * 2 if len(pack) == 1 else pack for _, pack in sorted(places.items())]
    records: dict[Run, Record] = {}
    with quiet():
        for pack in packs:
            records |= zip(pack, Pack(pack, data, device, shard).train(checkpoints), strict=True)
    return [records[run] for run in runs]


class Pack:
    """Runs that one process trains together. The methods, from top to bottom, are the training loop."""

    def __init__(
        self, runs: Sequence[Run], data: Data, device: torch.device | str = "cpu", shard: Shard = ALONE
    ) -> None:
        if len({run.recipe.shared() for run in runs}) != 1:
            raise ValueError(f"runs in a pack share {', '.join(axis for axis, about in AXES.items() if about.shared)}")
        self.runs, self.given, self.device, self.shard = list(runs), data, device, shard
        self.data = data = training_set(data.of([run.seed for run in runs]), runs)
        recipe = runs[0].recipe
        self.batch_size, self.tf32 = recipe.batch_size, recipe.tf32
        modules = [build(run.recipe, run.seed, data) for run in runs]
        if has_batch_statistics(modules[0]) and (recipe.batch_size == 1 or data.train.rows % recipe.batch_size == 1):
            raise ValueError("batch normalization needs at least two rows a batch, the last one of an epoch included")
        shapes, rates = dropped_shapes(modules[0], data.shape), [run.recipe.dropout for run in runs]
        self.masks = Masks(rates, shapes, device) if any(rates) else None
        changes = [run.recipe.augmentation for run in runs]
        self.changes = Changes(changes, data.shape, device) if any(map(changes_images, changes)) else None
        self.stack = Stack(modules, data.shape, device, isinstance(recipe.precision, BFloat16))
        parts = slices(runs)
        self.keys, self.rows = [each.key(device) for each, _ in parts], [rows for _, rows in parts]
        self.optimizer = StackOptimizer([(each.recipe, rows) for each, rows in parts], self.stack)
        self._streams: dict[str, list[torch.Generator]] = {}  # by purpose
        self.smoothing = self.by_run("label_smoothing")
        self.steps_per_epoch = -(-data.train.rows // self.batch_size)
        self.budget, self.every = recipe.budget(data.train.rows), recipe.evaluate.every(self.steps_per_epoch)
        self.done, self.evaluated = 0, 0  # steps taken, and those until the last evaluation
        self.steps_before = [0] * len(runs)  # of what was trained before; unknown of runs that were resumed
        self.alive = torch.ones(len(runs), dtype=torch.bool, device=device)
        self.steps = torch.zeros(len(runs), dtype=torch.int64, device=device)
        self.initial_weights = self.stack.weights().square().mean(1).sqrt()  # [runs] root mean square
        self.curves: list[Curve] = [[] for _ in runs]
        decays, rules = self.by_run("ema"), [run.recipe.early_stopping for run in runs]
        self.average = None if decays is None else Average(decays, self.stack)
        self.stopping = Stopping(rules, self.stack) if any(run.recipe.ends_early for run in runs) else None
        self.by_row = RowResults(len(runs), data.test, data.task)

    @property
    def running(self) -> Tensor:
        """Which runs are trained: those that neither diverged nor stopped. [runs]"""
        return self.alive if self.stopping is None else self.alive & ~self.stopping.ended

    def by_run(self, axis: str) -> Tensor | None:
        """The number that each run has on ``axis``, [runs]; None where all are 0."""
        numbers = [getattr(run.recipe, axis) for run in self.runs]
        return torch.tensor(numbers, device=self.device) if any(numbers) else None

    def streams(self, purpose: str, device: torch.device | str = "cpu") -> list[torch.Generator]:
        """The random streams of all runs for a purpose, each derived from its seed; part of every checkpoint. [runs]"""
        if purpose not in self._streams:
            self._streams[purpose] = [stream(run.seed, purpose, device) for run in self.runs]
        return self._streams[purpose]

    def train(self, checkpoints: Checkpoints | None = None) -> list[Record]:
        if checkpoints and (saved := checkpoints.restore(self.keys)):
            self.load_state_dict(saved)
        else:
            if self.runs[0].recipe.before:
                self.take_over(checkpoints)
            self.evaluate(None)
        while self.evaluated < self.budget and self.running.any():
            self.evaluate(self.train_on(checkpoints))
        return self.records()

    def take_over(self, checkpoints: Checkpoints | None) -> None:
        """Begin with the parameters and buffers of what is trained before."""
        runs = [run._replace(recipe=run.recipe.before or run.recipe) for run in self.runs]
        before = Pack(runs, self.given, self.device, self.shard)
        before.keys = [digest(f"before {key}") for key in before.keys]  # apart from those of an arm that is the same
        before.train(checkpoints)
        self.stack.take_over(before.stack)
        if self.average:
            self.average.values.copy_(self.stack.flat)
        self.alive &= before.alive
        self.steps_before = before.steps.tolist()
        self.initial_weights = self.stack.weights().square().mean(1).sqrt()
        if checkpoints:
            checkpoints.remove(before.keys)
            checkpoints.restore(self.keys)

    def train_on(self, checkpoints: Checkpoints | None = None) -> Tensor:
        """The steps to the next evaluation; returns the mean gradient norm of each run over them. [runs]"""
        self.stack.train(True)
        start, stop = self.evaluated, min(self.evaluated + self.every, self.budget)
        if self.done == start:
            self.norms = torch.zeros(len(self.runs), device=self.device)
        while self.done < stop:
            place = self.done % self.steps_per_epoch
            if place == 0:
                orders = [torch.randperm(self.data.train.rows, generator=g) for g in self.streams("order")]
                self.order = torch.stack(orders).to(self.device)  # in which each run meets them in an epoch
            batch = self.order[:, place * self.batch_size : (place + 1) * self.batch_size]
            self.norms += self.step(batch, self.done / self.budget)
            self.done += 1
            if checkpoints:
                checkpoints.tick(self.done, self.budget, self.state_dict, self.curves)
        self.evaluated = stop
        return self.norms / (stop - start)

    def step(self, batch: Tensor, progress: float) -> Tensor:
        """One step of every run on its rows ``batch`` [runs, rows]; returns gradient norms. [runs]"""
        use_tf32(self.tf32)
        self.optimizer.train(True)
        mine = self.shard.of(batch.shape[1])
        x, y = self.data.train.take(batch[:, mine])
        if self.changes:
            drawn = self.changes.draws(batch.shape[1], self.streams("augmentation", self.device))
            x = self.changes(x, drawn[:, mine])
        drops = self.masks(batch.shape[1], self.streams("dropout", self.device)) if self.masks else {}
        masks = {name: mask[:, mine] for name, mask in drops.items()}
        draws = self.streams("forward", self.device) if self.stack.turn else None
        norms: list[Tensor] = []

        def differentiate() -> Tensor:  # where the parameters are, again where an optimizer asks for it
            losses = self.objective(self.stack(x, masks, draws), y).sum(1) / batch.shape[1]  # [runs]
            self.stack.differentiate(losses)
            self.shard.sum(self.stack.grad, losses := losses.detach())
            norms.append(torch.linalg.vector_norm(self.stack.grad, dim=1))
            return losses

        losses = differentiate()
        self.optimizer.step(progress, losses, differentiate)
        # A sum is finite exactly when its terms are, short of overflow at 1e38; testing each would cost far more.
        self._end((losses + self.stack.flat.sum(1)).isfinite())
        self.steps += self.running
        if self.average:
            self.average.update()
        return norms[0]

    def _end(self, finite: Tensor) -> None:
        """The runs diverged of which something is not ``finite``, [runs], unless they stopped before."""
        self.alive &= finite if self.stopping is None else finite | self.stopping.ended

    def objective(self, outputs: Tensor, target: Tensor) -> Tensor:
        """What is minimized, of every row: [runs, rows]."""
        task, smoothing = self.data.task, self.smoothing
        return task.losses(outputs, target) if smoothing is None else task.smoothed(outputs, target, smoothing)

    @torch.no_grad()
    def evaluate(self, norms: Tensor | None) -> None:
        """Loss and scores on all three splits, without dropout; a row of every living run's curve.

        ``norms``: mean gradient norms since the last one, [runs]; None before training.
        """
        use_tf32(self.tf32)
        self.stack.train(False)
        self.optimizer.train(False)
        reported = bool(self.stopping) or self.done == self.budget  # of some run it may be
        with self.average.in_place() if self.average else nullcontext():
            losses, columns, by_row = evaluate(self.stack, self.data, self.shard, reported)
            self._end(torch.stack(list(losses.values())).isfinite().all(0))
            columns["grad_norm"] = [None] * len(self.runs) if norms is None else norms.tolist()
            lr, epoch, running = self.optimizer.rates(), self.done / self.steps_per_epoch, self.running.tolist()
            for r, steps in enumerate(self.steps.tolist()):
                if running[r]:
                    metrics = {name: values[r] for name, values in columns.items()}
                    self.curves[r].append({"epoch": epoch, "step": steps, "lr": lr[r]} | metrics)
            if norms is not None:
                self.optimizer.watch(losses["val"])
            better = self.stopping.watch(self.curves, running) if self.stopping else running
            if by_row:
                self.by_row.keep(by_row, torch.tensor(better, device=self.device))

    def records(self) -> list[Record]:
        """What each run leaves."""
        with self.average.in_place() if self.average else nullcontext():
            weights = self.stack.weights(self.stopping.best_values if self.stopping else None)
        norms = weights.double().norm(dim=1).tolist()
        small = (weights.abs() < 0.01 * self.initial_weights.unsqueeze(1)).double().mean(1).tolist()
        lr, by_row = self.optimizer.base_rates(), self.by_row.columns()
        rows = zip(self.runs, self.curves, self.alive.tolist(), self.steps.tolist(), strict=True)
        return [
            Record(
                seed=run.seed,
                reason=None if alive else f"loss or parameters not finite after step {steps}",
                steps=steps,
                steps_before=self.steps_before[r],
                curve=curve,
                best=-1 if self.stopping is None or not run.recipe.ends_early else int(self.stopping.best[r]),
                n_parameters=self.stack.n_parameters,
                weight_norm=norms[r] if alive else None,
                small_weights=small[r] if alive and float(self.initial_weights[r]) > 0 else None,
                lr=lr[r],
                by_row=by_row[r],
            )
            for r, (run, curve, alive, steps) in enumerate(rows)
        ]

    def _parts(self) -> dict[str, Average | Stopping | RowResults]:
        """What only some packs have, and has a state."""
        parts = {"average": self.average, "stopping": self.stopping, "by_row": self.stopping and self.by_row}
        return {name: part for name, part in parts.items() if part is not None}

    def state_dict(self) -> list[dict[str, Any]]:
        """All that changes while it trains, slice by slice."""
        return [
            {
                "tensors": {name: getattr(self, name)[rows].clone() for name in STATE},
                "flat": self.stack.flat[rows].clone(),
                "buffers": [
                    {name: each.clone() for name, each in self.stack.buffers(run).items()}
                    for run in range(rows.start, rows.stop)
                ],
                "streams": {
                    purpose: (str(each[0].device), [generator.get_state() for generator in each[rows]])
                    for purpose, each in self._streams.items()
                },
                "optimizers": self.optimizer.state_dicts(rows),
                "curves": self.curves[rows],
                "place": divmod(self.done, self.steps_per_epoch),
            }
            | {name: part.state_dict(rows) for name, part in self._parts().items()}
            for rows in self.rows
        ]

    def load_state_dict(self, saved: Sequence[dict[str, Any]]) -> None:
        """Go on from the states of its slices, all of one place."""
        for name in STATE:
            setattr(self, name, torch.cat([state["tensors"][name] for state in saved]).to(self.device))
        for rows, state in zip(self.rows, saved, strict=True):
            self.stack.flat[rows] = state["flat"].to(self.device)
            for run, buffers in zip(range(rows.start, rows.stop), state["buffers"], strict=True):
                for name, buffer in buffers.items():
                    self.stack.buffers(run)[name].copy_(buffer)
            for purpose, (device, states) in state["streams"].items():
                for generator, each in zip(self.streams(purpose, device)[rows], states, strict=True):
                    generator.set_state(each)
            self.curves[rows], (epoch, place) = state["curves"], state["place"]
            for name, part in self._parts().items():
                part.load_state_dict(rows, state.get(name))
            self.done = epoch * self.steps_per_epoch + place
            self.evaluated = (self.done - 1) // self.every * self.every  # it is written after a step, before evaluation
        self.optimizer.load_state_dicts(zip(self.rows, (state["optimizers"] for state in saved), strict=True))

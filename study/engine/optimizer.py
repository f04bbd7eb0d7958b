"""What steps the runs of a stack: torch's optimizers, each arm's schedule, and penalties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from study.axes.recipe import Recipe
from study.axes.schedule import Plateau
from study.engine.stack import Stack


class StackOptimizer:
    """Steps all runs of ``stack``; ``slices``: recipes, and the rows of the runs that follow each, in order."""

    def __init__(self, slices: Iterable[tuple[Recipe, slice]], stack: Stack) -> None:
        self.groups = [group for recipe, rows in slices for group in Group.each(recipe, rows, stack)]
        self.penalties = [
            Penalty(list(alike), stack)
            for strengths, alike in groupby(self.groups, lambda group: [bool(s) for s in group.strengths])
            if any(strengths)
        ]
        self._join()

    def _join(self) -> None:
        """Where groups differ in their rates alone, torch steps them as one: to begin costs it as much as to step."""
        alike: dict[Hashable, list[Group]] = {}
        for group in self.groups:
            alike.setdefault(group.kind, []).append(group)
        self.joined = [joined(groups) for groups in alike.values()]

    @torch.no_grad()
    def step(self, progress: float, objective: Tensor) -> None:
        """One step from the gradients of the losses in the stack; the penalties are added to ``objective`` [runs]."""
        for penalty in self.penalties:
            objective[penalty.rows] += penalty.add()
        for group in self.groups:
            group.schedule(progress)
        for optimizer in self.joined:
            optimizer.step()
        for penalty in self.penalties:
            penalty.shrink()

    def rates(self) -> list[float]:
        """Of the last step. [runs]"""
        return [group.rate for group in self.groups for _ in range(group.runs)]

    def watch(self, val_losses: Tensor) -> None:
        """Tell plateau schedules the validation losses, [runs]."""
        for group in self.groups:
            if group.plateau is not None:
                group.plateau.step(float(val_losses[group.rows.start]))

    def state(self) -> Iterator[Tensor]:
        """All tensors that torch's optimizers keep between steps."""
        for optimizer in self.joined:
            for values in optimizer.state.values():
                yield from (value for value in values.values() if isinstance(value, Tensor))

    def state_dicts(self, rows: slice) -> list[dict[str, Any]]:
        """All that changes while it steps the runs ``rows``."""
        return [group.state_dict() for group in self._of(rows)]

    def load_state_dicts(self, rows: slice, saved: Sequence[dict[str, Any]]) -> None:
        for group, each in zip(self._of(rows), saved, strict=True):
            group.load_state_dict(each)
        self._join()

    def _of(self, rows: slice) -> list[Group]:
        return [group for group in self.groups if rows.start <= group.rows.start < rows.stop]


class Group:
    """Consecutive runs of one recipe that torch steps with one rate.

    An elementwise optimizer holds one tensor of them all; any other has one run, and holds its parameters.
    ``own`` is torch's optimizer of these runs; ``kind``: equal where it differs from another one in its rate alone.
    """

    def __init__(self, recipe: Recipe, rows: slice, stack: Stack) -> None:
        self.rows, self.runs = rows, rows.stop - rows.start
        self.strengths = recipe.regularizer.strengths
        self._schedule = recipe.schedule
        values, gradients = stack.flat[rows], stack.grad[rows]
        if recipe.optimizer.elementwise:
            held = {"stack": (values, gradients)}
        else:
            slots = stack.split(gradients[0])
            held = {name: (value, slots[name]) for name, value in stack.split(values[0]).items()}
        parameters = {name: nn.Parameter(value) for name, (value, _) in held.items()}  # in the memory of the stack
        for name, (_, gradient) in held.items():
            parameters[name].grad = gradient
        self.parameters = list(parameters.items())
        self.optimizer = recipe.optimizer
        self.own = recipe.optimizer.build(self.parameters)
        alike = tuple((name, value) for name, value in recipe.optimizer if name != "lr")
        self.kind: Hashable = (type(recipe.optimizer), alike) if recipe.optimizer.elementwise else rows.start
        self.base_rates = [group["lr"] for group in self.own.param_groups]
        self.plateau = (
            ReduceLROnPlateau(
                self.own,
                factor=recipe.schedule.gamma,
                patience=recipe.schedule.patience,
                threshold=recipe.schedule.threshold,
            )
            if isinstance(recipe.schedule, Plateau)
            else None
        )

    @classmethod
    def each(cls, recipe: Recipe, rows: slice, stack: Stack) -> Iterator[Group]:
        """Those of the runs ``rows``, all of one recipe: one, or one for each run where it needs its own."""
        alone = isinstance(recipe.schedule, Plateau) or not recipe.optimizer.elementwise
        size = 1 if alone else rows.stop - rows.start
        for start in range(rows.start, rows.stop, size):
            yield cls(recipe, slice(start, start + size), stack)

    @property
    def rate(self) -> float:
        """Of the last step."""
        return float(self.own.param_groups[0]["lr"])

    def schedule(self, progress: float) -> None:
        """Set the rates of the step to come."""
        if self.plateau is None:
            for group, lr in zip(self.own.param_groups, self.base_rates, strict=True):
                group["lr"] = lr * self._schedule.factor(progress)

    def state_dict(self) -> dict[str, Any]:
        return {
            "optimizer": self.own.state_dict(),
            "plateau": self.plateau.state_dict() if self.plateau else None,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        self.own.load_state_dict(saved["optimizer"])
        if self.plateau:
            self.plateau.load_state_dict(saved["plateau"])


def joined(groups: Sequence[Group]) -> torch.optim.Optimizer:
    """One optimizer that steps ``groups``, all of one kind, in their own parameter groups and with their own state."""
    whole = groups[0].own
    if len(groups) > 1:
        whole = groups[0].optimizer.build(groups[0].parameters)
        whole.param_groups = [each for group in groups for each in group.own.param_groups]
        whole.state = defaultdict(dict, {p: group.own.state[p] for group in groups for _, p in group.parameters})
    return whole


class Penalty:
    """The penalties of consecutive runs, those of ``groups``: all have an L1 part or none has, and so for L2."""

    def __init__(self, groups: Sequence[Group], stack: Stack) -> None:
        self.rows = slice(groups[0].rows.start, groups[-1].rows.stop)
        self.groups, self.is_weight = groups, stack.is_weight
        self.values, self.gradients = stack.flat[self.rows], stack.grad[self.rows]
        self.l1, self.l2 = ([group.strengths[part] for group in groups] for part in (0, 1))
        self.strengths, self.halves = self._by_run(self.l1), self._by_run([l2 / 2 for l2 in self.l2])
        self.decay = self._by_run(self.l2).unsqueeze(1)
        self.scratch = torch.empty_like(self.values)  # kept: memory that is new each step costs more to touch

    def _by_run(self, numbers: Sequence[float]) -> Tensor:
        """A number of each group, for its runs. [rows]"""
        each = [number for number, group in zip(numbers, self.groups, strict=True) for _ in range(group.runs)]
        return torch.tensor(each, device=self.values.device)

    def add(self) -> Tensor:
        """Add the derivative of the smooth part to the gradients; returns the penalty of each run, [rows]."""
        value = torch.zeros_like(self.halves)
        weights = torch.mul(self.values, self.is_weight, out=self.scratch)
        if any(self.l1):
            value += self.strengths * weights.abs_().sum(1)
        if any(self.l2):
            value += self.halves * weights.square_().sum(1)
            self.gradients += torch.mul(self.values, self.is_weight, out=self.scratch).mul_(self.decay)
        return value

    def shrink(self) -> None:
        """The proximal step of the other part."""
        if any(self.l1):
            steps = self._by_run([group.rate * l1 for group, l1 in zip(self.groups, self.l1, strict=True)])
            shrunk = (
                torch.abs(self.values, out=self.scratch)
                .addcmul_(self.is_weight, steps.unsqueeze(1), value=-1)
                .clamp_min_(0)
            )
            torch.copysign(shrunk, self.values, out=self.values)

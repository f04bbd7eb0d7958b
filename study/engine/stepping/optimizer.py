"""What steps the runs of a stack: torch's optimizers, each arm's schedule, and penalties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from study.axes.recipe import Recipe
from study.axes.schedule import Plateau
from study.engine.networks.stack import Stack
from study.engine.stepping.attributes import kept, leaves, moved

TINY = 1e-6  # added to norms, as torch.nn.utils.clip_grad_norm_ does


class StackOptimizer:
    """Steps all runs of ``stack``; ``slices``: recipes, and which runs follow each, in order.

    ``optimizers``: torch's. Groups of runs whose settings are the same but for the rate are parameter groups of one: to
    begin a step costs it as much as to step a small network.
    """

    def __init__(self, slices: Sequence[tuple[Recipe, slice]], stack: Stack) -> None:
        self.groups = [group for recipe, rows in slices for group in Group.each(recipe, rows, stack)]
        self.gradients = stack.grad
        longest = [group.longest for group in self.groups for _ in range(group.runs)]
        self.longest = torch.tensor(longest, device=stack.grad.device) if any(longest) else None  # [runs]
        self.penalties = [
            Penalty(list(alike), stack)
            for strengths, alike in groupby(self.groups, lambda group: [bool(s) for s in group.strengths])
            if any(strengths)
        ]
        self.again = any(recipe.optimizer.again for recipe, _ in slices)
        if self.again and stack.runs > 1:
            raise ValueError("an optimizer that takes a closure steps one run at a time")
        self.turn = stack.turn
        self.training: bool | None = None
        self._join()

    def _join(self) -> None:
        alike: dict[Hashable, list[Group]] = {}
        for group in self.groups:
            alike.setdefault(group.likeness, []).append(group)
        self.optimizers = [one_optimizer(groups) for groups in alike.values()]
        self.moded = [each for each in self.optimizers if has_modes(each)]
        self.decaying = [group for group in self.groups if group.decay]

    def train(self, mode: bool) -> None:
        """Whether steps or evaluations come next: schedule-free methods keep other parameters for each."""
        if mode != self.training:
            self.training = mode
            for optimizer in self.moded:
                optimizer.train() if mode else optimizer.eval()  # type: ignore[attr-defined]

    @torch.no_grad()
    def step(self, progress: float, objective: Tensor, differentiate: Callable[[], Tensor]) -> None:
        """One step from the gradients of the losses in the stack; the penalties are added to ``objective`` [runs].

        ``differentiate``: gives the losses and their gradients once more, where the parameters are by then.
        """
        self._complete(objective)
        for group in self.groups:
            group.set_rates(progress)
        for group in self.decaying:
            group.shrink()
        first = [objective]  # what a closure gives when it is first called is known already

        def closure() -> Any:
            if self.turn and not first:
                self.turn.rewind()
            with torch.enable_grad():
                losses = first.pop() if first else differentiate()
            with torch.no_grad():
                if losses is not objective:
                    self._complete(losses)
                return losses.sum()  # of the only run

        for optimizer in self.optimizers:
            optimizer.step(closure) if self.again else optimizer.step()
        for penalty in self.penalties:
            penalty.shrink()

    def _complete(self, objective: Tensor) -> None:
        """Add the penalties to the losses and their gradients, and clip these."""
        for penalty in self.penalties:
            objective[penalty.rows] += penalty.add()
        if self.longest is not None:
            self._clip(self.longest)

    def _clip(self, longest: Tensor) -> None:
        """Scale down the gradients that are longer than that norm, [runs], where it is not 0 (Pascanu et al., 2013).

        That of a run is of its loss and the smooth part of its penalty.
        """
        norms = torch.linalg.vector_norm(self.gradients, dim=1)
        factors = (longest / (norms + TINY)).clamp(max=1).where(longest > 0, 1.0)
        self.gradients.mul_(factors.unsqueeze(1))

    def rates(self) -> list[float]:
        """Of the last step. [runs]"""
        return [group.rate for group in self.groups for _ in range(group.runs)]

    def base_rates(self) -> list[float]:
        """Those that schedules are factors on. [runs]"""
        return [float(group.base_rates[0]) for group in self.groups for _ in range(group.runs)]

    def watch(self, val_losses: Tensor) -> None:
        """Tell plateau schedules the validation losses, [runs]."""
        for group in self.groups:
            if group.plateau is not None:
                group.plateau.step(float(val_losses[group.rows.start]))

    def state(self) -> Iterator[Tensor]:
        """All tensors that torch's optimizers keep between steps."""
        for optimizer in self.optimizers:
            kept_now = [list(optimizer.state.values()), kept(optimizer)]
            yield from (each for each in leaves(kept_now) if isinstance(each, Tensor))

    def state_dicts(self, rows: slice) -> list[dict[str, Any]]:
        """All that changes while it steps the runs ``rows``."""
        return [group.state_dict() for group in self._of(rows)]

    def load_state_dicts(self, saved: Iterable[tuple[slice, Sequence[dict[str, Any]]]]) -> None:
        """Go on from what ``state_dicts`` gave for each slice of the runs."""
        for rows, states in saved:
            for group, state in zip(self._of(rows), states, strict=True):
                group.load_state_dict(state)
        self._join()
        self.training = True  # checkpoints are written between steps

    def _of(self, rows: slice) -> list[Group]:
        return [group for group in self.groups if rows.start <= group.rows.start < rows.stop]


class Group:
    """Consecutive runs of one recipe that torch steps with one rate.

    An elementwise optimizer holds one tensor of them all; any other has one run, and holds its parameters.
    ``optimizer``: torch's, of these runs; ``whole``: the one that steps them. ``likeness``: equal where optimizers
    differ in their rates at most. ``decay``: of their weights alone, where the optimizer does not know these.
    """

    def __init__(self, recipe: Recipe, rows: slice, stack: Stack) -> None:
        self.rows, self.runs = rows, rows.stop - rows.start
        self.strengths, self.longest = recipe.regularizer.strengths, recipe.grad_clip
        self.schedule = recipe.schedule
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
        self.settings, self.decay = recipe.optimizer, 0.0
        if self.settings.elementwise and self.settings.spared:  # the tensor of all runs has weights and others
            self.settings, self.decay = self.settings.even(), self.settings.spared
            self.values, self.is_weight = values, stack.is_weight
        self.optimizer = self.whole = self.settings.build(self.parameters)
        others = self.settings.model_dump_json(exclude={"lr"})
        self.likeness: Hashable = others if self.settings.elementwise else rows.start
        self.base_rates = [part["lr"] for part in self.optimizer.param_groups]
        self.plateau = (
            ReduceLROnPlateau(
                self.optimizer,
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
        return float(self.optimizer.param_groups[0]["lr"])

    def set_rates(self, progress: float) -> None:
        """Those of the step to come."""
        if self.plateau is None:
            for part, lr in zip(self.optimizer.param_groups, self.base_rates, strict=True):
                part["lr"] = lr * self.schedule.factor(progress)

    def shrink(self) -> None:
        """The decay of weights alone."""
        self.values.mul_(1 - self.rate * self.decay * self.is_weight)

    def state_dict(self) -> dict[str, Any]:
        return {
            "optimizer": self.optimizer.state_dict(),
            "kept": kept(self.whole),
            "plateau": self.plateau.state_dict() if self.plateau else None,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(saved["optimizer"])
        device = self.parameters[0][1].device
        vars(self.optimizer).update(moved(saved.get("kept", {}), device))
        if self.plateau:
            self.plateau.load_state_dict(saved["plateau"])


def one_optimizer(groups: Sequence[Group]) -> torch.optim.Optimizer:
    """One that steps ``groups``, all of one likeness: it has the parameter groups and the state of theirs."""
    whole = groups[0].optimizer
    if len(groups) > 1:
        whole = groups[0].settings.build(groups[0].parameters)
        whole.param_groups = [part for group in groups for part in group.optimizer.param_groups]
        whole.state = defaultdict(dict, {p: group.optimizer.state[p] for group in groups for _, p in group.parameters})
        vars(whole).update(kept(groups[0].optimizer))
    for group in groups:
        group.whole = whole
    return whole


def has_modes(optimizer: torch.optim.Optimizer) -> bool:
    """Whether it asks to be told what comes next, a step or an evaluation."""
    return all(callable(getattr(optimizer, name, None)) for name in ("train", "eval"))


class Penalty:
    """The penalties of consecutive runs, those of ``groups``: all have an L1 part or none has, and so for L2."""

    def __init__(self, groups: Sequence[Group], stack: Stack) -> None:
        self.rows = slice(groups[0].rows.start, groups[-1].rows.stop)
        self.groups, self.is_weight = groups, stack.is_weight
        self.values, self.gradients = stack.flat[self.rows], stack.grad[self.rows]  # [runs, padded]
        self.has_l1, self.has_l2 = (any(group.strengths[part] for group in groups) for part in (0, 1))
        self.l1, self.l2 = (self._by_run([group.strengths[part] for group in groups]) for part in (0, 1))
        self.reach: list[float] = []  # of the last proximal step: rate · l1 of each group, and as a tensor
        # On a CPU it is kept: memory that is new each step costs more to touch.
        self.scratch = torch.empty_like(self.values) if self.values.device.type == "cpu" else None

    def _by_run(self, numbers: Sequence[float]) -> Tensor:
        """A number of each group, for its runs. [runs, 1]"""
        each = [number for number, group in zip(numbers, self.groups, strict=True) for _ in range(group.runs)]
        return torch.tensor(each, device=self.values.device).unsqueeze(1)

    def add(self) -> Tensor:
        """Add the derivative of the smooth part to the gradients; returns the penalty of each run, [runs]."""
        value = torch.zeros_like(self.l1[:, 0])
        weights = torch.mul(self.values, self.is_weight, out=self.scratch)
        if self.has_l1:
            value += self.l1[:, 0] * weights.abs_().sum(1)
        if self.has_l2:
            value += self.l2[:, 0] / 2 * weights.square_().sum(1)
            self.gradients += torch.mul(self.values, self.is_weight, out=self.scratch).mul_(self.l2)
        return value

    def shrink(self) -> None:
        """The proximal step of the other part."""
        if not self.has_l1:
            return
        reach = [group.rate * group.strengths[0] for group in self.groups]
        if reach != self.reach:  # else the device has it already
            self.reach, self.reaches = reach, self._by_run(reach)
        shrunk = torch.abs(self.values, out=self.scratch).addcmul_(self.is_weight, self.reaches, value=-1).clamp_min_(0)
        torch.copysign(shrunk, self.values, out=self.values)

"""Averages of the parameters over the steps, which are evaluated in their place (Polyak and Juditsky, 1992)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from study.engine.networks.stack import Stack


class Average:
    """Exponential moving averages of the runs of a stack, as ``torch.optim.swa_utils.AveragedModel`` has them.

    ``values``: [runs, padded], as ``stack.flat``. Buffers are those of the network as it is trained.
    """

    def __init__(self, decays: Tensor, stack: Stack) -> None:
        """``decays`` [runs]; 0: the parameters of a run are evaluated as they are."""
        self.weights, self.averages, self.stack = 1 - decays.unsqueeze(1), decays.unsqueeze(1) > 0, stack
        self.values = stack.flat.clone()
        self.has_begun = False

    def update(self) -> None:
        """After a step, of which the first is taken as it is."""
        if self.has_begun:
            self.values.lerp_(self.stack.flat, self.weights)
        else:
            self.values.copy_(self.stack.flat)
            self.has_begun = True

    def state_dict(self, rows: slice) -> Tensor:
        return self.values[rows].clone()

    def load_state_dict(self, rows: slice, saved: Tensor | None) -> None:
        """Go on from what ``state_dict`` gave after a step; None of runs that average nothing."""
        self.values[rows] = self.stack.flat[rows] if saved is None else saved.to(self.values.device)
        self.has_begun = True

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within the block the stack has the averages for parameters."""
        trained = self.stack.flat.clone()
        self.stack.flat.copy_(self.values.where(self.averages, trained))
        yield
        self.stack.flat.copy_(trained)

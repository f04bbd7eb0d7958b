"""Which runs of a pack have ended before their budget, and the parameters of their best evaluations."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from study.axes.training import EarlyStopping, Patience
from study.engine.networks.stack import Stack
from study.engine.record import Curve

STATE = ("ended", "best", "best_values")


class Stopping:
    """Watches each run by its rule. What has ended goes on in the stack, and nothing is read of it any more.

    ``ended`` [runs] bool; ``best`` [runs] int64: the row of its curve that is reported of a run; ``best_values``:
    the parameters of then, as ``stack.flat``.
    """

    def __init__(self, rules: Sequence[EarlyStopping], stack: Stack) -> None:
        self.rules, self.stack = rules, stack
        self.ended = torch.zeros(len(rules), dtype=torch.bool, device=stack.flat.device)
        self.best = torch.zeros(len(rules), dtype=torch.int64)
        self.best_values: Tensor = stack.flat.clone()

    def watch(self, curves: Sequence[Curve], running: Sequence[bool]) -> list[bool]:
        """The parameters in the stack were evaluated: the last rows of the curves of runs that are ``running``.

        Returns of which runs this is the best evaluation so far.
        """
        ended, better = self.ended.tolist(), [False] * len(self.rules)
        for r, (rule, curve) in enumerate(zip(self.rules, curves, strict=True)):
            if not running[r]:
                continue
            last = len(curve) - 1
            if isinstance(rule, Patience):
                sign = -1 if rule.metric.endswith("accuracy") else 1
                if last and sign * curve[last][rule.metric] >= sign * curve[int(self.best[r])][rule.metric]:
                    ended[r] = last - int(self.best[r]) >= rule.patience
                    continue
            self.best[r], better[r] = last, True
            self.best_values[r] = self.stack.flat[r]
        self.ended.copy_(torch.tensor(ended))
        return better

    def state_dict(self, rows: slice) -> dict[str, Tensor]:
        return {name: getattr(self, name)[rows].clone() for name in STATE}

    def load_state_dict(self, rows: slice, saved: dict[str, Tensor] | None) -> None:
        """Go on from what ``state_dict`` gave; None of runs whose pack had no rule."""
        for name, value in (saved or {}).items():
            getattr(self, name)[rows] = value.to(getattr(self, name).device)

"""Gradients that are longer than a run allows, scaled down to that norm (Pascanu et al., 2013)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from study.axes.recipe import Recipe
from study.engine.networks.stack import Stack

TINY = 1e-6  # added to norms, as torch.nn.utils.clip_grad_norm_ does


class Clipping:
    """Clips the gradients of a stack; that of a run is of its loss and the smooth part of its penalty."""

    def __init__(self, longest: Tensor, stack: Stack) -> None:
        """``longest`` [runs]: the largest norm that each may have; 0: any."""
        self.longest, self.clips, self.grad = longest, longest > 0, stack.grad

    @classmethod
    def of(cls, slices: Sequence[tuple[Recipe, slice]], stack: Stack) -> Clipping | None:
        """For recipes and the runs that follow each, in order; None where none clips."""
        each = [recipe.grad_clip for recipe, rows in slices for _ in range(rows.stop - rows.start)]
        return cls(torch.tensor(each, device=stack.grad.device), stack) if any(each) else None

    def clip(self) -> None:
        norms = torch.linalg.vector_norm(self.grad, dim=1)
        factors = (self.longest / (norms + TINY)).clamp(max=1).where(self.clips, 1.0)
        self.grad.mul_(factors.unsqueeze(1))

"""Dropout masks, each run's drawn from its own stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


class Masks:
    """Masks for layers by their name, of which ``shapes`` has the shape of one row; ``rates``: of every run."""

    def __init__(self, rates: Sequence[float], shapes: Mapping[str, torch.Size], device: torch.device | str) -> None:
        self.shapes, self.drops = dict(shapes), [rate > 0 for rate in rates]
        self.rates = torch.tensor(rates, device=device).unsqueeze(1)

    def __call__(self, rows: int, generators: Sequence[torch.Generator]) -> dict[str, Tensor]:
        """0 or 1 / (1 - rate) for so many rows: [runs, rows, *shape] by layer."""
        sizes = [rows * shape.numel() for shape in self.shapes.values()]
        noise = torch.ones(len(self.drops), sum(sizes), device=self.rates.device)
        for drops, row, generator in zip(self.drops, noise, generators, strict=True):
            if drops:
                row.uniform_(generator=generator)
        kept = noise.ge_(self.rates).div_(1 - self.rates)
        parts = zip(self.shapes.items(), torch.split(kept, sizes, dim=1), strict=True)
        return {name: part.view(-1, rows, *shape) for (name, shape), part in parts}

"""Training images changed at random, on their device, each run's by draws of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from study.axes.training import Augmentation, FlipCrop


def changes_images(augmentation: Augmentation) -> bool:
    return isinstance(augmentation, FlipCrop)


class Changes:
    """What becomes of the images of each run; those of a run without augmentation stay as they are, bit by bit."""

    def __init__(self, each: Sequence[Augmentation], shape: Sequence[int], device: torch.device | str) -> None:
        """``each``: that of every run; ``shape``: of one row. Raises ValueError where that is no image."""
        if len(shape) != 3:
            raise ValueError("augmentation needs images, and these rows are none; use augmentation: none")
        self.draw = [*map(changes_images, each)]
        padding = [one.padding if isinstance(one, FlipCrop) else 0 for one in each]
        flips = [isinstance(one, FlipCrop) and one.flip for one in each]
        self.padding = torch.tensor(padding, device=device).view(-1, 1)  # [runs, 1]
        self.flips = torch.tensor(flips, device=device).view(-1, 1)

    def draws(self, rows: int, generators: Sequence[torch.Generator]) -> Tensor:
        """Numbers in [0, 1) for so many rows of each run: [runs, rows, 3]."""
        drawn = torch.zeros(len(self.draw), rows, 3, device=self.padding.device)
        for own, draws, generator in zip(drawn, self.draw, generators, strict=True):
            if draws:
                own.uniform_(generator=generator)
        return drawn

    def __call__(self, x: Tensor, draws: Tensor) -> Tensor:
        """Images x [runs, rows, channels, height, width], shifted down, to the right, and mirrored, by ``draws``."""
        height, width = x.shape[-2:]
        choices = 2 * self.padding + 1
        down, right = ((draws[..., i] * choices).long().minimum(choices - 1) - self.padding for i in (0, 1))
        mirrored = (draws[..., 2:] < 0.5) & self.flips.unsqueeze(2)  # [runs, rows, 1]
        columns = torch.arange(width, device=x.device)
        ys = torch.arange(height, device=x.device) - down.unsqueeze(2)  # [runs, rows, height]: where each comes from
        xs = columns.flip(0).where(mirrored, columns) - right.unsqueeze(2)
        inside = ((ys >= 0) & (ys < height)).unsqueeze(3) & ((xs >= 0) & (xs < width)).unsqueeze(2)
        place = ys.clamp(0, height - 1).unsqueeze(3) * width + xs.clamp(0, width - 1).unsqueeze(2)
        index = place.flatten(2).unsqueeze(2).expand(-1, -1, x.shape[2], -1)
        return x.flatten(3).gather(3, index).view_as(x).where(inside.unsqueeze(2), 0.0)

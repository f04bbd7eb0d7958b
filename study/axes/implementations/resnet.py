"""A small residual network as torch modules; imported only when one is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

Layer = Callable[[], nn.Module]


def batch_norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels)


def group_norm(channels: int) -> nn.Module:
    """Groups of eight channels where they divide, else one (Wu and He, 2018)."""
    return nn.GroupNorm(channels // 8 if channels % 8 == 0 else 1, channels)


class Block(nn.Module):
    """Two convolutions and a shortcut (He et al., 2016, figure 2), for ``channels`` in and out; halved by a stride."""

    def __init__(
        self, channels: tuple[int, int], stride: int, norm: Callable[[int], nn.Module], layers: Sequence[Layer]
    ):
        super().__init__()
        width, out = channels
        activation, dropout = layers
        self.convolutions = nn.Sequential(
            nn.Conv2d(width, out, 3, stride, padding=1, bias=False),
            norm(out),
            activation(),
            dropout(),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            norm(out),
        )
        same = stride == 1 and width == out
        self.shortcut = nn.Identity() if same else nn.Conv2d(width, out, 1, stride, bias=False)
        self.after = nn.Sequential(activation(), dropout())

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.after(self.convolutions(x) + self.shortcut(x))
        return out


def resnet(
    shape: Sequence[int],
    outputs: int,
    channels: Sequence[int],
    blocks: int,
    norm: Callable[[int], nn.Module],
    layers: Sequence[Layer],
) -> nn.Module:
    """Images of ``shape`` through ``blocks`` at each of ``channels``, halved between; their mean, one affine layer."""
    stem = [nn.Conv2d(shape[0], channels[0], 3, padding=1, bias=False), norm(channels[0]), *(made() for made in layers)]
    body = [Block((channels[0], channels[0]), 1, norm, layers) for _ in range(blocks)]
    for width, out in pairwise(channels):
        body += [Block((out if i else width, out), 1 if i else 2, norm, layers) for i in range(blocks)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], outputs)]
    return nn.Sequential(*stem, *body, *head)

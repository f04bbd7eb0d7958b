"""A tiny transformer encoder as torch modules; imported only when one is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

Layer = Callable[[], nn.Module]


class Patches(nn.Module):
    """Images [rows, channels, height, width] as tokens [rows, patches, width], with learned positions.

    Dosovitskiy et al., 2021.
    """

    def __init__(self, shape: Sequence[int], patch: int, width: int) -> None:
        super().__init__()
        channels, height, across = shape
        self.embed = nn.Conv2d(channels, width, patch, patch)
        self.positions = nn.Parameter(0.02 * torch.randn(height // patch * (across // patch), width))

    def forward(self, x: Tensor) -> Tensor:
        embedded: Tensor = self.embed(x)
        return embedded.flatten(2).mT + self.positions


class Features(nn.Module):
    """Each of the features [rows, features] as a token: its value along a learned direction, from a learned origin.

    Gorishniy et al., 2021, "feature tokenizer".
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.randn(features, width) * width**-0.5)
        self.origins = nn.Parameter(torch.randn(features, width) * width**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(-1) * self.directions + self.origins


class Encoder(nn.Module):
    """Self-attention, then two affine layers on each token, both normalized before (Xiong et al., 2020) and added."""

    def __init__(self, width: int, heads: int, activation: Layer, dropout: Layer) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries = nn.Linear(width, 3 * width)  # and keys, and values
        self.project = nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), activation(), dropout(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        rows, tokens, width = x.shape
        parts = self.queries(self.before(x)).view(rows, tokens, 3, self.heads, width // self.heads)
        seen = scaled_dot_product_attention(*parts.permute(2, 0, 3, 1, 4))  # [rows, heads, tokens, width / heads]
        x = x + self.project(seen.transpose(1, 2).reshape(rows, tokens, width))
        out: Tensor = x + self.feed(self.between(x))
        return out


class Transformer(nn.Module):
    """Tokens through encoders; the mean of what becomes of them, normalized, through one affine layer."""

    def __init__(self, tokens: nn.Module, encoders: Sequence[nn.Module], width: int, outputs: int) -> None:
        super().__init__()
        self.tokens, self.encoders = tokens, nn.Sequential(*encoders)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.norm(self.encoders(self.tokens(x)).mean(1)))
        return out

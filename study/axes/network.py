"""Networks: plain ``nn.Sequential`` modules, built for the shape of the data.

``activation`` and ``dropout`` are called once per hidden layer; dropout follows every hidden activation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from study.axes.base import Axis, Choice, Count, whole
from study.axes.custom import Custom

if TYPE_CHECKING:
    from torch import nn

Layer = Callable[[], "nn.Module"]
Widths = Annotated[tuple[Count, ...], Field(strict=False, min_length=1)]


class Network(Choice):
    axis = Axis("The network.", "networks", shared=True, rated=True, step=whole)
    hidden_layers: ClassVar[bool] = True  # has activations that dropout can follow
    images_only: ClassVar[bool] = False

    @property
    def batch_statistics(self) -> bool:
        """Whether training needs at least two rows a batch."""
        return False

    def build(self, shape: Sequence[int], outputs: int, activation: Layer, dropout: Layer) -> nn.Module:
        """A module from rows of ``shape`` (without the batch dimension) to ``outputs`` values."""
        raise NotImplementedError


class Linear(Network):
    """One affine layer: softmax regression, or linear regression."""

    name: Literal["linear"] = "linear"
    hidden_layers = False

    def build(self, shape: Sequence[int], outputs: int, activation: Layer, dropout: Layer) -> nn.Module:
        from torch import nn

        return nn.Sequential(nn.Flatten(), nn.Linear(prod(shape), outputs))


class MLP(Network):
    """Fully connected layers of the widths in ``hidden``."""

    name: Literal["mlp"] = "mlp"
    hidden: Widths = (64, 64)

    def build(self, shape: Sequence[int], outputs: int, activation: Layer, dropout: Layer) -> nn.Module:
        from torch import nn

        layers: list[nn.Module] = [nn.Flatten()]
        width = prod(shape)
        for units in self.hidden:
            layers += [nn.Linear(width, units), activation(), dropout()]
            width = units
        return nn.Sequential(*layers, nn.Linear(width, outputs))


class ConvNet(Network):
    """Blocks of convolution, batch normalization, activation and 2 × 2 max pooling; then one affine layer.

    ``channels`` has one entry per block. Each block halves the image, rounding down.
    """

    name: Literal["convnet"] = "convnet"
    channels: Widths = (16, 32)
    kernel_size: Count = 3
    batch_norm: bool = True
    images_only = True

    @property
    def batch_statistics(self) -> bool:
        return self.batch_norm

    def build(self, shape: Sequence[int], outputs: int, activation: Layer, dropout: Layer) -> nn.Module:
        from torch import nn

        layers: list[nn.Module] = []
        channels, height, width = shape
        if min(height, width) >> len(self.channels) == 0:
            raise ValueError(f"convnet: an image of {height} × {width} cannot be halved {len(self.channels)} times")
        for units in self.channels:
            layers.append(nn.Conv2d(channels, units, self.kernel_size, padding="same"))
            if self.batch_norm:
                layers.append(nn.BatchNorm2d(units))
            layers += [activation(), dropout(), nn.MaxPool2d(2)]
            channels, height, width = units, height // 2, width // 2
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * height * width, outputs))


class ResNet(Network):
    """A stem and residual blocks, halving the image from one of ``channels`` to the next (He et al., 2016).

    ``blocks``: of two convolutions each, at every number of channels.
    """

    name: Literal["resnet"] = "resnet"
    channels: Widths = (16, 32)
    blocks: Count = 1
    norm: Literal["batch", "group"] = "batch"
    images_only = True

    @property
    def batch_statistics(self) -> bool:
        return self.norm == "batch"

    def build(self, shape: Sequence[int], outputs: int, activation: Layer, dropout: Layer) -> nn.Module:
        from study.axes.implementations.resnet import batch_norm, group_norm, resnet

        norm = batch_norm if self.norm == "batch" else group_norm
        return resnet(shape, outputs, self.channels, self.blocks, norm, (activation, dropout))


class Transformer(Network):
    """An encoder over patches of images (Dosovitskiy et al., 2021), or over features (Gorishniy et al., 2021).

    ``width`` of a token, in ``heads`` parts; ``depth`` encoders; ``patch``: pixels of its side.
    """

    name: Literal["transformer"] = "transformer"
    width: Count = 32
    depth: Count = 2
    heads: Count = 4
    patch: Count = 2

    def build(self, shape: Sequence[int], outputs: int, activation: Layer, dropout: Layer) -> nn.Module:
        from study.axes.implementations.transformer import Encoder, Features, Patches
        from study.axes.implementations.transformer import Transformer as Module

        if self.width % self.heads:
            raise ValueError(f"transformer: a width of {self.width} cannot be cut into {self.heads} heads")
        tokens = Patches(shape, self.patch, self.width) if len(shape) == 3 else Features(shape[0], self.width)
        encoders = [Encoder(self.width, self.heads, activation, dropout) for _ in range(self.depth)]
        return Module(tokens, encoders, self.width, outputs)


class CustomNetwork(Network, Custom):
    """Your own: ``factory(inputs, outputs, **settings)`` makes an ``nn.Module`` for rows of ``inputs``.

    ``inputs``: the number of features, or the shape of an image; ``outputs``: the number of classes, or 1. Activations
    are its own. Its ``nn.Dropout`` layers have the rate of the ``dropout`` axis.
    """

    name: Literal["custom"] = "custom"

    def build(self, shape: Sequence[int], outputs: int, activation: Layer, dropout: Layer) -> nn.Module:
        made: nn.Module = self.call(shape[0] if len(shape) == 1 else tuple(shape), outputs)
        return made

"""Networks: plain ``nn.Sequential`` modules, built for the shape of the data.

``activation`` and ``dropout`` are called once per hidden layer; dropout follows every hidden activation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from study.axes.base import Axis, Choice, whole
from study.axes.custom import Custom
from study.wording import counted

if TYPE_CHECKING:
    from torch import nn

Layer = Callable[[], "nn.Module"]
Width = Annotated[int, Field(ge=1, le=10_000_000)]
Widths = Annotated[tuple[Width, ...], Field(strict=False, min_length=1, max_length=1000)]
Few = Annotated[int, Field(ge=1, le=1000)]  # layers, heads, pixels of a side


class Network(Choice):
    axis = Axis("The network.", "networks", shared=True, rated=True, step=whole)
    hidden_layers: ClassVar[bool] = True  # has activations that dropout can follow
    images_only: ClassVar[bool] = False
    idle: ClassVar[tuple[str, ...]] = ()  # axes that change nothing in it

    @property
    def batch_statistics(self) -> bool:
        """Whether training needs at least two rows a batch."""
        return False

    def misfit(self, shape: Sequence[int]) -> str | None:
        """Why it cannot be built for rows of ``shape``, and what to give; None where it can."""
        return "needs images, and these rows are none; use 'mlp'" if self.images_only and len(shape) != 3 else None

    def build(self, shape: Sequence[int], outputs: int, activation: Layer, dropout: Layer) -> nn.Module:
        """A module from rows of ``shape`` (without the batch dimension) to ``outputs`` values."""
        raise NotImplementedError


class Linear(Network):
    """One affine layer: softmax regression, or linear regression."""

    name: Literal["linear"] = "linear"
    hidden_layers = False
    idle = ("activation",)

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
    kernel_size: Few = 3
    batch_norm: bool = True
    images_only = True

    @property
    def batch_statistics(self) -> bool:
        return self.batch_norm

    def misfit(self, shape: Sequence[int]) -> str | None:
        if not_images := super().misfit(shape):
            return not_images
        _, height, width = shape
        image, halvings = min(height, width), len(self.channels)
        if image >> halvings == 0:
            most = image.bit_length() - 1
            give = f"give {most} channels at most" if most else "use 'mlp'"
            return f"an image of {height} × {width} cannot be halved {counted(halvings, 'time')}; {give}"
        if self.kernel_size > image:
            words = f"a kernel of {self.kernel_size} is larger than an image of {height} × {width}"
            return f"{words}; give kernel_size: {min(3, image)}"
        return None

    def build(self, shape: Sequence[int], outputs: int, activation: Layer, dropout: Layer) -> nn.Module:
        from torch import nn

        layers: list[nn.Module] = []
        channels, height, width = shape
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
    blocks: Few = 1
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
    width: Width = 32
    depth: Few = 2
    heads: Few = 4
    patch: Few = 2

    def misfit(self, shape: Sequence[int]) -> str | None:
        if self.width % self.heads:
            nearest = -(-self.width // self.heads) * self.heads
            return f"a width of {self.width} cannot be cut into {self.heads} heads; give width: {nearest}"
        if len(shape) == 3 and (shape[1] % self.patch or shape[2] % self.patch):
            fitting = max(side for side in range(1, self.patch) if not (shape[1] % side or shape[2] % side))
            words = f"patches of {self.patch} × {self.patch} do not fill an image of {shape[1]} × {shape[2]}"
            return f"{words}; give patch: {fitting}"
        return None

    def build(self, shape: Sequence[int], outputs: int, activation: Layer, dropout: Layer) -> nn.Module:
        from study.axes.implementations.transformer import Encoder, Features, Patches
        from study.axes.implementations.transformer import Transformer as Module

        tokens = Patches(shape, self.patch, self.width) if len(shape) == 3 else Features(shape[0], self.width)
        encoders = [Encoder(self.width, self.heads, activation, dropout) for _ in range(self.depth)]
        return Module(tokens, encoders, self.width, outputs)


class CustomNetwork(Network, Custom):
    """Your own: ``factory(inputs, outputs, **settings)`` makes an ``nn.Module`` for rows of ``inputs``.

    ``inputs``: the number of features, or the shape of an image; ``outputs``: the number of classes, or 1. Activations
    are its own. Its ``nn.Dropout`` layers have the rate of the ``dropout`` axis.
    """

    name: Literal["custom"] = "custom"
    idle = ("activation",)

    def build(self, shape: Sequence[int], outputs: int, activation: Layer, dropout: Layer) -> nn.Module:
        made: nn.Module = self.call(shape[0] if len(shape) == 1 else tuple(shape), outputs)
        return made

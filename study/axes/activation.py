"""Activation functions: the nonlinearity after every hidden layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from study.axes.base import Axis, Choice, NonNegative, Positive, whole
from study.axes.custom import Custom

if TYPE_CHECKING:
    from torch import nn


class Activation(Choice):
    axis = Axis("The nonlinearity after every hidden layer.", "activations", shared=True, rated=True, step=whole)

    def build(self) -> nn.Module:
        """The activation as a module without parameters."""
        module: nn.Module = self.call()
        return module


class Identity(Activation):
    """No nonlinearity: a deep linear network."""

    name: Literal["identity"] = "identity"
    builder = "torch.nn.Identity"


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    name: Literal["sigmoid"] = "sigmoid"
    builder = "torch.nn.Sigmoid"


class Tanh(Activation):
    """Hyperbolic tangent."""

    name: Literal["tanh"] = "tanh"
    builder = "torch.nn.Tanh"


class ReLU(Activation):
    """max(0, x) (Nair and Hinton, 2010)."""

    name: Literal["relu"] = "relu"
    builder = "torch.nn.ReLU"


class LeakyReLU(Activation):
    """x where positive, a small slope elsewhere (Maas et al., 2013)."""

    name: Literal["leaky_relu"] = "leaky_relu"
    builder = "torch.nn.LeakyReLU"
    negative_slope: NonNegative = 0.01


class GELU(Activation):
    """x · Φ(x), exact (Hendrycks and Gimpel, 2016)."""

    name: Literal["gelu"] = "gelu"
    builder = "torch.nn.GELU"


class SiLU(Activation):
    """x · sigmoid(x), also called swish (Elfwing et al., 2018)."""

    name: Literal["silu"] = "silu"
    builder = "torch.nn.SiLU"


class ELU(Activation):
    """x where positive, alpha · (exp(x) - 1) elsewhere (Clevert et al., 2016)."""

    name: Literal["elu"] = "elu"
    builder = "torch.nn.ELU"
    alpha: Positive = 1.0


class CustomActivation(Activation, Custom):
    """Your own: ``factory(**settings)`` makes an ``nn.Module``, in which no element depends on another."""

    name: Literal["custom"] = "custom"

    def build(self) -> nn.Module:
        """Raises ValueError where elements depend on each other, or on parameters."""
        import torch

        made: nn.Module = self.call()
        if [*made.parameters()]:
            raise ValueError("it has parameters; make it part of a network of your own")
        x = torch.linspace(-2, 2, 256).view(4, 64)
        if not torch.allclose(made(x).flatten(), torch.cat([made(row.view(2, 2)).flatten() for row in x.view(64, 4)])):
            raise ValueError("an element depends on others; make it part of a network of your own")
        return made

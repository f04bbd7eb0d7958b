"""Initializations of the weights: parameters with two or more dimensions. Biases start at 0.

Sources: Glorot and Bengio (2010) for xavier, He et al. (2015) for he, Saxe et al. (2014) for
orthogonal, all as ``torch.nn.init`` implements them, with its defaults: he_* has gain √2 on fan_in, the others gain 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from study.axes.base import Axis, Choice

if TYPE_CHECKING:
    import torch


class Init(Choice):
    axis = Axis("How weights are drawn before training.", "initializations", rated=True)

    def fill(self, weight: torch.Tensor, generator: torch.Generator) -> None:
        """Overwrite ``weight`` [out, in, ...] in place, drawing from ``generator``."""
        self.call(weight, generator=generator)


class Default(Init):
    """Weights and biases as torch's layers make them; nothing is overwritten."""

    name: Literal["default"] = "default"


class Zeros(Init):
    """All weights 0: units of a layer stay equal, so little is learned."""

    name: Literal["zeros"] = "zeros"

    def fill(self, weight: torch.Tensor, generator: torch.Generator) -> None:
        weight.zero_()


class XavierUniform(Init):
    """Uniform, variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""

    name: Literal["xavier_uniform"] = "xavier_uniform"
    builder = "torch.nn.init.xavier_uniform_"


class XavierNormal(Init):
    """Normal, variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""

    name: Literal["xavier_normal"] = "xavier_normal"
    builder = "torch.nn.init.xavier_normal_"


class HeUniform(Init):
    """Uniform, variance 2 / fan_in (He et al., 2015)."""

    name: Literal["he_uniform"] = "he_uniform"
    builder = "torch.nn.init.kaiming_uniform_"


class HeNormal(Init):
    """Normal, variance 2 / fan_in (He et al., 2015)."""

    name: Literal["he_normal"] = "he_normal"
    builder = "torch.nn.init.kaiming_normal_"


class Orthogonal(Init):
    """Orthonormal rows or columns (Saxe et al., 2014)."""

    name: Literal["orthogonal"] = "orthogonal"
    builder = "torch.nn.init.orthogonal_"

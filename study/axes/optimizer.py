"""Optimizers: torch's own objects wherever torch has them, with torch's names for their settings."""

from __future__ import annotations

from collections.abc import Iterable
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from study.axes.base import Axis, Choice, Fraction, NonNegative, Positive, operations
from study.axes.custom import Custom

if TYPE_CHECKING:
    import torch

Parameters = Iterable[tuple[str, "torch.nn.Parameter"]]
Betas = Annotated[tuple[Fraction, Fraction], Field(strict=False)]


class Optimizer(Choice):
    """``elementwise``: what becomes of an element depends on no other. Then the runs of an arm are stepped as one.

    Its ``build`` gets a single tensor, [runs, parameters], which is faster. Any other optimizer is built for each run,
    of that run's own parameters.
    """

    axis = Axis("What takes a step from the gradient.", "optimizers", rated=True, step=operations)
    elementwise: ClassVar[bool] = False
    flags: ClassVar[tuple[str, ...]] = ()  # further arguments of the builder, which are True
    lr: Positive

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """An optimizer of ``parameters``: pairs of name and parameter, as ``torch.optim`` takes them."""
        made: torch.optim.Optimizer = self.call(parameters, **dict.fromkeys(self.flags, True))
        return made


class SGD(Optimizer):
    """Stochastic gradient descent (Robbins and Monro, 1951)."""

    name: Literal["sgd"] = "sgd"
    builder = "torch.optim.SGD"
    elementwise = True


class Momentum(Optimizer):
    """Heavy-ball momentum (Polyak, 1964), as torch.optim.SGD implements it."""

    name: Literal["momentum"] = "momentum"
    builder = "torch.optim.SGD"
    elementwise = True
    momentum: Fraction = 0.9


class Nesterov(Optimizer):
    """Nesterov's momentum (Nesterov, 1983; Sutskever et al., 2013)."""

    name: Literal["nesterov"] = "nesterov"
    builder = "torch.optim.SGD"
    flags = ("nesterov",)
    elementwise = True
    momentum: Annotated[float, Field(gt=0, lt=1)] = 0.9


class Adagrad(Optimizer):
    """Rates divided by the root of the sum of squared gradients (Duchi et al., 2011)."""

    name: Literal["adagrad"] = "adagrad"
    builder = "torch.optim.Adagrad"
    flags = ("fused",)
    elementwise = True
    lr_decay: NonNegative = 0.0
    eps: Positive = 1e-10


class RMSprop(Optimizer):
    """Rates divided by a running root mean square of the gradients (Tieleman and Hinton, 2012)."""

    name: Literal["rmsprop"] = "rmsprop"
    builder = "torch.optim.RMSprop"
    elementwise = True
    alpha: Fraction = 0.99
    eps: Positive = 1e-8
    momentum: Fraction = 0.0


class Adadelta(Optimizer):
    """Updates scaled by the running size of earlier updates (Zeiler, 2012); the paper's rate is 1."""

    name: Literal["adadelta"] = "adadelta"
    builder = "torch.optim.Adadelta"
    elementwise = True
    lr: Positive = 1.0
    rho: Fraction = 0.9
    eps: Positive = 1e-6


class Adam(Optimizer):
    """Adaptive moments (Kingma and Ba, 2015)."""

    name: Literal["adam"] = "adam"
    builder = "torch.optim.Adam"
    flags = ("fused",)
    elementwise = True
    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-8


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019).

    The decay acts on every parameter, biases too, as torch's AdamW does unless told otherwise.
    """

    name: Literal["adamw"] = "adamw"
    builder = "torch.optim.AdamW"
    flags = ("fused",)
    elementwise = True
    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-8
    weight_decay: NonNegative = 0.01


class NAdam(Optimizer):
    """Adam with Nesterov's momentum (Dozat, 2016)."""

    name: Literal["nadam"] = "nadam"
    builder = "torch.optim.NAdam"
    elementwise = True
    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-8
    momentum_decay: NonNegative = 0.004


class Lion(Optimizer):
    """The sign of an interpolated momentum (Chen et al., 2023, algorithm 2); torch has none."""

    name: Literal["lion"] = "lion"
    builder = "study.axes.lion.Lion"
    elementwise = True
    betas: Betas = (0.9, 0.99)
    weight_decay: NonNegative = 0.0


class CustomOptimizer(Optimizer, Custom):
    """Your own: ``factory(parameters, lr=…, **settings)`` makes a ``torch.optim.Optimizer`` of named parameters.

    It is made for each run, of that run's own parameters, unless what makes it says ``elementwise = True``.
    """

    name: Literal["custom"] = "custom"
    lr: Positive | None = None  # type: ignore[assignment]  # else a setting, or as its own default is

    @property
    def elementwise(self) -> bool:  # type: ignore[override]
        return bool(getattr(resolve_name(self.factory), "elementwise", False))

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        made: torch.optim.Optimizer = self.call(list(parameters), **{} if self.lr is None else {"lr": self.lr})
        return made

"""Optimizers: torch's own objects wherever torch has them, with torch's names for their settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from study.axes.base import Axis, Choice, Fraction, NonNegative, Positive, operations

if TYPE_CHECKING:
    import torch

Parameters = Iterable[tuple[str, "torch.nn.Parameter"]]
Betas = Annotated[tuple[Fraction, Fraction], Field(strict=False)]


class Optimizer(Choice):
    """``elementwise``: what becomes of an element depends on no other. Then the runs of an arm are stepped as one.

    Its ``build`` gets a single tensor, [runs, parameters], which is faster. Any other optimizer is built for each run,
    of that run's own parameters.
    """

    elementwise: ClassVar[bool] = False
    lr: Positive

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """An optimizer of ``parameters``: pairs of name and parameter, as ``torch.optim`` takes them."""
        raise NotImplementedError


OPTIMIZER = Axis("What takes a step from the gradient.", "optimizers", Optimizer, rated=True, step=operations)


class SGD(Optimizer):
    """Stochastic gradient descent (Robbins and Monro, 1951)."""

    name: Literal["sgd"] = "sgd"
    elementwise = True

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        from torch.optim import SGD

        return SGD(parameters, lr=self.lr)


class Momentum(Optimizer):
    """Heavy-ball momentum (Polyak, 1964), as torch.optim.SGD implements it."""

    name: Literal["momentum"] = "momentum"
    elementwise = True
    momentum: Fraction = 0.9

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        from torch.optim import SGD

        return SGD(parameters, lr=self.lr, momentum=self.momentum)


class Nesterov(Optimizer):
    """Nesterov's momentum (Nesterov, 1983; Sutskever et al., 2013)."""

    name: Literal["nesterov"] = "nesterov"
    elementwise = True
    momentum: Annotated[float, Field(gt=0, lt=1)] = 0.9

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        from torch.optim import SGD

        return SGD(parameters, lr=self.lr, momentum=self.momentum, nesterov=True)


class Adagrad(Optimizer):
    """Rates divided by the root of the sum of squared gradients (Duchi et al., 2011)."""

    name: Literal["adagrad"] = "adagrad"
    elementwise = True
    lr_decay: NonNegative = 0.0
    eps: Positive = 1e-10

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        from torch.optim import Adagrad

        return Adagrad(parameters, lr=self.lr, lr_decay=self.lr_decay, eps=self.eps, fused=True)


class RMSprop(Optimizer):
    """Rates divided by a running root mean square of the gradients (Tieleman and Hinton, 2012)."""

    name: Literal["rmsprop"] = "rmsprop"
    elementwise = True
    alpha: Fraction = 0.99
    eps: Positive = 1e-8
    momentum: Fraction = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        from torch.optim import RMSprop

        return RMSprop(parameters, lr=self.lr, alpha=self.alpha, eps=self.eps, momentum=self.momentum)


class Adadelta(Optimizer):
    """Updates scaled by the running size of earlier updates (Zeiler, 2012); the paper's rate is 1."""

    name: Literal["adadelta"] = "adadelta"
    elementwise = True
    lr: Positive = 1.0
    rho: Fraction = 0.9
    eps: Positive = 1e-6

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        from torch.optim import Adadelta

        return Adadelta(parameters, lr=self.lr, rho=self.rho, eps=self.eps)


class Adam(Optimizer):
    """Adaptive moments (Kingma and Ba, 2015)."""

    name: Literal["adam"] = "adam"
    elementwise = True
    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-8

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        from torch.optim import Adam

        return Adam(parameters, lr=self.lr, betas=self.betas, eps=self.eps, fused=True)


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019).

    The decay acts on every parameter, biases too, as torch's AdamW does unless told otherwise.
    """

    name: Literal["adamw"] = "adamw"
    elementwise = True
    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-8
    weight_decay: NonNegative = 0.01

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        from torch.optim import AdamW

        decay = self.weight_decay
        return AdamW(parameters, lr=self.lr, betas=self.betas, eps=self.eps, weight_decay=decay, fused=True)


class NAdam(Optimizer):
    """Adam with Nesterov's momentum (Dozat, 2016)."""

    name: Literal["nadam"] = "nadam"
    elementwise = True
    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-8
    momentum_decay: NonNegative = 0.004

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        from torch.optim import NAdam

        return NAdam(parameters, lr=self.lr, betas=self.betas, eps=self.eps, momentum_decay=self.momentum_decay)


class Lion(Optimizer):
    """The sign of an interpolated momentum (Chen et al., 2023, algorithm 2); torch has none."""

    name: Literal["lion"] = "lion"
    elementwise = True
    betas: Betas = (0.9, 0.99)
    weight_decay: NonNegative = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        from study.axes.lion import Lion

        return Lion(parameters, lr=self.lr, betas=self.betas, weight_decay=self.weight_decay)

"""Optimizers: torch's own objects wherever torch has them, with torch's names for their settings."""

from __future__ import annotations

from collections.abc import Iterable
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from study.axes.base import LARGEST, Axis, Choice, Fraction, NonNegative, Positive, operations

if TYPE_CHECKING:
    import torch

Parameters = Iterable[tuple[str, "torch.nn.Parameter"]]
Betas = Annotated[tuple[Fraction, Fraction], Field(strict=False)]
Shrink = Annotated[float, Field(gt=0, lt=1)]
Grow = Annotated[float, Field(gt=1, le=LARGEST, allow_inf_nan=False)]
Decay = Literal["all", "weights"]  # what weight_decay acts on; biases and norms are no weights


class Optimizer(Choice):
    """``elementwise``: what becomes of an element depends on no other. Then the runs of an arm are stepped as one.

    Its ``build`` gets a single tensor, [runs, parameters], which is faster. Any other optimizer is built for each run,
    of that run's own parameters. ``again``: its step takes a closure, which evaluates the loss and its gradient again,
    on the same batch with the same masks. Runs of such are trained one at a time.
    """

    axis = Axis("What takes a step from the gradient.", "optimizers", rated=True, step=operations)
    elementwise: ClassVar[bool] = False
    again: ClassVar[bool] = False
    flags: ClassVar[tuple[str, ...]] = ()  # further arguments of the builder, which are True
    fused: ClassVar[tuple[str, ...]] = ()  # devices on which torch has one kernel for all of its step
    lr: Positive

    @property
    def hidden_only(self) -> bool:
        """Whether it is for the matrices of hidden layers, and there must be some."""
        return False

    @property
    def spared(self) -> float:
        """The decay that weights alone have, which are of two or more dimensions; 0 where all parameters have one."""
        return float(getattr(self, "weight_decay", 0.0)) if getattr(self, "decay", "all") == "weights" else 0.0

    def even(self) -> Self:
        """The same without the decay that weights alone have."""
        return self.model_copy(update={"decay": "all", "weight_decay": 0.0}) if self.spared else self

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """An optimizer of ``parameters``: pairs of name and parameter, as ``torch.optim`` takes them."""
        parameters = list(parameters)
        settings = self.model_dump(exclude={"name", "decay"}) | dict.fromkeys(self.flags, True)
        settings |= {"fused": True} if parameters[0][1].device.type in self.fused else {}
        made: torch.optim.Optimizer = resolve_name(self.builder)(self.grouped(parameters), **settings)
        return made

    def grouped(self, parameters: Parameters) -> Parameters | list[dict[str, Any]]:
        """``parameters``, in groups where some of them have no decay."""
        if not self.spared:
            return parameters
        weights, others = ([each for each in parameters if (each[1].dim() >= 2) is kind] for kind in (True, False))
        sides: list[dict[str, Any]] = [{"params": weights}, {"params": others, "weight_decay": 0.0}]
        return [side for side in sides if side["params"]]


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
    fused = ("cpu",)
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
    fused = ("cpu", "cuda")
    elementwise = True
    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-8


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019), of biases and norms too unless told otherwise."""

    name: Literal["adamw"] = "adamw"
    builder = "torch.optim.AdamW"
    fused = ("cpu", "cuda")
    elementwise = True
    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-8
    weight_decay: NonNegative = 0.01
    decay: Decay = "all"


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
    builder = "study.axes.implementations.lion.Lion"
    elementwise = True
    betas: Betas = (0.9, 0.99)
    weight_decay: NonNegative = 0.0
    decay: Decay = "all"


class RAdam(Optimizer):
    """Adam with the variance of its early rates rectified (Liu et al., 2020)."""

    name: Literal["radam"] = "radam"
    builder = "torch.optim.RAdam"
    elementwise = True
    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-8


class Adamax(Optimizer):
    """Adam by the largest gradient in place of the second moment (Kingma and Ba, 2015, section 7)."""

    name: Literal["adamax"] = "adamax"
    builder = "torch.optim.Adamax"
    elementwise = True
    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-8


class Rprop(Optimizer):
    """Steps by the sign of the gradient alone (Riedmiller and Braun, 1993); ``lr`` is the first, schedules change none.

    It is meant for full batches.
    """

    name: Literal["rprop"] = "rprop"
    builder = "torch.optim.Rprop"
    elementwise = True
    etas: Annotated[tuple[Shrink, Grow], Field(strict=False)] = (0.5, 1.2)
    step_sizes: Annotated[tuple[Positive, Positive], Field(strict=False)] = (1e-6, 50.0)

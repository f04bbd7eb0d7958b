"""Optimizers: torch's own objects wherever torch has them, with torch's names for their settings."""

from __future__ import annotations

from collections.abc import Iterable
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from study.axes.base import LARGEST, Axis, Choice, Count, Fraction, NonNegative, Positive, operations
from study.axes.custom import Custom

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


class Adafactor(Optimizer):
    """Second moments by rows and columns (Shazeer and Stern, 2018); the rate of step t is at most 1/√t.

    It is relative to the root mean square of the parameters.
    """

    name: Literal["adafactor"] = "adafactor"
    builder = "torch.optim.Adafactor"
    beta2_decay: Annotated[float, Field(lt=0, allow_inf_nan=False)] = -0.8
    d: Annotated[float, Field(ge=1, le=LARGEST, allow_inf_nan=False)] = 1.0
    weight_decay: NonNegative = 0.0
    decay: Decay = "all"


class Muon(Optimizer):
    """Momentum of the matrices of hidden layers, orthogonalized (Jordan et al., 2024); AdamW for all other parameters.

    The output layer (the last matrix) and what is called an embedding, a token or a position are AdamW's too, unless
    ``matrices: all``. Convolutions are matrices [outputs, inputs · height · width]. The schedule acts on both rates.
    """

    name: Literal["muon"] = "muon"
    builder = "study.axes.implementations.muon.Muon"
    costly = ("ns_steps",)
    weight_decay: NonNegative = 0.1
    decay: Decay = "all"
    momentum: Fraction = 0.95
    nesterov: bool = True
    ns_steps: Annotated[int, Field(ge=1, lt=100)] = 5
    adjust_lr_fn: Literal["original", "match_rms_adamw"] = "original"
    matrices: Literal["hidden", "all"] = "hidden"
    adamw_lr: Positive = 1e-3
    adamw_betas: Betas = (0.9, 0.999)
    adamw_eps: Positive = 1e-8
    adamw_weight_decay: NonNegative = 0.01

    @property
    def hidden_only(self) -> bool:
        return self.matrices == "hidden"

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        made: torch.optim.Optimizer = self.call(parameters)
        return made


class LBFGS(Optimizer):
    """Limited-memory BFGS (Liu and Nocedal, 1989); a step makes up to max_iter iterations on its batch.

    Its runs are trained one at a time. Use large batches: differences of gradients of two batches are no curvature.
    """

    name: Literal["lbfgs"] = "lbfgs"
    builder = "torch.optim.LBFGS"
    again = True
    costly = ("max_iter", "history_size")
    lr: Positive = 1.0
    max_iter: Count = 20
    history_size: Count = 100
    tolerance_grad: NonNegative = 1e-7
    tolerance_change: NonNegative = 1e-9
    line_search_fn: Literal["strong_wolfe", "none"] = "strong_wolfe"  # torch's default, none, soon diverges on batches

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        settings = self.model_dump(exclude={"name", "line_search_fn"})
        search = None if self.line_search_fn == "none" else self.line_search_fn
        made: torch.optim.Optimizer = resolve_name(self.builder)(parameters, **settings, line_search_fn=search)
        return made


class CustomOptimizer(Optimizer, Custom):
    """Your own: ``factory(parameters, lr=…, **settings)`` makes a ``torch.optim.Optimizer`` of named parameters.

    It is made for each run, of that run's own parameters, unless what makes it says ``elementwise = True``.
    ``closure``: whether its step takes one (see ``Optimizer``).
    """

    name: Literal["custom"] = "custom"
    lr: Positive | None = None  # type: ignore[assignment]  # else a setting, or as its own default is
    closure: bool = False

    @property
    def elementwise(self) -> bool:  # type: ignore[override]
        return bool(getattr(resolve_name(self.factory), "elementwise", False))

    @property
    def again(self) -> bool:  # type: ignore[override]
        return self.closure

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        made: torch.optim.Optimizer = self.call(list(parameters), **{} if self.lr is None else {"lr": self.lr})
        return made

"""Optimizers that are built for each run: they see the shapes of its parameters, evaluate its loss again, or are one's
own.
"""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from study.axes.base import LARGEST, Count, Fraction, NonNegative, Positive
from study.axes.custom import Custom
from study.axes.optimizer import Betas, Decay, Optimizer, Parameters

if TYPE_CHECKING:
    import torch


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

"""What can be varied: one module per axis, one class per choice.

A class that derives from its axis and has a ``name`` is known everywhere: to study files, the JSON Schema,
the registry tests. There is nothing to register.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field

from study.axes.activation import Activation
from study.axes.choice import Choice, Count, Fraction
from study.axes.dataset import Dataset
from study.axes.init import Init
from study.axes.network import Network
from study.axes.optimizer import Optimizer
from study.axes.regularizer import Regularizer
from study.axes.schedule import Schedule

__all__ = [
    "AXES", "CHOICES", "NUMBERS", "Activation", "AnyActivation", "AnyDataset", "AnyInit", "AnyNetwork", "AnyOptimizer",
    "AnyRegularizer", "AnySchedule", "Choice", "Count", "Dataset", "Fraction", "Init", "Network", "Optimizer",
    "Regularizer", "Schedule",
]  # fmt: skip

CHOICES: dict[str, type[Choice]] = {
    "dataset": Dataset,
    "network": Network,
    "activation": Activation,
    "init": Init,
    "optimizer": Optimizer,
    "schedule": Schedule,
    "regularizer": Regularizer,
}
NUMBERS: dict[str, Any] = {"dropout": Fraction, "batch_size": Count, "epochs": Count, "gpus": Count}
AXES = (
    "dataset",
    "network",
    "activation",
    "init",
    "dropout",
    "optimizer",
    "schedule",
    "regularizer",
    "batch_size",
    "epochs",
    "gpus",
)  # fmt: skip

if TYPE_CHECKING:
    AnyDataset = Dataset
    AnyNetwork = Network
    AnyActivation = Activation
    AnyInit = Init
    AnyOptimizer = Optimizer
    AnySchedule = Schedule
    AnyRegularizer = Regularizer
else:

    def tagged(axis: type[Choice]) -> Any:
        """All choices of an axis as one union, told apart by ``name``."""
        return Annotated[Union[tuple(axis.choices().values())], Field(discriminator="name")]  # noqa: UP007

    AnyDataset = tagged(Dataset)
    AnyNetwork = tagged(Network)
    AnyActivation = tagged(Activation)
    AnyInit = tagged(Init)
    AnyOptimizer = tagged(Optimizer)
    AnySchedule = tagged(Schedule)
    AnyRegularizer = tagged(Regularizer)

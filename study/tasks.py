"""What is learned: a task owns its loss, its scores, the outputs of a network, and what becomes of the target.

A class with a ``name`` is a task that datasets may have; there is nothing to register.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


class Task:
    """One kind of target. The loss of a run is the mean of ``losses`` over its rows, in ``unit``."""

    name: ClassVar[str]
    unit: ClassVar[str]  # of the loss
    classes: ClassVar[bool] = False  # the target is a class code: a split is stratified by it, a row right or wrong

    def outputs(self, classes: int) -> int:
        """How many values a network gives for a row; ``classes``: 0 where the target has none."""
        return 1

    def scaled(self, target: np.ndarray, train: np.ndarray) -> np.ndarray:
        """The ``target`` [rows] as the loss wants it; ``train`` [rows] bool: the training rows, which alone are used.

        Raises ValueError where nothing can be learned from it.
        """
        raise NotImplementedError

    def losses(self, outputs: Tensor, target: Tensor) -> Tensor:
        """The loss of every row: outputs [runs, rows, outputs], target [runs · rows] → [runs, rows] in ``unit``."""
        raise NotImplementedError

    def correct(self, outputs: Tensor, target: Tensor) -> Tensor:
        """How many rows of each run are right, [runs], where there are ``classes``. Shapes as in ``losses``."""
        raise NotImplementedError


class Classification(Task):
    """Softmax and cross-entropy."""

    name = "classification"
    unit = "nats"
    classes = True

    def outputs(self, classes: int) -> int:
        return classes

    def scaled(self, target: np.ndarray, train: np.ndarray) -> np.ndarray:
        return target.astype("int64")

    def losses(self, outputs: Tensor, target: Tensor) -> Tensor:
        from study.engine.layers import cross_entropy

        return cross_entropy(outputs, target)

    def correct(self, outputs: Tensor, target: Tensor) -> Tensor:
        return (outputs.argmax(2) == target.view(len(outputs), -1)).sum(1)


class Regression(Task):
    """Squared errors of a target that the mean and deviation of the training rows have standardized."""

    name = "regression"
    unit = "squared error"

    def scaled(self, target: np.ndarray, train: np.ndarray) -> np.ndarray:
        known = target[train]
        if known.min() == known.max():
            raise ValueError("the target has one value only")
        standard: np.ndarray = ((target - known.mean()) / known.std()).astype("float32")
        return standard

    def losses(self, outputs: Tensor, target: Tensor) -> Tensor:
        return (outputs.flatten() - target).square().view_as(outputs[..., 0])


TASKS: dict[str, Task] = {kind.name: kind() for kind in Task.__subclasses__()}

if TYPE_CHECKING:
    TaskName = str
else:
    TaskName = Literal[tuple(TASKS)]  # what a study file may say

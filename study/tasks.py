"""What is learned: a task owns its loss, its scores, the outputs of a network, and what becomes of the target.

A class with a ``name`` is a task that datasets may have; there is nothing to register.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


REGISTER = 16  # floats in the widest vector register: rows are filled up to whole ones, which all are computed alike


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

    def smoothed(self, outputs: Tensor, target: Tensor, smoothing: Tensor) -> Tensor:
        """As ``losses``, of labels of which a share is spread evenly over all classes: ``smoothing`` [runs].

        Raises ValueError where there are no ``classes``.
        """
        raise ValueError(f"a {self.name} has no labels to smooth; use label_smoothing 0")

    def right(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Where there are ``classes``, which rows are right: [runs, rows] bool. Shapes as in ``losses``."""
        raise NotImplementedError

    def tally(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Where there are ``classes``, how many rows of each are right, are taken for it, and are there.

        [runs, 3, classes] int64, to be added up over the rows of a split. Shapes as in ``losses``.
        """
        raise NotImplementedError

    def scores(self, tally: Tensor) -> dict[str, Tensor]:
        """What is told of a split beside its loss, by the end of a column's name; of the sum of its tallies. [runs]"""
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

    def smoothed(self, outputs: Tensor, target: Tensor, smoothing: Tensor) -> Tensor:
        """As in ``Task`` (Szegedy et al., 2016); where ``smoothing`` is 0, with the bits of ``losses``."""
        return self.losses(outputs, target, smoothing.unsqueeze(1))

    def losses(self, outputs: Tensor, target: Tensor, share: Tensor | None = None) -> Tensor:
        """As in ``Task``, with the bits of ``torch.nn.functional.cross_entropy``.

        On a CPU torch takes the classes of a row one by one where they do not fill a vector register. Then the rows
        stand side by side here, a register of them at a time, which is much faster (benchmarks/README.md).
        ``share`` [runs, 1]: of each label that is spread over all classes.
        """
        from torch import Tensor
        from torch.backends.cpu import get_cpu_capability
        from torch.nn.functional import log_softmax, nll_loss, pad

        runs, rows, classes = outputs.shape
        register = REGISTER if get_cpu_capability() == "AVX512" else REGISTER // 2
        if outputs.device.type != "cpu" or classes >= register:
            scores = log_softmax(outputs.flatten(0, 1), 1)
            losses = nll_loss(scores, target, reduction="none").view(runs, rows)
            even = None if share is None else scores.mean(1).neg().view(runs, rows)
        else:
            if outputs.requires_grad:  # its rows come side by side, which layers would multiply by other kernels
                outputs.register_hook(Tensor.contiguous)  # type: ignore[no-untyped-call]
            scores = log_softmax(pad(outputs.mT, [0, -rows % REGISTER]).contiguous(), 1)
            losses = scores[..., :rows].gather(1, target.view(runs, 1, rows)).squeeze(1).neg()
            even = None if share is None else scores.mean(1)[:, :rows].neg()
        if share is None or even is None:
            return losses
        return ((1 - share) * losses + share * even).where(share > 0, losses)

    def right(self, outputs: Tensor, target: Tensor) -> Tensor:
        return outputs.argmax(2) == target.view(len(outputs), -1)

    def tally(self, outputs: Tensor, target: Tensor) -> Tensor:
        taken, there = outputs.argmax(2), target.view(len(outputs), -1)  # of equal outputs the first counts
        counts = taken.new_zeros(len(outputs), 3, outputs.shape[2])
        one = counts.new_ones(()).expand_as(there)
        counts[:, 0].scatter_add_(1, there, (taken == there).long())
        counts[:, 1].scatter_add_(1, taken, one)
        counts[:, 2].scatter_add_(1, there, one)
        return counts

    def scores(self, tally: Tensor) -> dict[str, Tensor]:
        """Accuracy; the mean recall of the classes that are there (scikit-learn: balanced_accuracy_score), and the mean
        F1 of those that are there or were taken for it (f1_score, average="macro").
        """
        right, taken, there = tally.double().unbind(1)
        either = (taken + there).clamp(min=1)
        return {
            "accuracy": right.sum(1) / there.sum(1),
            "balanced_accuracy": (right / there.clamp(min=1)).sum(1) / (there > 0).sum(1),
            "macro_f1": (2 * right / either).sum(1) / (taken + there > 0).sum(1),
        }


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

"""Early stopping: a run ends before its budget, and keeps the parameters of its best evaluation (Prechelt, 1998)."""

from __future__ import annotations

from typing import Literal

from study.axes.base import Axis, Choice, Count


class EarlyStopping(Choice):
    axis = Axis("Whether a run ends before its budget.", "rules of early stopping")


class Never(EarlyStopping):
    """It does not, and the last parameters count."""

    name: Literal["none"] = "none"


class Patience(EarlyStopping):
    """After so many evaluations in a row none of which is the best so far in ``metric``.

    What is reported of the run is of its best evaluation, that before training included, whether or not it ended early.
    """

    name: Literal["patience"] = "patience"
    patience: Count = 5
    metric: Literal["val_loss", "val_accuracy"] = "val_loss"

"""How a run is trained, besides its optimizer: where it begins, when it ends, when it is evaluated, on what."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from study.axes.base import Axis, Choice, Count, operations, whole


class EarlyStopping(Choice):
    axis = Axis("Whether a run ends before its budget.", "rules of early stopping", length="run")


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


class Start(Choice):
    axis = Axis(
        "Where the parameters come from that training begins with.", "starts", shared=True, rated=True,
        untunable="is what training begins with, the same for every candidate; take it out",
    )  # fmt: skip

    @property
    def before(self) -> dict[str, Any] | None:
        """What differs, axis by axis, in what is trained before; None where nothing is."""
        return None


class Afresh(Start):
    """Initial parameters."""

    name: Literal["afresh"] = "afresh"


class Warm(Start):
    """Those of the run of the same arm and seed over ``epochs``, on ``train_share`` (Ash and Adams, 2020).

    The last parameters and buffers are taken over, without early stopping or averaging; the optimizer begins anew.
    Steps of before count in no budget.
    """

    name: Literal["warm"] = "warm"
    epochs: Count = 10
    train_share: Annotated[float, Field(gt=0, le=1)] = 0.5

    @property
    def before(self) -> dict[str, Any] | None:
        budget = {"epochs": self.epochs, "steps": None, "train_share": self.train_share}
        return budget | {"early_stopping": Never(), "ema": 0.0, "start": Afresh()}


class Evaluation(Choice):
    axis = Axis(
        "When runs are evaluated, besides before training and at its end.", "evaluation intervals", shared=True,
        untunable="changes no result; take it out",
    )  # fmt: skip

    def every(self, epoch: int) -> int:
        """Steps between two evaluations; ``epoch``: steps of one."""
        return epoch

    @property
    def interval(self) -> str:
        """For people: ``epoch``, ``100 steps``."""
        return self.name


class EachEpoch(Evaluation):
    """After every epoch."""

    name: Literal["epoch"] = "epoch"


class EachSteps(Evaluation):
    """After so many steps: `evaluate: {steps: 100}`."""

    name: Literal["steps"] = "steps"
    short = "steps"
    steps: Count = 100

    def every(self, epoch: int) -> int:
        return self.steps

    @property
    def interval(self) -> str:
        return f"{self.steps} steps" if self.steps > 1 else "step"


class Augmentation(Choice):
    axis = Axis("How training images are changed at random.", "augmentations", rated=True, step=operations)


class NoAugmentation(Augmentation):
    """They are not."""

    name: Literal["none"] = "none"


class FlipCrop(Augmentation):
    """Shifted by up to ``padding`` pixels each way, zeros moving in, and half of them mirrored (He et al., 2016)."""

    name: Literal["flip_crop"] = "flip_crop"
    padding: Annotated[int, Field(ge=0, le=1000)] = 4
    flip: bool = True


class Precision(Choice):
    axis = Axis("What products are computed in.", "precisions", shared=True, step=whole)


class Float32(Precision):
    """Everything in float32 (on GPUs in TF32 where `tf32` says so)."""

    name: Literal["float32"] = "float32"


class BFloat16(Precision):
    """Products of matrices and convolutions with 8 bits of mantissa (torch.autocast); all else in float32."""

    name: Literal["bfloat16"] = "bfloat16"

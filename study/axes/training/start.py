"""Where the parameters come from that training begins with, beside their initialization."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from study.axes.base import Axis, Choice, Count
from study.axes.training.early_stopping import Never


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
        whole = {"early_stopping": Never(), "ema": 0.0, "start": Afresh()}
        return {"epochs": self.epochs, "steps": None, "train_share": self.train_share} | whole

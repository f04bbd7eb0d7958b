"""The validation level from which on a run counts as converged."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator


class Target(BaseModel):
    """The validation level that counts as converged."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    metric: Annotated[Literal["val_accuracy", "val_loss"], Field(description="The level is of this metric.")]
    value: Annotated[float, Field(allow_inf_nan=False, description="The level; an accuracy is a fraction.")]

    @field_validator("value")
    @classmethod
    def within_reach(cls, value: float, info: ValidationInfo) -> float:
        if info.data.get("metric") == "val_accuracy" and not 0 < value <= 1:
            raise ValueError("an accuracy is a fraction: give a number above 0 and at most 1")
        if info.data.get("metric") == "val_loss" and value <= 0:
            raise ValueError("no run can have such a loss: give a number above 0")
        return value

    def __str__(self) -> str:
        return f"{self.metric} {self.value:g}"

    def met(self, level: Any) -> Any:
        """Whether ``level`` is at or past the target, above for accuracies, else below: a number, None or an array."""
        if level is None:
            return False
        return level >= self.value if self.metric == "val_accuracy" else level <= self.value

"""Penalties on the weights (parameters with two or more dimensions), added to the mean loss as a sum.

A penalty has a smooth part ``l2 / 2 · Σ w²``, differentiated with the loss, and ``l1 · Σ |w|``, applied
as a proximal step after the optimizer's (soft thresholding by rate · l1; Parikh and Boyd, 2014): by
subgradients a weight would oscillate around zero and never reach it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from study.axes.base import Axis, Choice, NonNegative, operations


class Regularizer(Choice):
    axis = Axis("A penalty on the weights.", "regularizers", rated=True, step=operations)

    @property
    def strengths(self) -> tuple[float, float]:
        """Of ``l1`` and ``l2``."""
        return 0.0, 0.0


class NoPenalty(Regularizer):
    """No penalty."""

    name: Literal["none"] = "none"


class L1(Regularizer):
    """strength · Σ |w| (lasso; Tibshirani, 1996)."""

    name: Literal["l1"] = "l1"
    strength: NonNegative = 1e-4

    @property
    def strengths(self) -> tuple[float, float]:
        return self.strength, 0.0


class L2(Regularizer):
    """strength / 2 · Σ w² (ridge)."""

    name: Literal["l2"] = "l2"
    strength: NonNegative = 1e-4

    @property
    def strengths(self) -> tuple[float, float]:
        return 0.0, self.strength


class ElasticNet(Regularizer):
    """strength · (l1_ratio · Σ |w| + (1 - l1_ratio) / 2 · Σ w²) (Zou and Hastie, 2005)."""

    name: Literal["elastic_net"] = "elastic_net"
    strength: NonNegative = 1e-4
    l1_ratio: Annotated[float, Field(ge=0, le=1)] = 0.5

    @property
    def strengths(self) -> tuple[float, float]:
        return self.strength * self.l1_ratio, self.strength * (1 - self.l1_ratio)

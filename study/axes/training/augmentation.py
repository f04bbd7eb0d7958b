"""Augmentation: training images changed at random whenever they are met."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from study.axes.base import Axis, Choice, operations


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

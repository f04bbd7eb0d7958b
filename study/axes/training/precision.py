"""The precision of products: everything in float32, or products of matrices and convolutions in bfloat16."""

from __future__ import annotations

from typing import Literal

from study.axes.base import Axis, Choice, whole


class Precision(Choice):
    axis = Axis("What products are computed in.", "precisions", shared=True, step=whole)


class Float32(Precision):
    """Everything in float32 (on GPUs in TF32 where `tf32` says so)."""

    name: Literal["float32"] = "float32"


class BFloat16(Precision):
    """Products of matrices and convolutions with 8 bits of mantissa (torch.autocast); all else in float32."""

    name: Literal["bfloat16"] = "bfloat16"

"""Layers as torch computes them, but so that a run's numbers are those of the run alone; and some of them faster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d, max_pool2d, pad

ROWS = 16  # floats in 64 bytes: matrices with that many rows keep the alignment of the first, whatever their width


class MaskedDropout(nn.Module):
    """Inverted dropout (Srivastava et al., 2014) whose mask is handed in.

    ``mask`` holds 0 or 1 / (1 - rate) for each element of the input; outside training, and until a mask
    is handed in, nothing is dropped or computed. ``shape``: of the mask of one row of its latest input; ``whole``
    channels are dropped as one. ``made_with``: the rate that a person's own layer had, in whose place this is.
    """

    mask: Tensor

    def __init__(self, whole: bool = False, made_with: float = 0.0) -> None:
        super().__init__()
        self.whole, self.made_with = whole, made_with
        self.register_buffer("mask", torch.ones(()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        self.shape = torch.Size([x.shape[1], *[1] * (x.dim() - 2)]) if self.whole else x.shape[1:]
        return x * self.mask if self.training and self.mask.dim() else x


class Masks:
    """Masks for layers by their name, of which ``shapes`` has the shape of one row; ``rates``: of every run."""

    def __init__(self, rates: Sequence[float], shapes: Mapping[str, torch.Size], device: torch.device | str) -> None:
        self.shapes, self.drops = dict(shapes), [rate > 0 for rate in rates]
        self.rates = torch.tensor(rates, device=device).unsqueeze(1)

    def __call__(self, rows: int, generators: Sequence[torch.Generator]) -> dict[str, Tensor]:
        """0 or 1 / (1 - rate) for so many rows: [runs, rows, *shape] by layer."""
        sizes = [rows * shape.numel() for shape in self.shapes.values()]
        noise = torch.ones(len(self.drops), sum(sizes), device=self.rates.device)
        for drops, row, generator in zip(self.drops, noise, generators, strict=True):
            if drops:
                row.uniform_(generator=generator)
        kept = noise.ge_(self.rates).div_(1 - self.rates)
        parts = zip(self.shapes.items(), torch.split(kept, sizes, dim=1), strict=True)
        return {name: part.view(-1, rows, *shape) for (name, shape), part in parts}


def kept_buffers(module: nn.Module) -> list[str]:
    """The names of what a network keeps between steps beside its parameters: no masks, which are handed in."""
    masks = {f"{name}.mask" for name, layer in module.named_modules() if isinstance(layer, MaskedDropout)}
    return [name for name, _ in module.named_buffers() if name not in masks]


class Aligned(nn.Module):
    """An elementwise module whose result does not depend on where an element lies in memory.

    torch computes the last elements of a tensor, those that do not fill a vector register, by scalar code
    that rounds differently (seen for sigmoid, silu, elu and gelu). Whole registers only: 64 floats, no gaps.
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        if isinstance(inner, nn.ReLU):  # its derivative needs its result only, which takes the place of its input
            inner.inplace = True

    def forward(self, x: Tensor) -> Tensor:
        n = x.numel()
        if n % 64 == 0 and x.is_contiguous():
            out: Tensor = self.inner(x)
            return out
        flat = pad(x.reshape(-1), (0, -n % 64))
        return self.inner(flat)[:n].view(x.shape)  # type: ignore[no-any-return]


class LargestOfFour(torch.autograd.Function):
    """2 × 2 max pooling with stride 2, x [..., height, width] → [..., height // 2, width // 2]; values as torch's.

    On the CPU ten times as fast as ``max_pool2d``, whose loop over windows is scalar. The gradient goes to the first
    of equal values, as there.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        upper, lower = (row[..., : x.shape[-1] // 2 * 2] for row in (x[..., :-1:2, :], x[..., 1::2, :]))
        largest = torch.maximum(upper, lower)
        out = torch.maximum(largest[..., ::2], largest[..., 1::2])
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        x, out = ctx.saved_tensors
        height, width = (2 * size for size in out.shape[-2:])
        to_x = torch.zeros_like(x)
        for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
            place = ..., slice(i, height, 2), slice(j, width, 2)
            mine = (x[place] - out).sign_().add_(1).mul_(grad)  # the sign is 0 where it is the largest, else -1
            to_x[place] = mine
            grad = grad - mine
        return to_x


largest_of_four: Callable[[Tensor], Tensor] = LargestOfFour.apply


class Halve(nn.Module):
    """``nn.MaxPool2d(2)``."""

    def forward(self, x: Tensor) -> Tensor:
        return largest_of_four(x) if x.device.type == "cpu" else max_pool2d(x, 2)

    @staticmethod
    def suits(layer: nn.Module) -> bool:
        """Whether a layer does the same."""
        if type(layer) is not nn.MaxPool2d or layer.ceil_mode or layer.return_indices:
            return False
        return (layer.kernel_size, layer.stride, layer.padding, layer.dilation) == (2, 2, 0, 1)


def fill_rows(x: Tensor) -> Tensor:
    """Rows of zeros added to x [runs, rows, ...] so that the matrices of all runs are aligned alike in memory.

    Products of matrices (MKL's) round by the alignment of what they read, so a run's place in the pack would show.
    """
    missing = -x.shape[1] % ROWS
    return pad(x, [0, 0] * (x.dim() - 2) + [0, missing]) if missing else x


class StackedLinear(torch.autograd.Function):
    """``nn.Linear`` for each run: x [runs, rows, in], weight [runs, out, in], bias [runs, out].

    The derivative of ``baddbmm`` gives weight gradients transposed, which would be copied into the layout of
    the parameters; here they come in that layout, in ``out`` [runs, out, in].
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, out: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.out = out
        return torch.baddbmm(bias.unsqueeze(1), x, weight.mT)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        to_x = torch.bmm(grad, weight) if ctx.needs_input_grad[0] else None
        return to_x, torch.bmm(grad.mT, x, out=ctx.out), grad.sum(1), None


linear: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] = StackedLinear.apply


def convolved(layer: nn.Conv2d, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """``layer`` with the parameters of one run. The gradient of the bias is rounded as ``torch.vmap`` has it."""
    out = conv2d(x, weight, None, layer.stride, layer.padding, layer.dilation, layer.groups)
    return out.add_(bias[:, None, None])


def normalized(layer: nn.BatchNorm2d, x: Tensor, weight: Tensor, bias: Tensor, **buffers: Tensor) -> Tensor:
    """``layer`` with the parameters and ``buffers`` of one run, scaled after it is normal as ``torch.vmap`` has it."""
    mean, variance = buffers["running_mean"], buffers["running_var"]
    buffers["num_batches_tracked"] += layer.training
    out = batch_norm(x, mean, variance, None, None, layer.training, layer.momentum or 0.0, layer.eps)
    if out.requires_grad:
        by_channel = lambda grad: grad.transpose(0, 1).contiguous().transpose(0, 1)  # noqa: E731
        out.register_hook(by_channel)  # type: ignore[no-untyped-call]
    return (out * weight[:, None, None]).add_(bias[:, None, None])

"""One run's network as a plain module, initialized from its own stream."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from study.axes.init import Default
from study.axes.recipe import Recipe
from study.engine.data import Data
from study.engine.determinism import derive, stream


class MaskedDropout(nn.Module):
    """Inverted dropout (Srivastava et al., 2014) whose mask is handed in.

    ``mask`` holds 0 or 1 / (1 - rate) for each element of the input; outside training, and until a mask
    is handed in, nothing is dropped or computed. ``shape``: of one row of its latest input.
    """

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.ones(()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        self.shape = x.shape[1:]
        return x * self.mask if self.training and self.mask.dim() else x


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
        flat = nn.functional.pad(x.reshape(-1), (0, -n % 64))
        return self.inner(flat)[:n].view(x.shape)  # type: ignore[no-any-return]


def build(recipe: Recipe, seed: int, data: Data) -> nn.Module:
    """The network of one run with its initial parameters, on the CPU.

    Layers draw from torch's global generator, so they are made inside ``fork_rng``, seeded from
    ``(seed, "init")``: the one use of the global generator.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(seed, "init"))  # torch.manual_seed would seed GPUs as well
        module = recipe.network.build(
            data.shape, data.outputs, lambda: Aligned(recipe.activation.build()), MaskedDropout
        )
    if not isinstance(recipe.init, Default):
        generator = stream(seed, "init")
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                if is_weight(parameter):
                    recipe.init.fill(parameter, generator)
                elif name.endswith("bias"):
                    parameter.zero_()
    return module


def is_weight(parameter: Tensor) -> bool:
    """Weights have two or more dimensions: init, penalties and the weight metrics concern these only."""
    return parameter.dim() >= 2


def dropped_shapes(module: nn.Module, shape: tuple[int, ...]) -> dict[str, torch.Size]:
    """The shape of one row at every dropout layer, by the layer's name; ``shape``: of one row of the input."""
    with torch.no_grad():
        module.eval()(torch.zeros(2, *shape))
    module.train()
    return {name: layer.shape for name, layer in module.named_modules() if isinstance(layer, MaskedDropout)}

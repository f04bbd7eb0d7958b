"""One run's network as a plain module, initialized from its own stream."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from study.axes.init import Default
from study.axes.recipe import Recipe
from study.engine.data import Data
from study.engine.determinism import derive, stream
from study.engine.layers import Aligned, Halve, MaskedDropout


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
    for name, layer in module.named_children():
        if type(layer) is nn.MaxPool2d and layer.kernel_size == layer.stride == 2:
            setattr(module, name, Halve())
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

"""One run's network as a plain module, initialized from its own stream."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from study.axes.init import Default
from study.axes.network import CustomNetwork
from study.axes.recipe import Recipe
from study.engine.determinism import derive, stream
from study.engine.inputs.data import Data
from study.engine.networks.layers import Aligned, Halve, MaskedDropout
from study.engine.networks.soundness import unseen


def build(recipe: Recipe, seed: int, data: Data) -> nn.Module:
    """The network of one run with its initial parameters, on the CPU.

    Layers draw from torch's global generator, so they are made inside ``fork_rng``, seeded from
    ``(seed, "init")``: the one use of the global generator. Raises ValueError where it does not fit the data.
    """
    if why := recipe.network.misfit(data.shape):
        raise ValueError(f"{recipe.network.name}: {why}")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(seed, "init"))  # torch.manual_seed would seed GPUs as well
        module = recipe.network.build(
            data.shape, data.outputs, lambda: Aligned(recipe.activation.build()), MaskedDropout
        )
    if isinstance(recipe.network, CustomNetwork):
        _refuse(module, recipe)
        _mask_dropouts(module)
    for name, layer in module.named_children():
        if Halve.suits(layer):
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


def has_batch_statistics(module: nn.Module) -> bool:
    """Whether training needs at least two rows a batch."""
    return any(isinstance(layer, _BatchNorm) for layer in module.modules())


def dropped_shapes(module: nn.Module, shape: tuple[int, ...]) -> dict[str, torch.Size]:
    """The shape of one row at every dropout layer, by the layer's name; ``shape``: of one row of the input."""
    module = module if isinstance(module, nn.Sequential) else deepcopy(module)  # what it keeps is its own
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        module.eval()(torch.zeros(2, *shape))
    module.train()
    dropouts = [(name, layer) for name, layer in module.named_modules() if isinstance(layer, MaskedDropout)]
    return {name: layer.shape for name, layer in dropouts if hasattr(layer, "shape")}


def _refuse(module: nn.Module, recipe: Recipe) -> None:
    """Raises ValueError where what a factory gave is no network, or not one for the recipe."""
    about = recipe.network.title
    if not isinstance(module, nn.Module):
        raise ValueError(f"{about} gave {type(module).__name__}; give a torch.nn.Module")
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise ValueError(unseen(module) or f"{about} gave a network with nothing to train; give it parameters")
    kinds = {type(layer) for layer in module.modules()}
    if odd := sorted(kind.__name__ for kind in kinds if kind in (nn.AlphaDropout, nn.FeatureAlphaDropout)):
        raise ValueError(f"{about} has {odd[0]}, which is not masked run by run; use nn.Dropout")
    if recipe.dropout and not any(issubclass(kind, _DropoutNd) for kind in kinds):
        raise ValueError(f"{about} has no nn.Dropout whose rate could be {recipe.dropout:g}; use dropout 0, or add one")
    if recipe.gpus > 1 and any(issubclass(kind, _BatchNorm) for kind in kinds):
        raise ValueError(f"{about} has batch normalization, which would see one device's part of a batch; use gpus 1")


def _mask_dropouts(module: nn.Module) -> None:
    """Dropout layers are handed their masks, and the rate of the ``dropout`` axis with them."""
    for layer in list(module.modules()):
        for name, child in layer.named_children():
            if isinstance(child, _DropoutNd):
                setattr(layer, name, MaskedDropout(not isinstance(child, nn.Dropout), child.p))

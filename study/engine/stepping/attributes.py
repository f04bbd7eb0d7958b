"""What an optimizer keeps for itself, beside what torch's checkpoints have of it: ``state`` and ``param_groups``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

TORCHS = set(vars(torch.optim.SGD([torch.zeros(1)])))  # attributes of every optimizer
PLAIN = (Tensor, int, float, bool, str, type(None))


def kept(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """What it keeps for itself, beside ``state`` and ``param_groups``: attributes of tensors and plain values."""
    return {name: each for name, each in own(optimizer).items() if all(type(leaf) in PLAIN for leaf in leaves(each))}


def lost(optimizer: torch.optim.Optimizer) -> list[str]:
    """Attributes that checkpoints do not have: of tensors that belong to parameters, or optimizers inside."""
    odd = (torch.optim.Optimizer, Tensor)
    rest = {name: list(leaves(each)) for name, each in own(optimizer).items() if name not in kept(optimizer)}
    return [
        name for name, each in rest.items() if any(isinstance(x, odd) and type(x) is not nn.Parameter for x in each)
    ]


def own(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The attributes that not every optimizer of torch has."""
    return {name: each for name, each in vars(optimizer).items() if name not in TORCHS}


def leaves(values: Any) -> Iterator[Any]:
    """What is in lists, tuples and dictionaries, however nested."""
    if type(values) in (list, tuple):
        for each in values:
            yield from leaves(each)
    elif isinstance(values, dict):
        yield from leaves([*values.keys(), *values.values()])
    else:
        yield values


def moved(values: Any, device: torch.device) -> Any:
    """``values`` with the tensors among them on ``device``, where torch keeps those that have dimensions."""
    if type(values) in (list, tuple):
        return type(values)(moved(each, device) for each in values)
    if type(values) is dict:
        return {key: moved(each, device) for key, each in values.items()}
    return values.to(device) if isinstance(values, Tensor) and values.dim() else values

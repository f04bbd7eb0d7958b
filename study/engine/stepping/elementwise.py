"""Some steps of an optimizer by itself: whether one that says it is elementwise steps all at once as each apart."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from study.axes.optimizer import Optimizer
from study.engine.stepping.optimizer import has_modes

SCALES = (1.0, -0.3, 2.0)  # of the gradients, step by step: not the same, for what is kept between steps
CLOSE = 1e-3  # of the largest change: by where elements lie in memory, vector instructions round otherwise


def is_elementwise(settings: Optimizer, values: Sequence[tuple[str, Tensor]], gradients: Sequence[Tensor]) -> bool:
    """Whether two runs in one tensor come to what the first of them comes to, each of its parameters by itself.

    ``values``: a run's parameters by name; ``gradients``: theirs. The other run has others.
    """
    flat = torch.cat([value.detach().flatten() for _, value in values])
    slope = torch.cat([gradient.flatten() for gradient in gradients])
    both = [("stack", torch.stack([flat, -flat]))]
    whole = stepped(settings, both, [torch.stack([slope, 7 * slope + 1])]).view(2, -1)
    wanted = stepped(settings, values, gradients)
    changed = float((wanted - flat).abs().nan_to_num(0.0, posinf=0.0).max())  # of those that did not diverge
    return torch.allclose(whole[0], wanted, rtol=1e-5, atol=CLOSE * changed, equal_nan=True)


def stepped(
    settings: Optimizer, values: Sequence[tuple[str, Tensor]], gradients: Sequence[Tensor], factor: float = 1.0
) -> Tensor:
    """All parameters after some steps at ``factor`` times their rate, one after another. [parameters]"""
    copies = [(name, nn.Parameter(value.detach().clone())) for name, value in values]
    optimizer = settings.build(copies)
    if has_modes(optimizer):
        optimizer.train()  # type: ignore[attr-defined]
    for group in optimizer.param_groups:
        group["lr"] *= factor
    for scale in SCALES:
        for (_, parameter), gradient in zip(copies, gradients, strict=True):
            parameter.grad = scale * gradient
        optimizer.step()
    return torch.cat([parameter.detach().flatten() for _, parameter in copies])

"""Whether an optimizer that says it is elementwise is: it steps all at once as it steps each parameter apart."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from study.axes.optimizer import Optimizer
from study.engine.stepping.optimizer import has_modes

STEPS = 3
CLOSE = 1e-3  # of the largest change: by where elements lie in memory, vector instructions round otherwise


def is_elementwise(settings: Optimizer, values: Sequence[tuple[str, Tensor]], gradients: Sequence[Tensor]) -> bool:
    """Whether two runs in one tensor come to what the first of them comes to, each of its parameters by itself.

    ``values``: a run's parameters by name; ``gradients``: theirs. The other run has others.
    """
    flat = torch.cat([value.detach().flatten() for _, value in values])
    slope = torch.cat([gradient.flatten() for gradient in gradients])
    whole = nn.Parameter(torch.stack([flat, -flat]))
    apart = [(name, nn.Parameter(value.detach().clone())) for name, value in values]
    both = [settings.build([("stack", whole)]), settings.build(apart)]
    for step in range(STEPS):
        sign = 1 - 2 * (step % 2) / (step + 1)  # not the same each time, for what is kept between steps
        whole.grad = torch.stack([sign * slope, 7 * slope + 1])
        for (_, parameter), gradient in zip(apart, gradients, strict=True):
            parameter.grad = sign * gradient
        for optimizer in both:
            if has_modes(optimizer):
                optimizer.train()  # type: ignore[attr-defined]
            optimizer.step()
    wanted = torch.cat([parameter.detach().flatten() for _, parameter in apart])
    changed = float((wanted - flat).abs().max())
    return torch.allclose(whole.detach()[0], wanted, rtol=1e-5, atol=CLOSE * changed)

"""The networks of several runs as one: parameters stacked along a leading dimension of runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from study.run.modules import Aligned, MaskedDropout, is_weight

ALIGN = 64  # floats; each run's row is padded to whole vector registers, so no element's rounding depends on the others
ELEMENTWISE = (Aligned, nn.Identity)


class StackedLinear(torch.autograd.Function):
    """``nn.Linear`` for each run: x [runs, rows, in], weight [runs, out, in], bias [runs, out].

    The derivative of ``baddbmm`` gives weight gradients transposed, which would be copied into the layout of
    the parameters; here they come in that layout.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return torch.baddbmm(bias.unsqueeze(1), x, weight.mT)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        to_x = torch.bmm(grad, weight) if ctx.needs_input_grad[0] else None
        return to_x, torch.bmm(grad.mT, x), grad.sum(1)


linear: Callable[[Tensor, Tensor, Tensor], Tensor] = StackedLinear.apply


class Stack:
    """``runs`` networks of one shape. ``flat`` [runs, padded] holds all parameters, run by run.

    ``parameters`` are views of it, [runs, *shape]; ``grad`` has its layout. One lone run (``alone``) is
    computed by its plain module.
    """

    def __init__(self, modules: Sequence[nn.Module], device: torch.device | str = "cpu") -> None:
        self.module = modules[0].to(device)
        self.runs = len(modules)
        self.alone = self.runs == 1
        first = dict(modules[0].named_parameters())
        self.n_parameters = sum(p.numel() for p in first.values())
        width = self.n_parameters if self.alone else -(-self.n_parameters // ALIGN) * ALIGN
        self.flat = torch.zeros(self.runs, width, device=device)
        self.grad = torch.zeros_like(self.flat)
        self.is_weight = torch.zeros(width, device=device)  # 1.0 where flat holds a weight
        self.parameters: dict[str, Tensor] = {}
        offset = 0
        for name, parameter in first.items():
            n = parameter.numel()
            view = self.flat[:, offset : offset + n].view(self.runs, *parameter.shape)
            view.copy_(torch.stack([m.get_parameter(name).detach() for m in modules]))
            self.parameters[name] = view.detach().requires_grad_()
            self.is_weight[offset : offset + n] = float(is_weight(parameter))
            offset += n
        self._padding = [torch.zeros(self.runs, width - offset, device=device)]
        self.buffers = {
            name: torch.stack([m.get_buffer(name) for m in modules]).to(device)
            for name, _ in modules[0].named_buffers()
            if not name.endswith("mask")
        }
        self._layers = list(self.module) if isinstance(self.module, nn.Sequential) else []
        known = (nn.Flatten, nn.Linear, MaskedDropout, *ELEMENTWISE)
        self._plain_layers = bool(self._layers) and all(
            isinstance(layer, known) and getattr(layer, "bias", True) is not None for layer in self._layers
        )

    def train(self, mode: bool) -> None:
        self.module.train(mode)

    def __call__(self, x: Tensor, masks: Mapping[str, Tensor] | None = None) -> Tensor:
        """Outputs [runs, rows, outputs] for inputs [runs, rows, *shape]; masks [runs, rows, …] by layer."""
        masks = masks or {}
        if self.alone:
            return self._call_alone(x, masks)
        if self._plain_layers:
            return self._call_layers(x, masks)
        buffers = self.buffers | {f"{name}.mask": mask for name, mask in masks.items()}
        out: Tensor = vmap(lambda p, b, row: functional_call(self.module, (p, b), (row,)))(self.parameters, buffers, x)
        return out

    def _call_alone(self, x: Tensor, masks: Mapping[str, Tensor]) -> Tensor:
        state = {name: p[0] for name, p in self.parameters.items()} | {n: b[0] for n, b in self.buffers.items()}
        state |= {f"{name}.mask": mask[0] for name, mask in masks.items()}
        out: Tensor = functional_call(self.module, state, (x[0],))
        return out.unsqueeze(0)

    def _call_layers(self, x: Tensor, masks: Mapping[str, Tensor]) -> Tensor:
        for name, layer in self.module.named_children():
            if isinstance(layer, nn.Flatten):
                x = x.flatten(2)
            elif isinstance(layer, nn.Linear):
                x = linear(x, self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"])
            elif isinstance(layer, MaskedDropout):
                x = x * masks[name] if name in masks else x
            else:
                x = layer(x)
        return x

    def differentiate(self, losses: Tensor) -> None:
        """Write the gradient of each run's loss ([runs]) to ``grad``."""
        parts = torch.autograd.grad(losses.sum(), list(self.parameters.values()))
        torch.cat([part.flatten(1) for part in parts] + self._padding, dim=1, out=self.grad)

    def weights(self) -> Tensor:
        """All weights, [runs, weights]."""
        return self.flat[:, self.is_weight.bool()]

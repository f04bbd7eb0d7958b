"""The networks of several runs as one: parameters stacked along a leading dimension of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

import torch
from torch import Tensor, nn
from torch.func import functional_call

from study.engine.networks.chain import NoChain, batched, chain, check_batched
from study.engine.networks.layers import (
    ROWS,
    Aligned,
    MaskedDropout,
    convolved,
    fill_rows,
    kept_buffers,
    linear,
    normalized,
)
from study.engine.networks.network import is_weight
from study.engine.networks.turn import Turn

ALIGN = 64  # floats; each run's row is padded to whole vector registers, so no element's rounding depends on the others
BATCHED = ("cuda",)  # devices on which a network that is no chain is batched where it can be: a CPU would move bits
ELEMENTWISE = (Aligned, nn.Identity)


class Stack:
    """``runs`` networks of one shape. ``flat`` [runs, padded] holds all parameters, run by run.

    ``parameters`` are views of it, [runs, *shape]; ``grad`` has its layout. One lone run (``alone``) is
    computed by its plain module. Networks that are no chain of known layers are computed in ``turn``, ``because``.
    ``shape``: of one row of the input. ``bfloat16``: products are computed in it.
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        shape: Sequence[int],
        device: torch.device | str = "cpu",
        bfloat16: bool = False,
    ) -> None:
        self.bfloat16 = bfloat16
        self.because = ""
        self.layers: list[tuple[str, nn.Module]] = []
        try:
            self.layers = chain(modules[0], shape)
        except NoChain as reason:
            self.because = str(reason)
        if self.because and torch.device(device).type in BATCHED:
            try:
                check_batched(modules[0], shape, device)
                self.layers, self.because = [("", modules[0])], ""
            except NoChain as reason:
                self.because = str(reason)
        modules = [module.to(device) for module in modules]
        self.module = modules[0]
        self.runs = len(modules)
        self.alone = self.runs == 1
        # Stacked convolutions become one in groups, whose algorithm the CPU chooses by the number of groups.
        convolves = any(isinstance(layer, nn.Conv2d) for _, layer in self.layers)
        self.in_turn = convolves and torch.device(device).type == "cpu"
        first = {name: value for name, value in modules[0].named_parameters() if value.requires_grad}
        self.n_parameters = sum(p.numel() for p in first.values())
        width = self.n_parameters if self.alone else -(-self.n_parameters // ALIGN) * ALIGN
        self.flat = torch.zeros(self.runs, width, device=device)
        self.grad = torch.zeros_like(self.flat)
        self.is_weight = torch.zeros(width, device=device)  # 1.0 where flat holds a weight
        self.shapes = {name: parameter.shape for name, parameter in first.items()}
        self.parameters: dict[str, Tensor] = {}
        self._gradients: dict[str, Tensor] = {}  # kept between steps: memory that is new each step costs more to touch
        weights, slots = self.split(self.is_weight), self.split(self.grad)
        for name, view in self.split(self.flat).items():
            view.copy_(torch.stack([m.get_parameter(name).detach() for m in modules]))
            self.parameters[name] = view.detach().requires_grad_()
            n, place = first[name].numel(), slots[name].storage_offset()
            aligned = torch.empty(self.runs, -(-n // ALIGN) * ALIGN, device=device)
            self._gradients[name] = slots[name] if place % ROWS == 0 else aligned[:, :n].view(view.shape)
            weights[name].fill_(float(is_weight(first[name])))
        self._slots = list(slots.values())
        self.turn = Turn(modules, self.split(self.flat), slots) if self.because else None
        self._buffers = {name: torch.stack([m.get_buffer(name) for m in modules]) for name in kept_buffers(modules[0])}

    def train(self, mode: bool) -> None:
        """Whether the networks are being trained, or evaluated."""
        if self.turn:
            self.turn.train(mode)
        else:
            self.module.train(mode)
            for _, layer in self.layers:
                layer.train(mode)

    def buffers(self, run: int) -> dict[str, Tensor]:
        """What a run's network keeps between steps beside its parameters, by name."""
        return self.turn.buffers(run) if self.turn else {name: each[run] for name, each in self._buffers.items()}

    def take_over(self, other: Stack) -> None:
        """The parameters and buffers of ``other``, run by run."""
        self.flat.copy_(other.flat)
        for run in range(self.runs):
            for name, buffer in self.buffers(run).items():
                buffer.copy_(other.buffers(run)[name])

    @property
    def gradients(self) -> Tensor:
        """A view of ``grad`` without its padding, which has to stay 0: [runs, parameters]."""
        return self.grad[:, : self.n_parameters]

    def split(self, flat: Tensor) -> dict[str, Tensor]:
        """Views of what has the layout of ``flat``, [..., padded], by the parameter's name: [..., *shape]."""
        sizes = [shape.numel() for shape in self.shapes.values()]
        parts = torch.split(flat[..., : self.n_parameters], sizes, dim=-1)
        named = zip(self.shapes.items(), parts, strict=True)
        return {name: part.view(*flat.shape[:-1], *shape) for (name, shape), part in named}

    def __call__(
        self,
        x: Tensor,
        masks: Mapping[str, Tensor] | None = None,
        generators: Sequence[torch.Generator] | None = None,
    ) -> Tensor:
        """Outputs [runs, rows, outputs] for inputs [runs, rows, *shape]; masks [runs, rows, …] by layer.

        ``generators``: of networks that are computed in turn, what those of each run draw from.
        """
        if self.bfloat16:
            with torch.autocast(self.flat.device.type, torch.bfloat16):
                return self._call(x, masks or {}, generators).float()
        return self._call(x, masks or {}, generators)

    def _call(self, x: Tensor, masks: Mapping[str, Tensor], generators: Sequence[torch.Generator] | None) -> Tensor:
        if self.turn:
            return self.turn(x, masks, generators)
        if self.alone:
            return self._call_alone(x, masks)
        layers = self.layers
        if self.in_turn:
            images = list(takewhile(lambda child: not isinstance(child[1], nn.Flatten), layers))
            x, layers = self._call_in_turn(images, x, masks), layers[len(images) :]
        rows = x.shape[1]
        for name, layer in layers:
            if isinstance(layer, nn.Flatten):
                x = x.flatten(2)
            elif isinstance(layer, nn.Linear) and layer.bias is not None:
                weight, bias = self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"]
                x = fill_rows(x)
                if self.bfloat16:  # which autocast makes of what torch itself differentiates
                    x = torch.baddbmm(bias.unsqueeze(1), x, weight.mT)
                else:
                    x = linear(x, weight, bias, self._gradients[f"{name}.weight"])
                x = x if x.shape[1] == rows else x[:, :rows]  # of a view, autograd copies what is computed in place
            elif isinstance(layer, MaskedDropout):
                x = x * masks[name] if name in masks else x
            elif isinstance(layer, ELEMENTWISE):
                x = layer(x)
            else:
                x = self._call_vmapped(layer, f"{name}." * bool(name), x, masks)
        return x

    def _call_in_turn(self, layers: Sequence[tuple[str, nn.Module]], x: Tensor, masks: Mapping[str, Tensor]) -> Tensor:
        """One run after the other through ``layers``, which is what a core's cache holds."""
        state = {name: value.unbind() for name, value in (self.parameters | self._buffers).items()}
        outputs = []
        for run, out in enumerate(x.unbind()):
            for name, layer in layers:
                start = f"{name}."
                own = {key.removeprefix(start): value[run] for key, value in state.items() if key.startswith(start)}
                if isinstance(layer, MaskedDropout):
                    out = out * masks[name][run] if name in masks else out
                elif isinstance(layer, nn.Conv2d):
                    out = convolved(layer, out, **own)
                elif isinstance(layer, nn.BatchNorm2d):
                    out = normalized(layer, out, **own)
                else:
                    out = functional_call(layer, own, (out,)) if own else layer(out)
            outputs.append(out)
        return torch.stack(outputs)

    def _call_vmapped(self, layer: nn.Module, prefix: str, x: Tensor, masks: Mapping[str, Tensor]) -> Tensor:
        state = self.parameters | self._buffers | {f"{name}.mask": mask for name, mask in masks.items()}
        own = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        return batched(layer, own, x)

    def _call_alone(self, x: Tensor, masks: Mapping[str, Tensor]) -> Tensor:
        state = {name: p[0] for name, p in self.parameters.items()} | {n: b[0] for n, b in self._buffers.items()}
        state |= {f"{name}.mask": mask[0] for name, mask in masks.items()}
        out: Tensor = functional_call(self.module, state, (x[0],))
        return out.unsqueeze(0)

    def differentiate(self, losses: Tensor) -> None:
        """Write the gradient of each run's loss ([runs]) to ``grad``."""
        if self.turn:
            self.turn.differentiate(losses)
            return
        parts = torch.autograd.grad(losses.sum(), list(self.parameters.values()))
        for part, slot in zip(parts, self._slots, strict=True):
            if part.data_ptr() != slot.data_ptr():  # else it was computed there
                slot.copy_(part)

    def weights(self, flat: Tensor | None = None) -> Tensor:
        """All weights, [runs, weights]; ``flat``: of other parameters, laid out as these are."""
        return (self.flat if flat is None else flat)[:, self.is_weight.bool()]

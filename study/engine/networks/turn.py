"""Networks that are computed one after another: what cannot be stacked, or not to the same bits in every pack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from study.engine.networks.layers import MaskedDropout, kept_buffers

VECTOR = 64  # bytes: what a product of matrices rounds by is where its input begins


class Turn:
    """The networks of several runs, each a module of its own, with its own buffers and whatever else it keeps.

    ``values`` and ``gradients``: by the parameter's name, [runs, *shape] in the memory of a stack; the modules' own
    parameters move there.
    """

    def __init__(
        self, modules: Sequence[nn.Module], values: Mapping[str, Tensor], gradients: Mapping[str, Tensor]
    ) -> None:
        self.modules = list(modules)
        self._slots: list[Tensor] = []
        self._leaves: list[Tensor] = []
        for run, module in enumerate(self.modules):
            for name, value in values.items():
                leaf = module.get_parameter(name)
                leaf.data = value[run]
                self._leaves.append(leaf)
                self._slots.append(gradients[name][run])
        self._dropouts = [
            {name: layer for name, layer in module.named_modules() if isinstance(layer, MaskedDropout)}
            for module in self.modules
        ]

    def train(self, mode: bool) -> None:
        for module in self.modules:
            module.train(mode)

    def __call__(
        self, x: Tensor, masks: Mapping[str, Tensor], generators: Sequence[torch.Generator] | None = None
    ) -> Tensor:
        """Outputs [runs, rows, outputs] for inputs [runs, rows, *shape].

        ``generators``: what a forward of each run draws from, where it draws; None: all draw the same, each time.
        """
        outputs = []
        self._began = [(each, each.get_state()) for each in generators or ()]
        for run, (module, rows) in enumerate(zip(self.modules, x.unbind(), strict=True)):
            for name, layer in self._dropouts[run].items():
                layer.mask = masks[name][run] if name in masks else layer.mask.new_ones(())
            rows = rows if rows.data_ptr() % VECTOR == 0 and rows.is_contiguous() else rows.clone()
            if generators is None:
                _default(rows.device).manual_seed(0)
                outputs.append(module(rows))
                continue
            default = _default(rows.device)
            default.set_state(generators[run].get_state())
            outputs.append(module(rows))
            generators[run].set_state(default.get_state())
        return torch.stack(outputs)

    def rewind(self) -> None:
        """Let the next forward draw what the last one drew."""
        for generator, state in self._began:
            generator.set_state(state)

    def differentiate(self, losses: Tensor) -> None:
        """Write the gradients of the runs' losses ([runs]) where they belong; 0 of what a loss does not depend on."""
        parts = torch.autograd.grad(losses.sum(), self._leaves, allow_unused=True)
        for part, slot in zip(parts, self._slots, strict=True):
            slot.zero_() if part is None else slot.copy_(part)

    def buffers(self, run: int) -> dict[str, Tensor]:
        """What a module keeps between steps beside its parameters; no masks."""
        return {name: self.modules[run].get_buffer(name) for name in kept_buffers(self.modules[run])}


def _default(device: torch.device) -> torch.Generator:
    """The global generator of a device. What it was is no matter: nothing here draws from it otherwise."""
    if device.type == "cuda":
        return torch.cuda.default_generators[device.index or 0]
    return torch.default_generator

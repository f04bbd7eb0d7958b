"""Whether the networks of all runs can be computed at once: as a chain of layers, to the same bits, or batched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call, vmap
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from study.engine.networks.layers import Aligned, Halve, MaskedDropout, kept_buffers

Chain = list[tuple[str, nn.Module]]  # the name of a layer, with which those of its parameters begin

ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.SiLU, nn.ELU, nn.LeakyReLU)
KNOWN: dict[type[nn.Module], Callable[[Any], bool]] = {  # and whether one is as it is computed here
    **dict.fromkeys((nn.Identity, MaskedDropout, Aligned, Halve, nn.AvgPool2d, *ACTIVATIONS), lambda layer: True),
    nn.Flatten: lambda layer: (layer.start_dim, layer.end_dim) == (1, -1),
    nn.Linear: lambda layer: layer.bias is not None,
    nn.Conv2d: lambda layer: layer.bias is not None and layer.padding_mode == "zeros",
    nn.BatchNorm2d: lambda layer: layer.affine and layer.track_running_stats and layer.momentum is not None,
    nn.MaxPool2d: lambda layer: not layer.return_indices,
}
FUNCTIONS = {  # what is called in a forward, and the layer that does the same
    **dict.fromkeys((F.relu, torch.relu, "relu"), nn.ReLU),
    **dict.fromkeys((torch.tanh, F.tanh, "tanh"), nn.Tanh),
    **dict.fromkeys((torch.sigmoid, F.sigmoid, "sigmoid"), nn.Sigmoid),
    F.gelu: nn.GELU,
    F.silu: nn.SiLU,
    F.elu: nn.ELU,
    F.leaky_relu: nn.LeakyReLU,
}
HOOKS = (  # where torch keeps those of modules and of parameters
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_post_accumulate_grad_hooks",
)
CLOSE = 1e-5  # of outputs, relative: a chain and its network differ by rounding
NEAR = 1e-3  # of derivatives


class NoChain(Exception):
    """Why a network is none, in words."""


def chain(module: nn.Module, shape: Sequence[int]) -> Chain:
    """The layers of ``module`` in their order; ``shape``: of one row. Raises NoChain where it is none."""
    names = [[name for name, _ in module.named_parameters(remove_duplicate=once)] for once in (True, False)]
    if names[0] != names[1]:
        raise NoChain("it shares parameters between layers")
    if type(module) is nn.Sequential and all(type(layer) in KNOWN for layer in module):
        return _in_place([_layer(name, layer, set()) for name, layer in module.named_children()])
    try:
        module = deepcopy(module)  # what it keeps, and draws, is its own
        graph = _Tracer().trace(module)
    except Exception as error:  # whatever a forward does to a tensor that has no values
        raise NoChain(_first_sentence(error)) from None
    layers: Chain = []
    latest, seen = None, set[nn.Module]()
    for node in graph.nodes:
        if node.op == "placeholder" and latest is None:
            latest = node
        elif node.op == "output" and node.args == (latest,):
            _compare(module, layers, shape)
            return _in_place(layers)
        elif node.op == "call_module" and node.args == (latest,) and not node.kwargs:
            layers.append(_layer(node.target, module.get_submodule(node.target), seen))
            latest = node
        elif node.op.startswith("call_") and node.args[:1] == (latest,):
            layers.append(("", _function(node)))
            latest = node
        elif not _is_size(node):
            break
    raise NoChain(f"{node.name!r} in its forward is no layer of a chain")


def check_batched(module: nn.Module, shape: Sequence[int], device: torch.device | str) -> None:
    """Whether ``torch.vmap`` computes two networks at once, and differentiates them, as it does each.

    Raises NoChain where it does not.
    """
    if any(not parameter.requires_grad for parameter in module.parameters()):
        raise NoChain("it has parameters that are not trained")
    one, *apart = (deepcopy(module).to(device) for _ in range(3))
    x = torch.randn(2, 3, *shape, generator=torch.Generator().manual_seed(0)).to(device)
    values = {n: torch.stack([p.detach()] * 2).requires_grad_() for n, p in one.named_parameters()}
    buffers = {name: torch.stack([one.get_buffer(name)] * 2) for name in kept_buffers(one)}
    kept = _kept(one)
    try:
        with torch.random.fork_rng([x.device] if x.is_cuda else []):
            together = batched(one, values | buffers, x)
            wanted = torch.stack([each(rows) for each, rows in zip(apart, x, strict=True)])
            gradients = torch.autograd.grad(together.square().sum(), list(values.values()))
            torch.autograd.backward(wanted.square().sum())
        kinds = [(together, wanted, CLOSE)]
        for name, buffer in buffers.items():
            kinds.append((buffer, torch.stack([each.get_buffer(name) for each in apart]), CLOSE))
        for name, gradient in zip(values, gradients, strict=True):
            kinds.append((gradient, torch.stack([_gradient(each.get_parameter(name)) for each in apart]), NEAR))
        same = all(torch.allclose(found, right, close, close) for found, right, close in kinds)
    except RuntimeError as error:
        raise NoChain(_first_sentence(error)) from None
    if not same or _kept(one) != kept:
        raise NoChain("torch.vmap computes something else, or loses what it keeps")


def batched(layer: nn.Module, state: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """``layer`` of several runs at once: ``state`` by name, [runs, …], and x [runs, rows, …].

    Attention is computed as it is written: under ``vmap`` the kernels for it on a GPU fail in some shapes.
    """
    call = vmap(lambda values, rows: functional_call(layer, values, (rows,)))
    with sdpa_kernel(SDPBackend.MATH) if x.is_cuda else nullcontext():
        out: Tensor = call(dict(state), x)
    return out


def _gradient(parameter: nn.Parameter) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _first_sentence(error: Exception) -> str:
    words = str(error).strip().partition("\n")[0].partition(". ")[0]
    return words or type(error).__name__


def _kept(module: nn.Module) -> list[dict[str, object]]:
    """The numbers that a network, and the layers in it, keep in Python."""
    return [{k: v for k, v in vars(part).items() if isinstance(v, int | float | str)} for part in module.modules()]


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return type(m) in KNOWN or super().is_leaf_module(m, module_qualified_name)


def _layer(name: str, layer: nn.Module, seen: set[nn.Module]) -> tuple[str, nn.Module]:
    """A layer that can be computed for all runs at once; ``seen``: those with parameters or masks, called once each."""
    kind = type(layer)
    if kind not in KNOWN or not KNOWN[kind](layer):
        raise NoChain(f"its {kind.__name__} {name!r} is computed run by run")
    parts = [layer, *layer.parameters()]
    if layer in seen or any(getattr(part, hooks, None) for part in parts for hooks in HOOKS):
        raise NoChain(f"{name!r} is called twice, or has a hook")
    if any(not parameter.requires_grad for parameter in layer.parameters()):
        raise NoChain(f"{name!r} has parameters that are not trained")
    if kind is MaskedDropout or [*layer.parameters()]:
        seen.add(layer)
    if kind in ACTIVATIONS:
        return name, Aligned(layer)
    return name, Halve() if Halve.suits(layer) else layer


def _in_place(layers: Chain) -> Chain:
    """The same; a ReLU takes the place of its input where nothing else needs that: neither data nor a derivative."""
    before: nn.Module | None = None
    for _, layer in layers:
        if isinstance(layer, Aligned) and isinstance(layer.inner, nn.ReLU):
            layer.inner.inplace = isinstance(before, nn.Linear | nn.Conv2d | nn.BatchNorm2d)
        if not isinstance(layer, nn.Flatten | nn.Identity):
            before = layer
    return layers


def _function(node: fx.Node) -> nn.Module:
    """The layer that does what a forward calls."""
    rest, settings = node.args[1:], {name: value for name, value in node.kwargs.items() if name != "inplace"}
    if node.target in FUNCTIONS and not rest and not settings:
        return Aligned(FUNCTIONS[node.target]())
    if node.target in (torch.flatten, "flatten") and (rest, settings) in (((1,), {}), ((), {"start_dim": 1})):
        return nn.Flatten()
    if node.target in ("view", "reshape") and len(rest) == 2 and not settings:
        by_rows = isinstance(rest[0], fx.Node) and rest[1] == -1
        if by_rows or (rest[0] == -1 and isinstance(rest[1], int)):
            return nn.Flatten()
    raise NoChain(f"{node.name!r} in its forward is no layer of a chain")


def _is_size(node: fx.Node) -> bool:
    """Whether a step of a forward asks for a shape only."""
    shape = node.op == "call_method" and node.target == "size"
    return shape or (node.op == "call_function" and getattr(node.target, "__name__", "") in ("getattr", "getitem"))


def _compare(module: nn.Module, layers: Chain, shape: Sequence[int]) -> None:
    """Raises NoChain where the layers do not compute what the network does, trained or not."""
    x = torch.linspace(-1, 1, 3 * torch.Size(shape).numel()).view(3, *shape)
    layered = nn.Sequential(*(layer for _, layer in layers))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for mode in (True, False):
            wanted, found = (each.train(mode)(x.clone()) for each in (module, layered))
            if wanted.shape != found.shape or not torch.allclose(wanted, found, rtol=CLOSE, atol=CLOSE):
                raise NoChain("it computes something else than the layers in it")

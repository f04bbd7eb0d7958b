"""What a network of a person's own does unsaid: layers that nobody trains, rows that depend on others, rates undone."""

from __future__ import annotations

import warnings
from collections.abc import Container, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from study.engine.networks.layers import MaskedDropout
from study.wording import plural

CLOSE = 1e-3  # of outputs, relative to the largest: products of matrices round by the number of rows


def unregistered(module: nn.Module, loss: Tensor) -> str:
    """Why some of what ``loss`` depends on is not trained, and what would be right; empty where all of it is."""
    known = {id(parameter) for parameter in module.parameters()}
    stray = {id(leaf): leaf for leaf in _leaves(loss) if id(leaf) not in known}
    if not stray:
        return ""
    shape = tuple(next(iter(stray.values())).shape)
    other = f"a tensor of shape {shape} in its forward is no parameter of it, and is not trained; make it an attribute"
    return unseen(module, stray) or other


def unseen(module: nn.Module, among: Container[int] | None = None) -> str:
    """Which attribute holds tensors where no parameters are looked for, and what it should be; empty where none.

    ``among``: ids of those that are asked for; None: all.
    """
    known = {id(parameter) for parameter in module.parameters()}
    for prefix, part in module.named_modules():
        for name, value in vars(part).items():
            for each in _contents({name: value}):
                own = each.parameters() if isinstance(each, nn.Module) else (each,)
                found = (id(one) for one in own if one.requires_grad and id(one) not in known)
                if not any(among is None or one in among for one in found):
                    continue
                where = f"{prefix}.{name}" if prefix else name
                kind = "Dict" if isinstance(value, dict) else "List"
                if isinstance(each, nn.Module):
                    return f"the layers in {where!r} are not trained; put them in nn.Module{kind}"
                right = "make it an nn.Parameter" if isinstance(value, Tensor) else f"put it in nn.Parameter{kind}"
                return f"the tensor in {where!r} is not trained; {right}"
    return ""


def _contents(attributes: dict[str, Any]) -> Iterator[nn.Module | Tensor]:
    """Modules and tensors in lists, tuples, sets and dictionaries, however nested; not what torch keeps registered."""
    held = [value for name, value in attributes.items() if name not in ("_modules", "_parameters", "_buffers")]
    while held:
        each = held.pop()
        if isinstance(each, nn.Module | Tensor):
            yield each
        elif isinstance(each, list | tuple | set):
            held += each
        elif isinstance(each, dict):
            held += each.values()


def _leaves(loss: Tensor) -> Iterator[Tensor]:
    """The tensors that gradients of ``loss`` would be gathered in."""
    nodes, seen = [loss.grad_fn], set()
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if isinstance(leaf := getattr(node, "variable", None), Tensor):
            yield leaf
        nodes += [before for before, _ in node.next_functions]


@torch.no_grad()
def unsteady(module: nn.Module, x: Tensor) -> str:
    """Why a row that is evaluated does not always come to the same; empty where it does. x [rows, *shape]"""
    module.eval()
    try:
        with warnings.catch_warnings(action="ignore"):  # torch's, of what has no spread
            first, again, one = (_drawn(module, rows, seed) for rows, seed in ((x, 0), (x, 1), (x[:1], 0)))
    except Exception as error:  # of a person's own code, on a batch of one row: anything
        words = f"{type(error).__name__}: {error}".splitlines()[0]
        return f"evaluated on one row it fails ({words}); let its forward take any number of rows"
    finally:
        module.train()
    if not _close(first, again):
        return "it draws random numbers when it is evaluated too; draw where self.training is true only"
    if one.shape != first[:1].shape or not _close(first[:1], one):
        return (
            "evaluated, what it gives for a row depends on the other rows of the batch; outside training take nothing "
            "from the batch, as nn.BatchNorm1d does with running averages"
        )
    return ""


def _drawn(module: nn.Module, x: Tensor, seed: int) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        outputs: Tensor = module(x.clone())
        return outputs


def _close(one: Tensor, other: Tensor) -> bool:
    """Whether outputs are the same but for rounding; ``one``: finite, as those of a whole batch are."""
    return torch.allclose(other, one, rtol=CLOSE, atol=CLOSE * float(one.abs().max()))


def silenced(module: nn.Module, rate: float) -> str:
    """Which dropout layers drop nothing, since the ``rate`` of the axis is 0; empty where there are none."""
    layers = (layer for layer in module.modules() if isinstance(layer, MaskedDropout))
    rates = dict.fromkeys(f"{layer.made_with:g}" for layer in layers if layer.made_with)
    if rate or not rates:
        return ""
    made = ", ".join(f"Dropout({each})" for each in rates)
    return f"its {made} {plural(len(rates), 'is')} set to 0 by the axis dropout; write dropout: {next(iter(rates))}"

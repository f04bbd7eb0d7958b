"""What is of a person's own, tried on one batch before any job starts: a step of each kind of arm, forward and back."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from study.axes.custom import Custom, make_ready
from study.axes.recipe import Recipe
from study.engine.determinism import quiet
from study.engine.inputs.data import Data
from study.engine.networks.network import build
from study.engine.pack import Pack, Run
from study.engine.stepping.attributes import lost
from study.errors import Refused
from study.plan.plan import Arm, Plan
from study.store.failures import said


def try_all(plan: Plan, load: Callable[[Arm], Data]) -> tuple[list[dict[str, str]], dict[str, str]]:
    """How what is of a person's own in ``plan`` is computed; and what is wrong, by the arm that shows it."""
    found, wrong = list[dict[str, str]](), dict[str, str]()
    for arm in plan.own.values():
        try:
            make_ready(arm.outline.choices, plan.folder)
            found.append(try_one(arm.outline, load(arm), plan.places))
        except Refused as error:
            wrong[arm.id] = error.lines[0]
        except Exception as error:
            wrong[arm.id] = f"{plan.names[arm.id]}: {said(error)}"
    return found, wrong


def try_one(recipe: Recipe, data: Data, places: dict[str, str]) -> dict[str, str]:
    """How a recipe is computed: ``in_turn`` says why its runs are not stacked. ``places``: see ``Plan``.

    ``anew``: what its optimizer holds that checkpoints do not have.

    Raises Refused with one line where something of a person's own cannot be.
    """

    @contextmanager
    def blaming(axis: str) -> Iterator[None]:
        choice = getattr(recipe, axis)
        own = next((each for each in (choice, *recipe.choices) if isinstance(each, Custom)), None)
        try:
            yield
        except Exception as error:
            if own is None:
                raise
            line = _own_line(error)
            raise Refused([f"{places.get(own.factory, axis)}: {own.factory}: {said(error)}{line}"]) from error

    batch = min(recipe.batch_size, data.train.rows)
    with quiet():
        with blaming("activation"):
            recipe.activation.build()
        with blaming("schedule"):
            for progress in (0.0, 0.5):
                factor = recipe.schedule.factor(progress)
                if not (math.isfinite(factor) and factor >= 0):
                    raise ValueError(f"the factor at {progress:g} is {factor}; give a number of at least 0")
        with blaming("network"):
            module, shape = build(recipe, 0, data), (batch, data.outputs)
            x, y = data.of([0]).train.take(torch.arange(batch).unsqueeze(0))
            outputs = module.train()(x[0])
            if not isinstance(outputs, torch.Tensor) or outputs.shape != shape:
                found = tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
                raise ValueError(f"gives {found} for {batch} rows; give a tensor of shape {shape}")
            loss = data.task.losses(outputs.unsqueeze(0), y).mean()
            if not loss.isfinite():
                raise ValueError(f"its loss before training is {loss.item()}; scale its outputs")
            named = [(name, each) for name, each in module.named_parameters() if each.requires_grad]
            if not loss.requires_grad:
                raise ValueError("its outputs depend on no parameter; take detach() and no_grad() out of its forward")
            gradients = torch.autograd.grad(loss, [each for _, each in named], allow_unused=True)
            if idle := [name for (name, _), each in zip(named, gradients, strict=True) if each is None]:
                raise ValueError(f"{idle[0]!r} gets no gradient; use it, or say requires_grad_(False)")
        with blaming("optimizer"):
            made = recipe.optimizer.build([(name, torch.nn.Parameter(each.detach().clone())) for name, each in named])
            if not isinstance(made, torch.optim.Optimizer):
                raise TypeError(f"gives {type(made).__name__}; give a torch.optim.Optimizer")
            if any("lr" not in group for group in made.param_groups):
                raise ValueError("its param_groups have no 'lr', which schedules set")
        with blaming("network"):
            pack = Pack([Run(recipe, 0)] * (2 if recipe.stacked else 1), data)
        with blaming("optimizer"):
            try:
                pack.step(torch.arange(batch).expand(len(pack.runs), -1), 0.0)
            except NotImplementedError:
                raise TypeError(f"gives {type(made).__name__}, which has no step()") from None
            except TypeError as error:
                if "closure" not in str(error):
                    raise
                raise TypeError("its step() needs a closure; say closure: true beside its name") from error
    anew = ", ".join(dict.fromkeys(name for made in pack.optimizer.optimizers for name in lost(made)))
    anew = anew if isinstance(recipe.optimizer, Custom) else ""
    return {"recipe": recipe.id, "network": recipe.network.title, "in_turn": pack.stack.because, "anew": anew}


def _own_line(error: BaseException) -> str:
    """The innermost line of a person's own code that raised: `` (mylab.py, line 12)``."""
    frames = traceback.extract_tb(error.__traceback__)
    package = Path(__file__).parents[1]
    own = [f for f in frames if "site-packages" not in f.filename and not Path(f.filename).is_relative_to(package)]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""

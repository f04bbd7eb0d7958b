"""What is of a person's own, tried on one batch before any job starts: a step of each kind of arm, forward and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from study.axes.code import own_line
from study.axes.custom import Custom, make_ready
from study.axes.optimizer import Optimizer
from study.axes.recipe import Recipe
from study.axes.schedule import Constant
from study.engine.determinism import quiet
from study.engine.inputs.data import Data
from study.engine.networks.network import build
from study.engine.networks.soundness import silenced, unregistered, unsteady
from study.engine.pack import Pack, Run
from study.engine.stepping.attributes import lost
from study.engine.stepping.optimizer import has_modes
from study.errors import Refused
from study.plan.arm import Arm
from study.plan.plan import Plan
from study.store.failures import said
from study.wording import beginning

POINTS = 1000  # of a schedule that are looked at, and its last
NAMED = 3  # arms that a line names
SCALES = (1.0, -0.3, 2.0)  # of the gradients, step by step: not the same, for what is kept between steps
CLOSE = 1e-3  # of the largest change: by where elements lie in memory, vector instructions round otherwise

Named = list[tuple[str, nn.Parameter]]


class Tried(NamedTuple):
    """How a recipe is computed. ``in_turn`` says why its runs are not stacked.

    ``anew``: what its optimizer holds that checkpoints do not have; ``doubts``: what is trained and hardly meant.
    """

    recipe: str
    network: str
    in_turn: str
    anew: str
    doubts: tuple[str, ...]


class Found(NamedTuple):
    """What a trial of each kind of arm came to, by the arm."""

    tried: dict[str, Tried]
    wrong: dict[str, list[str]]

    def lines(self, plan: Plan) -> Iterator[str]:
        """How each is computed, in words: what is alike once, with the arms that it was seen in."""
        alike: dict[Tried, list[str]] = {}
        for arm, each in self.tried.items():
            alike.setdefault(each._replace(recipe=""), []).append(plan.names[arm].rpartition(" (")[0])
        for each, names in alike.items():
            how = f"its runs are computed in turn: {each.in_turn}" if each.in_turn else "its runs are stacked"
            yield f"tried on one batch: {each.network} ({'; '.join(beginning(names, NAMED))}); {how}"
            if each.anew:
                yield f"  a killed job does not go on exactly: its optimizer holds {each.anew}, which checkpoints lack"
            yield from (f"  warning: {doubt}" for doubt in each.doubts)


def try_all(plan: Plan, load: Callable[[Arm], Data]) -> Found:
    """How what is of a person's own in ``plan`` is computed, and all that is wrong with it."""
    found = Found({}, {})
    dropping = [arm.outline.network for arm in plan.own.values() if arm.outline.dropout or arm.open("dropout")]
    for arm in plan.own.values():
        try:
            make_ready(arm.outline.choices, plan.folder)
            data, (recipe, *others) = load(arm), in_kind(arm)
            found.tried[arm.id] = try_one(recipe, data, plan.places, meant=recipe.network in dropping)
            for each in others:
                try_one(each, data, plan.places)
        except Refused as error:
            found.wrong[arm.id] = error.lines
        except Exception as error:
            found.wrong[arm.id] = [f"{plan.names[arm.id]}: {said(error)}"]
    return found


def in_kind(arm: Arm) -> list[Recipe]:
    """What is to be tried of an arm: where its rate of dropout is searched, a recipe with dropout too."""
    search = arm.search if arm.open("dropout") and not arm.outline.dropout else None
    others = (search.at(point) for point in search.grid({"dropout"})) if search else iter(())
    return [arm.outline, *[each for each in others if each.dropout][:1]]


def try_one(recipe: Recipe, data: Data, places: dict[str, str], meant: bool = False) -> Tried:
    """How a recipe is computed. ``places``: see ``Plan``; ``meant``: that there is no dropout here.

    Raises Refused with a line for each choice of a person's own that cannot be used.
    """
    wrong: dict[str, None] = {}

    @contextmanager
    def blaming(axis: str) -> Iterator[None]:
        choice = getattr(recipe, axis)
        own = next((each for each in (choice, *recipe.choices) if isinstance(each, Custom)), None)
        try:
            yield
        except Exception as error:
            if own is None:
                raise
            wrong[f"{places.get(own.factory, axis)}: {own.factory}: {said(error)}{own_line(error)}"] = None

    batch, sound = min(recipe.batch_size, data.train.rows), Sound(*_stand_in(), ())
    with quiet():
        with blaming("activation"):
            recipe.activation.build()
        with blaming("schedule"):
            steps = recipe.budget(recipe.training_rows(data.train.rows))
            points = min(steps, POINTS)
            for progress in (*(point / points for point in range(points)), (steps - 1) / steps):
                recipe.schedule.factor(progress)
        with blaming("network"):
            sound = _network(recipe, data, batch, meant)
        doubts = list(sound.doubts)
        with blaming("optimizer"):
            if isinstance(recipe.optimizer, Custom) or not wrong:
                doubts += _optimizer(recipe, sound)
        if not wrong:
            with blaming("network"):
                pack = Pack([Run(recipe, 0)] * (2 if recipe.stacked else 1), data)
        if not wrong:
            with blaming("optimizer"):
                pack.step(torch.arange(batch).expand(len(pack.runs), -1), 0.0)
    if wrong:
        raise Refused([*wrong])
    anew = ", ".join(dict.fromkeys(name for made in pack.optimizer.optimizers for name in lost(made)))
    anew = anew if isinstance(recipe.optimizer, Custom) else ""
    return Tried(recipe.id, recipe.network.title, pack.stack.because, anew, tuple(doubts))


class Sound(NamedTuple):
    """The parameters of a network by name, the gradients of one batch, and what is doubtful about it."""

    parameters: Named
    gradients: Sequence[Tensor]
    doubts: tuple[str, ...]


def _stand_in() -> tuple[Named, list[Tensor]]:
    """A matrix and a bias, for an optimizer where there is no network to try it on."""
    values = {"weight": torch.linspace(-1, 1, 12).view(3, 4), "bias": torch.linspace(-1, 1, 3)}
    return [(name, nn.Parameter(value)) for name, value in values.items()], [each + 0.5 for each in values.values()]


def _network(recipe: Recipe, data: Data, batch: int, meant: bool) -> Sound:
    """A network on one batch, forward and back. Raises ValueError where it cannot be trained."""
    module, shape = build(recipe, 0, data), (batch, data.outputs)
    x, y = data.of([0]).train.take(torch.arange(batch).unsqueeze(0))
    outputs = module.train()(x[0])
    if not isinstance(outputs, Tensor) or outputs.shape != shape:
        found = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise ValueError(f"gives {found} for {batch} rows; give a tensor of shape {shape}")
    loss = data.task.losses(outputs.unsqueeze(0), y).mean()
    if not loss.isfinite():
        raise ValueError(f"its loss before training is {loss.item()}; scale its outputs")
    if not loss.requires_grad:
        raise ValueError("its outputs depend on no parameter; take detach() and no_grad() out of its forward")
    if stray := unregistered(module, loss):
        raise ValueError(stray)
    named = [(name, each) for name, each in module.named_parameters() if each.requires_grad]
    gradients = torch.autograd.grad(loss, [each for _, each in named], allow_unused=True)
    if idle := [name for (name, _), each in zip(named, gradients, strict=True) if each is None]:
        raise ValueError(f"{idle[0]!r} gets no gradient; use it, or say requires_grad_(False)")
    doubts = list[str]()
    if isinstance(recipe.network, Custom):
        doubts += (unsteady(module, x[0]), "" if meant else silenced(module, recipe.dropout))
    return Sound(named, gradients, tuple(filter(None, doubts)))


def _optimizer(recipe: Recipe, sound: Sound) -> list[str]:
    """An optimizer, and some steps of it: what is doubtful. Raises TypeError or ValueError where it cannot be used."""
    copies = [(name, nn.Parameter(each.detach().clone())) for name, each in sound.parameters]
    for (_, parameter), gradient in zip(copies, sound.gradients, strict=True):
        parameter.grad = gradient.clone()
    made = recipe.optimizer.build(copies)
    if not isinstance(made, torch.optim.Optimizer):
        raise TypeError(f"gives {type(made).__name__}; give a torch.optim.Optimizer")
    if any("lr" not in group for group in made.param_groups):
        raise ValueError("its param_groups have no 'lr', which schedules set")
    if not isinstance(recipe.optimizer, Custom) or recipe.optimizer.again:
        return []
    if has_modes(made):
        made.train()  # type: ignore[attr-defined]
    try:
        made.step()
    except NotImplementedError:
        raise TypeError(f"gives {type(made).__name__}, which has no step()") from None
    except TypeError as error:
        if "closure" not in str(error):
            raise
        raise TypeError("its step() needs a closure; say closure: true beside its name") from error
    if recipe.optimizer.elementwise and not is_elementwise(recipe.optimizer, sound.parameters, sound.gradients):
        raise ValueError(
            "it says elementwise = True, and steps a parameter otherwise beside others than alone; take that line out"
        )
    before = torch.cat([each.detach().flatten() for _, each in sound.parameters])
    if torch.equal(before, after := stepped(recipe.optimizer, sound.parameters, sound.gradients)):
        return ["the steps of its optimizer change no parameter"]
    half = stepped(recipe.optimizer, sound.parameters, sound.gradients, 0.5)
    if recipe.schedule != Constant() and torch.equal(after, half):
        return ["its optimizer does not read the 'lr' of its param_groups, so that the schedule changes nothing"]
    return []


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
